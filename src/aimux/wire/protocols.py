"""The text in the JSON of Gemini, A2A and MCP, in terms of messages with a role and content.

Gemini: `contents` of `generateContent`, `content` and `requests` of its embeddings. A2A: the message of both HTTP
bindings, versions 0.3 and 1.0. MCP: what a tool or a prompt is asked for.
"""

from typing import Final

from aimux.core.values import value
from aimux.wire.conversations import besides, heard, meaningful

_A2A_USER: Final = ("user", "ROLE_USER")
_MCP_CALLS: Final = frozenset(("tools/call", "prompts/get"))
_MCP_ASKED: Final = frozenset(("name", "arguments"))
# What becomes of a message's own `content` where its parts take that place: nothing that is said gets lost.
_REPLACED: Final = {"content": "content_"}


@value
class ProtocolText:
    """The text that a request of a protocol asks with, the field that holds it, and all else that the field says."""

    text: str
    field: str
    beside: tuple[str, ...] = ()


def gemini_messages(contents: object) -> list[object]:
    """The messages of Gemini's `contents`, which may leave the user's role out or null; none for anything else."""
    if isinstance(contents, dict):
        contents = [contents]
    if not isinstance(contents, list):
        return []
    return [_message(each.get("role") or "user", each) if isinstance(each, dict) else each for each in contents]


def gemini_embedded(content: object) -> tuple[str | None, tuple[str, ...]]:
    """The text of a content that is to be embedded, if any, and what else it says."""
    if not isinstance(content, dict):
        return None, tuple(heard(content))
    texts = [part["text"] for part in _parts(content) if isinstance(part, dict) and _has_text(part)]
    return meaningful("\n".join(texts)), tuple(besides(_message(None, content)))


def a2a_asked(document: dict[str, object]) -> ProtocolText | None:
    """The text of an A2A message of the user; None where a document holds none."""
    params = document.get("params")
    field, holder = ("params", params) if isinstance(params, dict) else ("message", document)
    message = holder.get("message")
    if not isinstance(message, dict) or (message.get("role") or "user") not in _A2A_USER:
        return None
    text, beside = gemini_embedded(message)
    if text is None:
        return None
    if field == "params":
        beside += tuple(heard({name: each for name, each in holder.items() if name != "message"}))
    return ProtocolText(text, field, beside)


def mcp_asked(document: dict[str, object]) -> ProtocolText | None:
    """The text of an MCP request for a tool or a prompt: its name and arguments."""
    params = document.get("params")
    if not isinstance(params, dict) or document.get("method") not in _MCP_CALLS:
        return None
    text = next(heard({name: each for name, each in params.items() if name in _MCP_ASKED}), None)
    if text is None:
        return None
    return ProtocolText(
        text, "params", tuple(heard({name: each for name, each in params.items() if name not in _MCP_ASKED}))
    )


def _message(role: object, content: dict[str, object]) -> dict[str, object]:
    """A message in OpenAI's form of one whose content stands in `parts`; nothing that it says is lost."""
    said: list[object] = []
    for part in _parts(content):
        if isinstance(part, dict) and _has_text(part):
            said += ({"type": "text", "text": part["text"]}, {name: part[name] for name in part if name != "text"})
        else:
            said.append(part)
    rest = {_REPLACED.get(name, name): each for name, each in content.items() if name != "parts"}
    return {**rest, "role": role, "content": said}


def _parts(content: dict[str, object]) -> list[object]:
    parts = content.get("parts")
    return parts if isinstance(parts, list) else [parts]


def _has_text(part: object) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)
