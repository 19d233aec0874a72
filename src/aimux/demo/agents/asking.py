"""What somebody asks an agent: the text of a request, and what the gateway says about who asks."""

import json
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qs, urlsplit

Document = dict[str, object]


class Unreadable(Exception):  # noqa: N818  (says what the request is)
    """The request says nothing that an agent could read; the message tells its sender why."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request to an agent.

    `asked_by`, `route` and `request_id` are what the gateway says in its X-AIMux headers, None where it says nothing:
    an anonymous caller has no `asked_by`, and a request that did not come through a gateway has none of them.
    """

    text: str
    asked_by: str | None = None
    route: str | None = None
    request_id: str | None = None
    document: Document | None = None

    @property
    def words(self) -> str:
        """The text in lower case, with single spaces: what an agent looks for its keywords in."""
        return " ".join(self.text.lower().split())

    def seen_by(self, agent: str) -> Document:
        """What an agent knows of the caller. It stands in every answer, so that one can watch the mesh at work."""
        return {"agent": agent, "asked_by": self.asked_by, "route": self.route, "request_id": self.request_id}


def read_question(target: str, headers: "Message[str, str]", body: bytes) -> Question:
    """Read a request. Its text is "" where it has none; raises Unreadable for a body that is not what it says it is."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    document = _document(kind, body)
    text = _parameter(urlsplit(target).query)
    if text is None and document is not None:
        text = _text_of(document)
    elif text is None and kind == "text/plain":
        text = _decoded(body)
    elif text is None and kind == "application/x-www-form-urlencoded":
        text = _parameter(_decoded(body))
    return Question(
        text=text or "",
        asked_by=headers.get("X-AIMux-Agent"),
        route=headers.get("X-AIMux-Route"),
        request_id=headers.get("X-Request-ID"),
        document=document,
    )


def _document(kind: str, body: bytes) -> Document | None:
    """The JSON object in the body. A leading brace counts for more than the type: `curl -d` calls everything a form."""
    if not body or (kind != "application/json" and not body.lstrip().startswith(b"{")):
        return None
    try:
        document = json.loads(_decoded(body))
    except (ValueError, RecursionError):
        raise Unreadable("the body is no valid JSON") from None
    if not isinstance(document, dict):
        raise Unreadable('the body must be a JSON object like {"query": "..."}')
    return document


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Unreadable("the body is no valid UTF-8") from None


def _parameter(encoded: str) -> str | None:
    parameters = parse_qs(encoded)
    return next((parameters[name][0] for name in ("q", "query") if name in parameters), None)


def _text_of(document: Document) -> str | None:
    for name in ("query", "prompt", "input"):
        value = document.get(name)
        if isinstance(value, str):
            return value
    messages = document.get("messages")
    if not isinstance(messages, list):
        return None
    said = [message for message in messages if isinstance(message, dict) and message.get("role") == "user"]
    return _content(said[-1].get("content")) if said else None


def _content(content: object) -> str | None:
    """A message's text: either a string, or the text parts of a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    return "\n".join(part for part in parts if isinstance(part, str))
