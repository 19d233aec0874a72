"""Evidence of a framework's own work in the messages before a frame: without it, a text in a frame is the user's."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from aimux.wire.conversations import content_text, text_parts
from aimux.wire.frames import Shown

# So many messages are looked at, and parts of one, so that a conversation of nothing but frames stays cheap.
_NEAR: Final = 16


def _back(messages: list[object], place: int) -> Iterator[dict[str, object]]:
    near = (messages[at] for at in range(place - 1, -1, -1))
    return (message for message in islice(near, _NEAR) if isinstance(message, dict))


def _beginning(content: object) -> object:
    return content[:_NEAR] if isinstance(content, list) else content


def _answer_before(messages: list[object], place: int) -> str:
    """The assistant's text right before; instructions in between are passed over. Empty for nothing."""
    for message in _back(messages, place):
        role = message.get("role")
        if role == "assistant":
            return content_text(message.get("content")) or ""
        if role not in ("system", "developer"):
            break
    return ""


def said_before(*pieces: str) -> Shown:
    """Right before, the assistant said something with all of these in it, in this order."""

    def shown(_brought: tuple[str, ...], messages: list[object], place: int) -> bool:
        answer, at = _answer_before(messages, place), 0
        for piece in pieces:
            at = answer.find(piece, at) + len(piece)
            if at < len(piece):
                return False
        return bool(answer)

    return shown


def begun_with(opening: str) -> Shown:
    """The first turn of the user begins so."""

    def shown(_brought: tuple[str, ...], messages: list[object], place: int) -> bool:
        for message in messages[: min(place, _NEAR)]:
            if isinstance(message, dict) and message.get("role") == "user":
                return any(part.startswith(opening) for part in text_parts(_beginning(message.get("content")))[:1])
        return False

    return shown


def instructed(mark: str) -> Shown:
    """The instructions at the beginning have this in them."""

    def shown(_brought: tuple[str, ...], messages: list[object], place: int) -> bool:
        return any(
            mark in part
            for message in messages[: min(place, _NEAR)]
            if isinstance(message, dict) and message.get("role") in ("system", "developer")
            for part in text_parts(_beginning(message.get("content")))
        )

    return shown


def alone(_brought: tuple[str, ...], messages: list[object], _place: int) -> bool:
    """There is no other message, and so no instructions: the framework sends its own in this one."""
    return len(messages) == 1


def written_before(form: str, roles: tuple[str, ...] = ("user",)) -> Shown:
    """An earlier message of one of these roles has this text in it, with what was brought in its braces."""

    def shown(brought: tuple[str, ...], messages: list[object], place: int) -> bool:
        wanted = form.format(*brought)
        near = (each for each in _back(messages, place) if each.get("role", each.get("type")) in roles)
        return any(wanted in part for each in near for part in text_parts(each.get("content", each.get("output"))))

    return shown


def tool_answered(number: int) -> Shown:
    """An earlier message holds the result of the call whose id is the `number`th thing that was brought."""

    def shown(brought: tuple[str, ...], messages: list[object], place: int) -> bool:
        call = brought[number]
        return any(call in (each.get("tool_call_id"), each.get("call_id")) for each in _back(messages, place))

    return shown


def counted(brought: tuple[str, ...], messages: list[object], place: int) -> bool:
    """Whether a number was brought first, and the assistant said something right before."""
    return brought[0].isdecimal() and bool(_answer_before(messages, place))


def all_of(*conditions: Shown) -> Shown:
    """Every one of these."""

    def shown(brought: tuple[str, ...], messages: list[object], place: int) -> bool:
        return all(each(brought, messages, place) for each in conditions)

    return shown


def tool_called(_brought: tuple[str, ...], messages: list[object], place: int) -> bool:
    """An earlier message calls a tool, in OpenAI's or Anthropic's way."""
    return any(map(_calls, _back(messages, place)))


def _calls(message: dict[str, object]) -> bool:
    if message.get("role") == "assistant" and message.get("tool_calls"):
        return True
    content = message.get("content")
    parts = content[-_NEAR:] if isinstance(content, list) else (message,)
    return any(isinstance(part, dict) and part.get("type") in ("tool_use", "function_call") for part in parts)
