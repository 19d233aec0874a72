"""The turns of a conversation that stand under its user's name, in the shape of any of the three APIs."""

from collections.abc import Iterator

from clients.upstream.said import Json


def users_texts(body: Json) -> Iterator[str]:
    """The texts of a request's user, one a part; what a tool has given as its result is none."""
    turns = body.get("messages") or body.get("input")
    if isinstance(turns, str):
        yield turns
    for turn in turns if isinstance(turns, list) else []:
        if isinstance(turn, dict) and turn.get("role") == "user":
            yield from _texts(turn.get("content"))


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]
