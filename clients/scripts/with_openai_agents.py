"""OpenAI's Agents SDK for Python: runs of an agent, on the Responses API as it is by default."""

import asyncio
from typing import Any

import agents
import openai

from clients.scripts.common import KEY, MODEL, Answer, Task, revenue_of, serve


def _agent(task: Task, *tools: Any) -> Any:
    client = openai.AsyncOpenAI(base_url=task.base, api_key=KEY, default_headers=task.headers)
    model = agents.OpenAIResponsesModel(model=MODEL, openai_client=client)
    return agents.Agent(name="analyst", instructions="Answer in one sentence.", model=model, tools=list(tools))


def _with_tool(task: Task) -> Any:
    return _agent(task, agents.function_tool(revenue_of(task)))


def ask(task: Task) -> Answer:
    """A run without tools."""
    return str(agents.Runner.run_sync(_agent(task), task.text).final_output)


def stream(task: Task) -> Answer:
    """A run without tools, streamed."""

    async def run() -> Answer:
        run = agents.Runner.run_streamed(_agent(task), task.text)
        async for _ in run.stream_events():
            pass
        return str(run.final_output)

    return asyncio.run(run())


def tool(task: Task) -> Answer:
    """A run with a tool."""
    return str(agents.Runner.run_sync(_with_tool(task), task.text).final_output)


def stateful(task: Task) -> Answer:
    """A run with a tool, the upstream keeping the conversation."""
    run = agents.Runner.run_sync(_with_tool(task), task.text, auto_previous_response_id=True)
    return str(run.final_output)


if __name__ == "__main__":
    agents.set_tracing_disabled(True)
    serve({each.__name__: each for each in (ask, stream, tool, stateful)})
