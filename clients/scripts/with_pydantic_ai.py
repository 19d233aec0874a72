"""Pydantic AI: runs of an agent, on the Responses API as `openai:` gives it."""

import asyncio
from typing import Any

import openai
from pydantic_ai import Agent, Embedder
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.models.openai import OpenAIResponsesModel, OpenAIResponsesModelSettings
from pydantic_ai.providers.openai import OpenAIProvider

from clients.scripts.common import KEY, MODEL, Answer, Task, revenue_of, serve


def _provider(task: Task) -> Any:
    client = openai.AsyncOpenAI(base_url=task.base, api_key=KEY, default_headers=task.headers)
    return OpenAIProvider(openai_client=client)


def _agent(task: Task, **options: Any) -> Any:
    return Agent(OpenAIResponsesModel(MODEL, provider=_provider(task)), **options)


def _with_tool(task: Task, **options: Any) -> Any:
    return _agent(task, tools=[revenue_of(task)], **options)


def ask(task: Task) -> Answer:
    """A run without tools."""
    return str(_agent(task).run_sync(task.text).output)


def stream(task: Task) -> Answer:
    """A run without tools, streamed."""

    async def run() -> Answer:
        async with _agent(task).run_stream(task.text) as result:
            return str(await result.get_output())

    return asyncio.run(run())


def tool(task: Task) -> Answer:
    """A run with a tool."""
    return str(_with_tool(task).run_sync(task.text).output)


def stateful(task: Task) -> Answer:
    """A run with a tool, the upstream keeping the conversation."""
    settings = OpenAIResponsesModelSettings(openai_previous_response_id="auto")
    return str(_with_tool(task, model_settings=settings).run_sync(task.text).output)


def embed(task: Task) -> Answer:
    """Embeddings of two texts."""
    embedder = Embedder(OpenAIEmbeddingModel(MODEL, provider=_provider(task)))
    return f"{len(embedder.embed_documents_sync([task.text, task.text]).embeddings)} vectors"


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool, stateful, embed)})
