"""Google's Agent Development Kit: runs of an agent whose model LiteLLM calls."""

import asyncio
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.genai import types

from clients.scripts.common import KEY, MODEL, Answer, Task, revenue_of, serve


def _run(task: Task, *tools: Any, streaming: bool = False) -> Answer:
    return asyncio.run(_last_text(task, list(tools), StreamingMode.SSE if streaming else StreamingMode.NONE))


async def _last_text(task: Task, tools: list[Any], mode: Any) -> Answer:
    model = LiteLlm(model=f"openai/{MODEL}", api_base=task.base, api_key=KEY, extra_headers=task.headers)
    agent = LlmAgent(name="analyst", model=model, instruction="Answer in one sentence.", tools=tools)
    runner = InMemoryRunner(agent=agent, app_name="clients")
    session = await runner.session_service.create_session(app_name="clients", user_id="someone")
    message = types.Content(role="user", parts=[types.Part(text=task.text)])
    answer = ""
    async for event in runner.run_async(
        user_id="someone", session_id=session.id, new_message=message, run_config=RunConfig(streaming_mode=mode)
    ):
        if event.error_message:
            answer = f"an event with the error {event.error_code}: {event.error_message}"
        elif event.content and event.content.parts and not event.partial:
            answer = "".join(part.text or "" for part in event.content.parts) or answer
    return answer


def ask(task: Task) -> Answer:
    """A run without tools."""
    return _run(task)


def stream(task: Task) -> Answer:
    """A run without tools, streamed."""
    return _run(task, streaming=True)


def tool(task: Task) -> Answer:
    """A run with a tool."""
    return _run(task, revenue_of(task))


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool)})
