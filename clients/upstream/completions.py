"""An answer as OpenAI's chat completions have it."""

from collections.abc import Iterator
from typing import Final

from clients.upstream.said import MODEL, Event, Json, ToolCall, pieces

_USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def completion(said: ToolCall | str) -> Json:
    message: Json = {"role": "assistant", "content": said if isinstance(said, str) else None}
    if isinstance(said, ToolCall):
        message["tool_calls"] = [_tool_call(said)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL}
    return {**head, "choices": [choice], "usage": _USAGE}


def completion_events(said: ToolCall | str) -> Iterator[Event]:
    deltas: list[Json] = [{"role": "assistant", "content": "" if isinstance(said, str) else None}]
    if isinstance(said, ToolCall):
        deltas += [{"tool_calls": [{"index": 0, **_tool_call(said)}]}]
    else:
        deltas += [{"content": piece} for piece in pieces(said)]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    for delta in deltas:
        yield None, {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}
    yield None, {**head, "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": _finish(said)}]}
    yield None, {**head, "choices": [], "usage": _USAGE}
    yield None, "[DONE]"


def _tool_call(call: ToolCall) -> Json:
    return {"id": "call_1", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _finish(said: ToolCall | str) -> str:
    return "stop" if isinstance(said, str) else "tool_calls"
