"""Compares what came of a step with what had to come. Each difference is a sentence."""

import json
from collections.abc import Iterator

from aimux.demo.client import Document, Reply
from aimux.demo.steps import Answered, Completed, Expectation, Listed, Refused, Streamed


def differences(expected: Expectation, reply: Reply, reached: tuple[str, ...]) -> Iterator[str]:
    """What is otherwise than expected. `reached` names the agents that the request got to, once for each time."""
    if reply.failure:
        yield reply.failure
        return
    if isinstance(expected, Refused):
        yield from _refused(expected, reply, reached)
    elif isinstance(expected, Listed):
        yield from _listed(expected, reply, reached)
    else:
        yield from _answered(expected, reply, reached)


def came(reply: Reply) -> str:
    """What came back, in a few words."""
    if reply.failure:
        return reply.failure
    document = reply.document()
    error = document.get("error")
    if isinstance(error, dict):
        return f"{reply.status} {error.get('code')}"
    if reply.events():
        return f"200 {len(reply.events())} events over {reply.spread:.2f} s"
    return f"{reply.status} {said(reply)}"


def said(reply: Reply) -> str:
    """The answer in a reply, whichever shape it has."""
    document = reply.document()
    if reply.events():
        return "".join(_spoken(choice, "delta") for choice in _choices(_chunks(reply)))
    if "choices" in document:
        return "".join(_spoken(choice, "message") for choice in _choices([document]))
    if "data" in document:
        return ", ".join(_models(document))
    return str(document.get("answer", ""))


def _answered(expected: Answered, reply: Reply, reached: tuple[str, ...]) -> Iterator[str]:
    yield from _same("status", 200, reply.status)
    yield from _same("agents that were reached", (expected.agent,), reached)
    yield from _same("X-AIMux-Route of the answer", expected.route, reply.header("X-AIMux-Route"))
    seen = _seen(expected, reply)
    yield from _same("agent that answered", expected.agent, seen.get("agent"))
    yield from _same("caller that the agent saw", expected.asked_by, seen.get("asked_by"))
    yield from _same("route that the agent saw", expected.route, seen.get("route"))
    if not reply.header("X-Request-ID"):
        yield "the answer has no X-Request-ID"
    yield from _same("request ID that the agent saw", reply.header("X-Request-ID"), seen.get("request_id"))
    if expected.says not in said(reply):
        yield f"the answer is {said(reply)!r}, without {expected.says!r}"
    if isinstance(expected, Completed):
        yield from _completed(expected, reply)


def _completed(expected: Completed, reply: Reply) -> Iterator[str]:
    if not isinstance(expected, Streamed):
        yield from _same("object", "chat.completion", reply.document().get("object"))
        yield from _same("model", expected.model, reply.document().get("model"))
        return
    events = reply.events()
    yield from _same("last event", "[DONE]", events[-1] if events else None)
    for chunk in _chunks(reply):
        yield from _same("object", "chat.completion.chunk", chunk.get("object"))
        yield from _same("model", expected.model, chunk.get("model"))
    if reply.spread < expected.spread:
        yield f"the chunks came within {reply.spread:.2f} s, not over {expected.spread:.2f} s as they were sent"


def _refused(expected: Refused, reply: Reply, reached: tuple[str, ...]) -> Iterator[str]:
    yield from _same("status", expected.status, reply.status)
    yield from _same("agents that were reached", (), reached)
    yield from _same("Content-Type", "application/json", (reply.header("Content-Type") or "").partition(";")[0])
    error = reply.document().get("error")
    details = error if isinstance(error, dict) else {}
    yield from _same("code", expected.code, details.get("code"))
    yield from _same("status in the body", expected.status, details.get("status"))
    if not details.get("request_id"):
        yield "the error names no request_id"
    if expected.candidates:
        named = details.get("candidates")
        candidates = sorted(map(str, named)) if isinstance(named, list) else named
        yield from _same("candidates", sorted(expected.candidates), candidates)


def _listed(expected: Listed, reply: Reply, reached: tuple[str, ...]) -> Iterator[str]:
    yield from _same("status", 200, reply.status)
    yield from _same("agents that were reached", (), reached)
    yield from _same("object", "list", reply.document().get("object"))
    yield from _same("models", sorted(expected.routes), sorted(_models(reply.document())))


def _same(what: str, expected: object, found: object) -> Iterator[str]:
    if expected != found:
        yield f"{what}: {found!r} instead of {expected!r}"


def _seen(expected: Answered, reply: Reply) -> Document:
    """What the agent says that it has seen of the request."""
    document = reply.document()
    if isinstance(expected, Streamed):
        document = next(iter(_chunks(reply)), {})
    if isinstance(expected, Completed):
        seen = document.get("aimux")
        return seen if isinstance(seen, dict) else {}
    return document


def _chunks(reply: Reply) -> list[Document]:
    chunks = []
    for event in reply.events():
        if event != "[DONE]":
            try:
                chunk = json.loads(event)
            except ValueError:
                chunk = None
            chunks.append(chunk if isinstance(chunk, dict) else {})
    return chunks


def _choices(documents: list[Document]) -> Iterator[Document]:
    for document in documents:
        choices = document.get("choices")
        yield from (choice for choice in choices if isinstance(choice, dict)) if isinstance(choices, list) else ()


def _spoken(choice: Document, key: str) -> str:
    message = choice.get(key)
    content = message.get("content") if isinstance(message, dict) else None
    return content if isinstance(content, str) else ""


def _models(document: Document) -> list[str]:
    models = document.get("data")
    return [str(model.get("id")) for model in models if isinstance(model, dict)] if isinstance(models, list) else []
