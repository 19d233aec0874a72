"""What crewai sends: the task inside a frame, and what it says itself when a tool has answered."""

import os
from typing import Any

os.environ["CREWAI_DISABLE_TELEMETRY"] = os.environ["OTEL_SDK_DISABLED"] = "true"
os.environ["CREWAI_TRACING_ENABLED"] = "false"

from crewai import LLM, Agent, Crew, Task
from crewai.llms.providers.openai.completion import OpenAICompletion
from crewai.tools import tool
from pydantic import BaseModel
from scripted import ASKED, ASKED_NEXT, BROUGHT, Message, Run, calls, give, says, situation

EXPECTED = "The number of deleted users."
READ, ENOUGH = (
    calls("read_page", name="report"),
    says("Thought: I now can give a great answer\nFinal Answer: Twelve millions."),
)
ACT = says('Thought: I read it.\nAction: read_page\nAction Input: {"name": "report"}')
TOLD = says(f"Thought: I now can give a great answer\nFinal Answer: {BROUGHT}")


class Figures(BaseModel):
    millions: int


@tool("read_page")
def read_page(name: str) -> str:
    """Reads a page."""
    return BROUGHT if name else ""


def agent(url: str, **more: Any) -> Agent:
    llm = LLM(model="openai/gpt-4.1", base_url=url, api_key="none")
    return Agent(role="Analyst", goal="Know figures", backstory="You know figures.", llm=llm, **more)


def crew(*asked: str, of_task: dict[str, Any] | None = None, calls_tools: bool = True, **more: Any) -> Run:
    def run(url: str) -> None:
        OpenAICompletion.supports_function_calling = lambda _self: calls_tools
        doer = agent(url, **more)
        tasks = [Task(description=each, expected_output=EXPECTED, agent=doer, **(of_task or {})) for each in asked]
        Crew(agents=[doer], tasks=tasks, tracing=False).kickoff()

    return run


def is_figure(output: Any) -> tuple[bool, str]:
    return "millions" in output.raw, output.raw


def asked(name: str, answers: list[Message], run: Run, *brought: str) -> Message:
    return situation(name, answers, run, user=ASKED, beside=brought)


WITH_TOOL = {"tools": [read_page], "calls_tools": False}
give(
    "crewai",
    [
        asked("a task", [ENOUGH], crew(ASKED), EXPECTED),
        asked(
            "a task of a shape", [says('{"millions": 12}')], crew(ASKED, of_task={"output_pydantic": Figures}), EXPECTED
        ),
        asked("a tool's result", [READ, ENOUGH], crew(ASKED, tools=[read_page]), EXPECTED, BROUGHT),
        asked("a task for a model that calls no tools", [ENOUGH], crew(ASKED, **WITH_TOOL), EXPECTED),
        asked("a tool's result for such a model", [ACT, ENOUGH], crew(ASKED, **WITH_TOOL), EXPECTED, BROUGHT),
        asked(
            "too many steps of such a model",
            [ACT, ACT, ENOUGH],
            crew(ASKED, max_iter=1, **WITH_TOOL),
            EXPECTED,
            BROUGHT,
        ),
        asked("a guardrail", [TOLD, ENOUGH], crew(ASKED, of_task={"guardrail": is_figure}), EXPECTED, BROUGHT),
        situation(
            "the second of two tasks",
            [TOLD, ENOUGH],
            crew(ASKED, ASKED_NEXT),
            user=ASKED_NEXT,
            beside=[EXPECTED, BROUGHT],
        ),
        asked("an agent alone", [ENOUGH], lambda url: agent(url).kickoff(ASKED)),
        asked("an agent alone with a tool", [ENOUGH], lambda url: agent(url, tools=[read_page]).kickoff(ASKED)),
    ],
)
