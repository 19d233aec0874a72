"""An answer as OpenAI's Responses API has it."""

from collections.abc import Iterator
from typing import Final

from clients.upstream.said import MODEL, Event, Json, ToolCall, pieces

_COUNTED: Final = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 12,
}


def response(said: ToolCall | str, status: str = "completed") -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": MODEL,
        "output": [_item(said)] if status == "completed" else [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": _COUNTED if status == "completed" else None,
    }


def _item(said: ToolCall | str) -> Json:
    if isinstance(said, ToolCall):
        call = {"id": "fc_1", "call_id": "call_1", "name": said.name, "arguments": said.arguments}
        return {"type": "function_call", "status": "completed", **call}
    content = [_text_part(said)]
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}


def _text_part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def response_events(said: ToolCall | str) -> Iterator[Event]:
    begun = response(said, "in_progress")
    steps: list[Json] = [{"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")]
    steps += _call_steps(said) if isinstance(said, ToolCall) else _text_steps(said)
    steps += [{"type": "response.output_item.done", "output_index": 0, "item": _item(said)}]
    steps += [{"type": "response.completed", "response": response(said)}]
    for number, step in enumerate(steps):
        yield step["type"], {**step, "sequence_number": number}


def _call_steps(call: ToolCall) -> list[Json]:
    place = {"item_id": "fc_1", "output_index": 0}
    item = {**_item(call), "status": "in_progress", "arguments": ""}
    arguments = "response.function_call_arguments"
    return [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": f"{arguments}.delta", **place, "delta": call.arguments},
        {"type": f"{arguments}.done", **place, "name": call.name, "arguments": call.arguments},
    ]


def _text_steps(text: str) -> list[Json]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {**_item(text), "status": "in_progress", "content": []}
    steps: list[Json] = [
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **place, "part": _text_part("")},
    ]
    delta = "response.output_text.delta"
    steps += [{"type": delta, **place, "delta": piece, "logprobs": []} for piece in pieces(text)]
    steps += [{"type": "response.output_text.done", **place, "text": text, "logprobs": []}]
    steps += [{"type": "response.content_part.done", **place, "part": _text_part(text)}]
    return steps
