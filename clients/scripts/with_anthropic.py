"""anthropic's SDK for Python: messages, by hand."""

from typing import Any

import anthropic

from clients.scripts.common import KEY, Answer, Task, joined, serve

MODEL = "claude-of-no-version"
TOOLS: Any = [
    {
        "name": "revenue",
        "input_schema": {"type": "object", "properties": {"quarter": {"type": "string"}}, "required": ["quarter"]},
    }
]


def _client(task: Task) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=task.gateway, api_key=KEY, default_headers=task.headers)


def _text(message: anthropic.types.Message) -> Answer:
    # An answer that is no message comes as it is.
    content = getattr(message, "content", None)
    return str(message) if content is None else joined([getattr(part, "text", None) for part in content])


def _asking(task: Task) -> list[Any]:
    return [{"role": "user", "content": task.text}]


def ask(task: Task) -> Answer:
    """One message."""
    return _text(_client(task).messages.create(model=MODEL, max_tokens=99, messages=_asking(task)))


def stream(task: Task) -> Answer:
    """One message as a stream."""
    with _client(task).messages.stream(model=MODEL, max_tokens=99, messages=_asking(task)) as events:
        return joined(list(events.text_stream))


def tool(task: Task) -> Answer:
    """A tool call and its result."""
    client, messages = _client(task), _asking(task)
    said = client.messages.create(model=MODEL, max_tokens=99, messages=messages, tools=TOOLS)
    calls = [part for part in said.content if part.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": task.result} for call in calls]
    messages += [{"role": "assistant", "content": said.content}, {"role": "user", "content": results}]
    return _text(client.messages.create(model=MODEL, max_tokens=99, messages=messages, tools=TOOLS))


def models(task: Task) -> Answer:
    """The list of models."""
    return ", ".join(model.id for model in _client(task).models.list())


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool, models)})
