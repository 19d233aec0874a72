"""What smolagents sends: tool results, errors and plans under the user's role, and tasks behind a label."""

from typing import Any

from scripted import ASKED, ASKED_NEXT, BROUGHT, Message, Run, calls, give, says, situation
from smolagents import CodeAgent, OpenAIModel, ToolCallingAgent, tool

READ, MISS = calls("read_page", name="report"), calls("read_page", name="missing")
ENOUGH = calls("final_answer", answer="Twelve millions.")
CODE = "Thought: I read the page.\n<code>\nprint(read_page('report'))\n</code>"
CODE_ENOUGH = "Thought: I know it.\n<code>\nfinal_answer('Twelve millions.')\n</code>"
PLAN = says("1. Read the page.")


@tool
def read_page(name: str) -> str:
    """Reads a page.

    Args:
        name: The page's name.
    """
    if name == "missing":
        raise ValueError(BROUGHT)
    return BROUGHT


def agent(url: str, kind: type = ToolCallingAgent, *, flat: bool = False, **more: Any) -> Any:
    model = OpenAIModel("scripted", api_base=url, api_key="none", flatten_messages_as_text=flat)
    return kind(tools=[read_page], model=model, verbosity_level=0, **more)


def one(**more: Any) -> Run:
    return lambda url: agent(url, **more).run(ASKED)


def two(**more: Any) -> Run:
    def run(url: str) -> None:
        asked = agent(url, **more)
        asked.run(ASKED)
        asked.run(ASKED_NEXT, reset=False)

    return run


def managed(url: str) -> None:
    helper = agent(url, name="helper", description="Reads pages.", provide_run_summary=False)
    agent(url, managed_agents=[helper]).run("Ask the helper.")


def asked(name: str, answers: list[Message], run: Run, *brought: str, which: int = -1) -> Message:
    return situation(name, answers, run, user=ASKED, beside=brought, which=which)


def asked_next(name: str, answers: list[Message], run: Run) -> Message:
    return situation(name, answers, run, user=ASKED_NEXT, beside=[ASKED, BROUGHT])


give(
    "smolagents",
    [
        asked("the task", [ENOUGH], one()),
        asked("a tool's result", [READ, ENOUGH], one(), BROUGHT),
        asked("a tool's result, flat", [READ, ENOUGH], one(flat=True), BROUGHT),
        asked("two results", [READ, READ, ENOUGH], one(), BROUGHT, BROUGHT),
        asked("a tool's error", [MISS, ENOUGH], one(), BROUGHT),
        asked("a tool's error after a result", [READ, MISS, ENOUGH], one(), BROUGHT, BROUGHT),
        asked("an answer that calls nothing", [says(BROUGHT), ENOUGH], one(), BROUGHT),
        asked("what code printed", [says(CODE), says(CODE_ENOUGH)], one(kind=CodeAgent), BROUGHT),
        asked(
            "an error of code",
            [says(CODE.replace("report", "missing")), says(CODE_ENOUGH)],
            one(kind=CodeAgent),
            BROUGHT,
        ),
        asked("a plan to be made", [PLAN, ENOUGH], one(planning_interval=2), "read_page", which=0),
        asked(
            "a plan to be made of code",
            [PLAN, says(CODE_ENOUGH)],
            one(kind=CodeAgent, planning_interval=2),
            "read_page",
            which=0,
        ),
        asked("a plan to be carried out", [PLAN, ENOUGH], one(planning_interval=2), "Read the page."),
        asked("a plan and an error", [PLAN, MISS, ENOUGH], one(planning_interval=5), BROUGHT),
        asked("a plan to be made again", [PLAN, READ, READ, PLAN, ENOUGH], one(planning_interval=2), BROUGHT, which=3),
        asked("a plan to be carried out again", [PLAN, READ, READ, PLAN, ENOUGH], one(planning_interval=2), BROUGHT),
        asked("the answer after too many steps", [READ, READ, says("Twelve.")], one(max_steps=2), BROUGHT),
        asked("a manager's task", [calls("helper", task=ASKED), ENOUGH, ENOUGH], managed, "helper", which=1),
        asked_next("the next task", [READ, ENOUGH, ENOUGH], two()),
        asked_next("the next task, of code", [says(CODE), says(CODE_ENOUGH)], two(kind=CodeAgent)),
        asked_next("the next task, and an error", [READ, ENOUGH, MISS, ENOUGH], two()),
        # A page could say that there is a next task, so that this one cannot choose.
        asked(
            "the next task after too many steps", [READ, READ, says("Twelve."), ENOUGH], two(max_steps=2), ASKED_NEXT
        ),
    ],
)
