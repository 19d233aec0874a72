"""An answer as Anthropic's messages have it."""

import json
from collections.abc import Iterator

from clients.upstream.said import MODEL, Event, Json, ToolCall, pieces


def message(said: ToolCall | str) -> Json:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": [_block(said)]}
    reason = "end_turn" if isinstance(said, str) else "tool_use"
    return {**head, "stop_reason": reason, "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 3}}


def _block(said: ToolCall | str) -> Json:
    if isinstance(said, ToolCall):
        return {"type": "tool_use", "id": "call_1", "name": said.name, "input": json.loads(said.arguments)}
    return {"type": "text", "text": said}


def message_events(said: ToolCall | str) -> Iterator[Event]:
    whole = message(said)
    yield _typed("message_start", message={**whole, "content": [], "stop_reason": None})
    empty: Json = {**_block(said), **({"text": ""} if isinstance(said, str) else {"input": {}})}
    yield _typed("content_block_start", index=0, content_block=empty)
    if isinstance(said, ToolCall):
        yield _typed("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": said.arguments})
    else:
        for piece in pieces(said):
            yield _typed("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    yield _typed("content_block_stop", index=0)
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield _typed("message_delta", delta=ending, usage={"output_tokens": 3})
    yield _typed("message_stop")


def _typed(kind: str, **data: object) -> Event:
    return kind, {"type": kind, **data}
