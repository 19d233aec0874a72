"""The turns of a conversation that are its user's, from the last to the first, in the user's own words."""

from collections.abc import Iterable, Iterator
from typing import Final

from aimux.wire.conversations import content_text, meaningful, text_parts
from aimux.wire.frameworks import BEGINNING, BEGINNINGS, BLOCK_SHOWN, BLOCKS, CLOSINGS, FRAMES, OPENINGS

# So many texts that may stand in frames are looked at: what they are compared with costs time, too.
_MOST_FRAMED: Final = 256
_BLOCK_OPENINGS: Final = tuple(block.opening for block in BLOCKS)


Turn = tuple[int, str, str | None]
"""One turn: the place of its message, the user's words in it, and what was taken off them, None for nothing.

The last is to be heard as what a tool gave is. A message that was passed over is heard whole, as any other. It is a
plain tuple, since one is made for every conversation, and names would add a sixth to what reading it costs.
"""


def last_turn_of_user(messages: list[object]) -> Turn | None:
    """The first of `turns_of_user`, which costs an ordinary message less."""
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if isinstance(message, dict) and message.get("role") == "user":
            text = message.get("content")
            if isinstance(text, str) and text and not text.isspace() and not _may_be_framed(text):
                return at, text, None
            return next(turns_of_user(messages), None)
    return None


def turns_of_user(messages: list[object]) -> Iterator[Turn]:
    """The user's turns from the last to the first; each is looked for only when it is asked for.

    Passed over are messages without a text (pictures, recordings, nothing, what tools gave) and those that a framework
    wrote, as long as another turn remains: of frames alone the last one is given as it stands.
    """
    framed: Turn | None = None
    looked = 0
    found = False
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if not isinstance(message, dict) or message.get("role") != "user":
            continue
        content = message.get("content")
        text = content_text(content)
        if text is None:
            continue
        turn: Turn | None = (at, text, None)
        if _may_be_framed(text) or (isinstance(content, list) and _has_blocks(text)):
            looked += 1
            if looked > _MOST_FRAMED:
                break
            turn = _own_words(at, text, content, messages)
            framed = framed or (at, text, None)
        if turn is not None:
            found = True
            yield turn
    if framed is not None and not found:
        yield framed


def _may_be_framed(text: str) -> bool:
    return (text[:BEGINNING] in BEGINNINGS and text.startswith(OPENINGS)) or text.endswith(CLOSINGS)


def _has_blocks(text: str) -> bool:
    return any(opening in text for opening in _BLOCK_OPENINGS)


def _own_words(at: int, whole: str, content: object, messages: list[object]) -> Turn | None:
    """The turn at a place without its frames; None where it has no word of the user's."""
    kept: list[str] = []
    brought: list[str] = []
    for part in text_parts(content):
        (brought if any(block.holds(part) for block in BLOCKS) else kept).append(part)
    text = "\n".join(kept) if brought else whole
    if not text or text.isspace():
        return None if BLOCK_SHOWN((), messages, at + 1) else (at, whole, None)
    for frame in FRAMES:
        found = frame.take_off(text)
        if found is not None and frame.shown(found.brought, messages, at):
            if found.user is None:
                return None
            return at, found.user, _together((*brought, *found.brought))
    return at, text, _together(brought)


def _together(brought: Iterable[str]) -> str | None:
    return meaningful("\n".join(brought))
