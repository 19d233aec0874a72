"""CrewAI: a crew of one agent with one task."""

from typing import Any

from crewai import LLM, Agent, Crew
from crewai import Task as Job
from crewai.tools import BaseTool

from clients.scripts.common import KEY, MODEL, Answer, Task, serve


class CrewRevenue(BaseTool):  # type: ignore[misc]
    """A tool of CrewAI's kind."""

    name: str = "revenue"
    description: str = "The revenue of a quarter."
    result: str = ""

    def _run(self, quarter: str) -> str:
        return self.result


def _kick_off(task: Task, *tools: Any, streamed: bool = False) -> Answer:
    model = LLM(model=f"openai/{MODEL}", base_url=task.base, api_key=KEY, default_headers=task.headers, stream=streamed)
    agent = Agent(
        role="analyst", goal="Answer questions", backstory="You know the books.", llm=model, tools=list(tools)
    )
    job = Job(description=task.text, expected_output="one sentence", agent=agent)
    return str(Crew(agents=[agent], tasks=[job]).kickoff())


def ask(task: Task) -> Answer:
    """A crew without tools."""
    return _kick_off(task)


def stream(task: Task) -> Answer:
    """A crew without tools whose model streams."""
    return _kick_off(task, streamed=True)


def tool(task: Task) -> Answer:
    """A crew with a tool."""
    return _kick_off(task, CrewRevenue(result=task.result))


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool)})
