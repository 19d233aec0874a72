"""openai-python: chat completions and Responses, by hand."""

from typing import Any

import openai

from clients.scripts.common import KEY, MODEL, SCHEMA, Answer, Task, joined, serve


def _client(task: Task) -> openai.OpenAI:
    return openai.OpenAI(base_url=task.base, api_key=KEY, default_headers=task.headers)


def ask(task: Task) -> Answer:
    """One chat completion."""
    messages: Any = [{"role": "user", "content": task.text}]
    answer: Any = _client(task).chat.completions.create(model=MODEL, messages=messages)
    # An answer that is no completion comes as it is.
    return answer if isinstance(answer, str) else str(answer.choices[0].message.content)


def stream(task: Task) -> Answer:
    """One chat completion as a stream."""
    messages: Any = [{"role": "user", "content": task.text}]
    with _client(task).chat.completions.create(model=MODEL, messages=messages, stream=True) as chunks:
        return joined([chunk.choices[0].delta.content for chunk in chunks if chunk.choices])


def tool(task: Task) -> Answer:
    """A tool call and its result, as messages."""
    client = _client(task)
    messages: list[Any] = [{"role": "user", "content": task.text}]
    tools: Any = [{"type": "function", "function": {"name": "revenue", "parameters": SCHEMA}}]
    said = client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": task.result} for call in said.tool_calls or []]
    messages += [said, *results]
    return client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0].message.content or ""


def stateful(task: Task) -> Answer:
    """A tool call and its result, the upstream keeping the conversation."""
    client = _client(task)
    tools: Any = [{"type": "function", "name": "revenue", "parameters": SCHEMA, "strict": True}]
    first = client.responses.create(model=MODEL, input=task.text, tools=tools)
    calls = [item for item in first.output if item.type == "function_call"]
    given: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": task.result} for call in calls]
    return client.responses.create(model=MODEL, input=given, tools=tools, previous_response_id=first.id).output_text


def embed(task: Task) -> Answer:
    """Embeddings of two texts."""
    answer = _client(task).embeddings.create(model=MODEL, input=[task.text, task.text])
    return f"{len(answer.data)} vectors"


def embed_token_ids(task: Task) -> Answer:
    """Embeddings of two texts as token ids, as LangChain sends them by default."""
    answer = _client(task).embeddings.create(model=MODEL, input=[[1, 2], [3, 4, 5]])
    return f"{len(answer.data)} vectors"


def models(task: Task) -> Answer:
    """The list of models."""
    return ", ".join(model.id for model in _client(task).models.list())


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool, stateful, embed, embed_token_ids, models)})
