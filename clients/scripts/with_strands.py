"""Strands: an agent on its model provider for OpenAI, which streams by default."""

from typing import Any

import strands
from strands.models.openai import OpenAIModel

from clients.scripts.common import KEY, MODEL, Answer, Task, revenue_of, serve


def _run(task: Task, *tools: Any, streamed: bool = True) -> Answer:
    arguments = {"base_url": task.base, "api_key": KEY, "default_headers": task.headers}
    model = OpenAIModel(client_args=arguments, model_id=MODEL, stream=streamed)
    return str(strands.Agent(model=model, tools=list(tools), callback_handler=None)(task.text)).strip()


def ask(task: Task) -> Answer:
    """A run without tools whose model does not stream."""
    return _run(task, streamed=False)


def stream(task: Task) -> Answer:
    """A run without tools."""
    return _run(task)


def tool(task: Task) -> Answer:
    """A run with a tool."""
    return _run(task, strands.tool(revenue_of(task)))


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool)})
