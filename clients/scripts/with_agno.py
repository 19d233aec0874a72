"""Agno: an agent on its model for OpenAI's chat completions."""

from typing import Any

from agno.agent import Agent
from agno.models.openai import OpenAIChat

from clients.scripts.common import KEY, MODEL, Answer, Task, revenue_of, serve


def _agent(task: Task, *tools: Any) -> Any:
    model = OpenAIChat(id=MODEL, base_url=task.base, api_key=KEY, default_headers=task.headers)
    return Agent(model=model, tools=list(tools), telemetry=False)


def _shown(run: Any) -> Answer:
    """The content of a run, which is what users are shown; with its status where that says more."""
    status = getattr(run.status, "value", run.status)
    return str(run.content) if str(status).upper() == "COMPLETED" else f"no exception; status {status}: {run.content}"


def ask(task: Task) -> Answer:
    """A run without tools."""
    return _shown(_agent(task).run(task.text))


def stream(task: Task) -> Answer:
    """A run without tools, streamed."""
    return "".join(str(getattr(event, "content", None) or "") for event in _agent(task).run(task.text, stream=True))


def tool(task: Task) -> Answer:
    """A run with a tool."""
    return _shown(_agent(task, revenue_of(task)).run(task.text))


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool)})
