"""What is said in a conversation as OpenAI's clients send it: by the user last, in each message, and to tools."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from aimux.core.reason import Failure
from aimux.wire.decode import read_json


def last_of_user(messages: list[object]) -> tuple[int, str] | None:
    """Where the last message of the user stands, and its text."""
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if isinstance(message, dict) and message.get("role") == "user":
            text = _message_text(message)
            return None if text is None else (at, text)
    return None


def all_said(messages: Iterable[object]) -> Iterator[str]:
    """The texts of messages, and what tools were called with in them."""
    for message in messages:
        text = _message_text(message)
        if text is not None:
            yield text
        yield from called(message)


def called(message: object) -> Iterator[str]:
    """What the tools that a message calls are given, each call's strings together."""
    if not isinstance(message, dict):
        return
    calls = message.get("tool_calls")
    named = (call.get("function") for call in calls if isinstance(call, dict)) if isinstance(calls, list) else ()
    for function in (*named, message.get("function_call")):  # the latter is what older clients send
        given = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(given, str):
            with suppress(Failure):  # what is no JSON is read as it is
                given = "\n".join(_strings(read_json(given.encode())))
            text = meaningful(given)
            if text is not None:
                yield text


def meaningful(text: str) -> str | None:
    """A text that says something; None for one of white space alone."""
    return text if text and not text.isspace() else None


def _message_text(message: object) -> str | None:
    return _content_text(message.get("content")) if isinstance(message, dict) else None


def _content_text(content: object) -> str | None:
    if isinstance(content, str):
        return meaningful(content)
    if not isinstance(content, list):
        return None
    parts = (part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text")
    return meaningful("\n".join(text for text in parts if isinstance(text, str)))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
