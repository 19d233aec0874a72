"""LiteLLM's SDK: completions for an OpenAI-compatible base address."""

from typing import Any

import litellm

from clients.scripts.common import KEY, MODEL, SCHEMA, Answer, Task, joined, serve

TOOLS: Any = [{"type": "function", "function": {"name": "revenue", "parameters": SCHEMA}}]


def _complete(task: Task, messages: list[Any], **options: Any) -> Any:
    return litellm.completion(
        model=f"openai/{MODEL}",
        api_base=task.base,
        api_key=KEY,
        extra_headers=task.headers,
        messages=messages,
        **options,
    )


def _asking(task: Task) -> list[Any]:
    return [{"role": "user", "content": task.text}]


def ask(task: Task) -> Answer:
    """One completion."""
    return str(_complete(task, _asking(task)).choices[0].message.content)


def stream(task: Task) -> Answer:
    """One completion as a stream."""
    return joined([chunk.choices[0].delta.content for chunk in _complete(task, _asking(task), stream=True)])


def tool(task: Task) -> Answer:
    """A tool call and its result, as messages."""
    messages = _asking(task)
    said = _complete(task, messages, tools=TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": task.result} for call in said.tool_calls or []]
    return str(_complete(task, [*messages, said, *results], tools=TOOLS).choices[0].message.content)


def embed(task: Task) -> Answer:
    """Embeddings of two texts."""
    answer = litellm.embedding(
        model=f"openai/{MODEL}",
        api_base=task.base,
        api_key=KEY,
        extra_headers=task.headers,
        input=[task.text, task.text],
    )
    return f"{len(answer.data)} vectors"


if __name__ == "__main__":
    serve({each.__name__: each for each in (ask, stream, tool, embed)})
