"""smolagents: an agent that calls tools, on its model for OpenAI-compatible servers."""

from typing import Any

import smolagents

from clients.scripts.common import KEY, MODEL, Answer, Task, serve


class SmolRevenue(smolagents.Tool):  # type: ignore[misc]
    """A tool of smolagents' kind."""

    name = "revenue"
    description = "The revenue of a quarter."
    inputs = {"quarter": {"type": "string", "description": "The quarter."}}  # noqa: RUF012  (as the library has it)
    output_type = "string"
    result = ""

    def forward(self, quarter: str) -> str:
        """The revenue of a quarter."""
        return self.result


def _run(task: Task, *tools: Any, streamed: bool = False) -> Answer:
    options = {"default_headers": task.headers}
    model = smolagents.OpenAIModel(model_id=MODEL, api_base=task.base, api_key=KEY, client_kwargs=options)
    agent = smolagents.ToolCallingAgent(
        tools=list(tools), model=model, stream_outputs=streamed, max_steps=3, verbosity_level=0
    )
    return str(agent.run(task.text))


def ask(task: Task) -> Answer:
    """A run with no tool but the one that gives the answer."""
    return _run(task)


def stream(task: Task) -> Answer:
    """The same, streamed."""
    return _run(task, streamed=True)


def tool(task: Task) -> Answer:
    """A run with a tool."""
    made = SmolRevenue()
    made.result = task.result
    return _run(task, made)


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool)})
