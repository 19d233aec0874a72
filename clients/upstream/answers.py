"""What the scripted upstream says, in the shape of each API: a tool call where tools are offered, then the answer."""

import base64
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from clients.upstream.completions import completion, completion_events
from clients.upstream.messages import message, message_events
from clients.upstream.responses import response, response_events
from clients.upstream.said import MODEL, Event, Json, ToolCall

ANSWER: Final = "Revenue was 42 million."
_VECTOR: Final = (0.5, 0.25, -0.5, 1.0)


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """An answer with status 200: as one document, and as the events of a stream where the caller asked for one."""

    document: Json
    events: tuple[Event, ...] | None = None


def reply(path: str, asked: Json) -> ScriptedReply | None:
    """The answer to a request with this path and body; None where no API has the path."""
    streamed = bool(asked.get("stream"))
    end = path.partition("?")[0].rstrip("/")
    if end.endswith("/embeddings"):
        return ScriptedReply(_embeddings(asked))
    for ending, say, tell in (
        ("/chat/completions", completion, completion_events),
        ("/responses", response, response_events),
        ("/messages", message, message_events),
    ):
        if end.endswith(ending):
            said = _next_step(asked)
            return ScriptedReply(say(said), tuple(tell(said)) if streamed else None)
    return None


def _next_step(asked: Json) -> ToolCall | str:
    """The tool to call, as long as one is offered and none has given anything; then the answer."""
    tools = dict(_tools(asked.get("tools") or []))
    final = "final_answer" if "final_answer" in tools else None
    useful = [name for name in tools if name != final]
    if not useful or _has_result(asked.get("messages") or asked.get("input")):
        return ToolCall(final, json.dumps({"answer": ANSWER})) if final else ANSWER
    return ToolCall(useful[0], json.dumps(dict(_arguments(tools[useful[0]]))))


def _tools(offered: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    """The offered tools' names and the schemas of their arguments, in the shape of any of the three APIs."""
    for tool in offered:
        function = tool.get("function", tool)
        if "name" in function:
            yield function["name"], function.get("parameters") or function.get("input_schema") or {}


def _arguments(schema: Json) -> Iterator[tuple[str, object]]:
    examples = {"string": "Q3", "integer": 3, "number": 3, "boolean": True, "array": [], "object": {}}
    properties: Mapping[str, Json] = schema.get("properties", {})
    for name in schema.get("required", properties):
        yield name, examples.get(properties.get(name, {}).get("type", "string"), "Q3")


def _has_result(turns: object) -> bool:
    """Whether a tool has given something: in the API's own shape, or in the words that a framework puts it in."""
    if not isinstance(turns, list):
        return False
    return any(_is_result(turn) for turn in turns if isinstance(turn, dict))


def _is_result(turn: Json) -> bool:
    content = turn.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    texts = [str(part.get("text", "")) for part in parts] + ([content] if isinstance(content, str) else [])
    return (
        turn.get("role") == "tool"
        or turn.get("type") == "function_call_output"
        or any(part.get("type") == "tool_result" for part in parts)
        or any(text.startswith("Observation") for text in texts)
    )


def _embeddings(asked: Json) -> Json:
    given = asked.get("input")
    count = len(given) if isinstance(given, list) and not all(isinstance(each, int) for each in given) else 1
    vector: object = list(_VECTOR)
    if asked.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack(f"<{len(_VECTOR)}f", *_VECTOR)).decode()
    data = [{"object": "embedding", "index": number, "embedding": vector} for number in range(count)]
    usage = {"prompt_tokens": 9, "total_tokens": 9}
    return {"object": "list", "data": data, "model": MODEL, "usage": usage}
