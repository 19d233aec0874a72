"""LangChain's ChatOpenAI and OpenAIEmbeddings."""

from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from clients.scripts.common import KEY, MODEL, SCHEMA, Answer, Task, joined, serve

TOOLS: Any = [{"type": "function", "function": {"name": "revenue", "parameters": SCHEMA}}]


def _model(task: Task, **options: Any) -> Any:
    return ChatOpenAI(model=MODEL, base_url=task.base, api_key=KEY, default_headers=task.headers, **options)


def ask(task: Task) -> Answer:
    """One call."""
    return str(_model(task).invoke(task.text).text)


def stream(task: Task) -> Answer:
    """One call as a stream."""
    return joined([chunk.text for chunk in _model(task).stream(task.text)])


def tool(task: Task) -> Answer:
    """A tool call and its result, as messages."""
    return _loop(task, _model(task))


def stateful(task: Task) -> Answer:
    """A tool call and its result, the upstream keeping the conversation."""
    return _loop(task, _model(task, use_responses_api=True, use_previous_response_id=True))


def _loop(task: Task, model: Any) -> Answer:
    bound = model.bind_tools(TOOLS)
    messages: list[Any] = [HumanMessage(task.text)]
    said = bound.invoke(messages)
    results = [ToolMessage(task.result, tool_call_id=call["id"]) for call in said.tool_calls]
    return str(bound.invoke([*messages, said, *results]).text)


def embed(task: Task) -> Answer:
    """Embeddings of two texts, as they are by default: as token ids, by a table that is fetched."""
    return _embed(task)


def embed_as_text(task: Task) -> Answer:
    """Embeddings of two texts, sent as they stand."""
    return _embed(task, check_embedding_ctx_length=False)


def _embed(task: Task, **options: Any) -> Answer:
    model = OpenAIEmbeddings(model=MODEL, base_url=task.base, api_key=KEY, default_headers=task.headers, **options)
    return f"{len(model.embed_documents([task.text, task.text]))} vectors"


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool, stateful, embed, embed_as_text)})
