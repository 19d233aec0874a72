"""Everything said in a JSON body as clients of OpenAI, Anthropic and MCP send it."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from aimux.core.reason import Failure
from aimux.wire.decode import read_json

_TEXT_PARTS: Final = ("text", "input_text", "output_text")
# All that most of them hold.
_OF_A_TEXT: Final = frozenset(("type", "text"))
# What only labels or carries, and says nothing to a reader. Everything else in a message is heard.
_LABELS: Final = frozenset(
    (
        *("role", "type", "kind", "id", "call_id", "tool_call_id", "tool_use_id", "messageId", "status", "index"),
        *("mimeType", "media_type", "format", "detail", "signature", "encrypted_content"),
        *("url", "uri", "image_url", "input_audio", "file_id", "file_url", "file_data", "bytes", "blob"),
        *("image", "images", "audio", "b64_json", "inlineData", "inline_data", "fileData"),
    )
)
# Parts whose `data` are an image's or a recording's.
_CARRIERS: Final = ("base64", "image", "audio")
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-/:@]*")
# A key, or a value without white space, says something if it has so many words.
_SAYS: Final = 3
# What a tool is called with, in the words of each protocol.
_GIVEN: Final = ("arguments", "input")
# What names a tool or a method of another's.
_NAMES: Final = ("name", "method")
_SPELT_TOGETHER: Final = re.compile(r"[_.\-/:]+|(?<=[a-z])(?=[A-Z])")


def all_said(messages: Iterable[object]) -> Iterator[str]:
    """Of each message its text, and what else it holds."""
    for message in messages:
        text = message_text(message)
        if text is not None:
            yield text
        yield from besides(message)


def besides(message: object) -> Iterator[str]:
    """What a message holds beside its text, as one text if anything: the tools that it calls, and what these gave."""
    if isinstance(message, dict):
        content = message.get("content")
        parts = content if isinstance(content, list) else [] if isinstance(content, str) else [content]
        apart: list[object] = [beside_text(part) if _is_text(part) else part for part in parts]
        yield from heard([{key: each for key, each in message.items() if key != "content"}, apart])
    else:
        yield from heard(message)


def beside_text(part: object) -> str | None:
    """All that a part with a text says in its other fields; None for nothing. Most of these only set something."""
    if not isinstance(part, dict) or part.keys() <= _OF_A_TEXT:
        return None
    return next(heard_in_passing({**part, "text": None}), None)


def heard(value: object) -> Iterator[str]:
    """All that is said anywhere in a value, as one text if anything."""
    found: list[str] = []
    _gather(value, found)
    text = meaningful("\n".join(found))
    if text is not None:
        yield text


def heard_in_passing(value: object) -> Iterator[str]:
    """The same in fields of any name, where words that stand alone only set something, or are somebody's."""
    found: list[str] = []
    _gather(value, found)
    text = meaningful("\n".join(filter(_says, found)))
    if text is not None:
        yield text


def _says(text: str) -> bool:
    return not _NAME.fullmatch(text.strip()) or sum(map(str.isalpha, _apart(text).split())) >= _SAYS


def meaningful(text: str) -> str | None:
    """A text that says something; None for one of white space alone."""
    return text if text and not text.isspace() else None


def message_text(message: object) -> str | None:
    """The words of a message; None for one that only shows, carries, or brings what tools gave."""
    return content_text(message.get("content")) if isinstance(message, dict) else None


def content_text(content: object) -> str | None:
    """The words of a message's content, all parts joined; None for none."""
    if isinstance(content, str):
        return meaningful(content)
    if not isinstance(content, list):
        return None
    return meaningful("\n".join(part["text"] for part in content if _is_text(part)))


def text_parts(content: object) -> list[str]:
    """The words of a message's content, part by part."""
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content if _is_text(part)] if isinstance(content, list) else []


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in _TEXT_PARTS and isinstance(part.get("text"), str)


def _gather(value: object, found: list[str], *, is_given: bool = False) -> None:
    """Put all that is said in a value into `found`. `is_given`: a tool is called with it, where no key is a label.

    A list, since a generator for each level of nesting would cost as much again with every level.
    """
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, list):
        for each in value:
            _gather(each, found, is_given=is_given)
    elif isinstance(value, dict):
        carries = value.get("type") in _CARRIERS
        for key, each in value.items():
            found += _of_key(key, is_given=is_given)
            if is_given:
                _gather(each, found, is_given=True)
            elif key in _GIVEN and not isinstance(each, list):
                _gather(_arguments(each), found, is_given=True)
            elif key in _NAMES and isinstance(each, str):
                found.append(_apart(each))
            elif key not in _LABELS and not (carries and key == "data"):
                _gather(each, found)


def _of_key(key: str, *, is_given: bool) -> tuple[str, ...]:
    """What a key says: most only name what stands under them."""
    words = (_apart(key) if is_given else key).split()
    return (" ".join(words),) if len(words) >= _SAYS else ()


def _apart(name: str) -> str:
    """A name's words apart."""
    return _SPELT_TOGETHER.sub(" ", name)


def _arguments(given: object) -> object:
    if isinstance(given, str):
        with suppress(Failure):  # what is no JSON is read as it is
            return read_json(given.encode())
    return given
