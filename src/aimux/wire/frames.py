"""Frames that frameworks put round the words of a user's turn: how one is recognised, and what it leaves."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_HOLE: Final = re.compile(r"\{(user|brought)\}")
# So many blocks, with so much white space between them, are taken off one text: the loops that do it are slow.
_MOST_BLOCKS: Final = 64
_MOST_WHITE: Final = 64


class Unframed(NamedTuple):
    """A turn without its frame: the user's own words, None for none, and what the framework brought, in its order."""

    user: str | None
    brought: tuple[str, ...]


Shown = Callable[[tuple[str, ...], list[object], int], bool]
"""Whether the messages before the one at this place show the call of the framework that brought this."""


def always(_brought: tuple[str, ...], _messages: list[object], _place: int) -> bool:
    """For a frame that the user's words stand in: it needs no call."""
    return True


@dataclass(frozen=True, slots=True)
class Frame:
    """A text that a framework writes, from its first to its last character, in `versions` of `package`.

    `template` has at most one hole `{user}`, and any number of `{brought}`. Of several places where the user's words
    could begin or end, those are taken that leave the fewest: what is brought never becomes theirs, whatever it says.
    """

    package: str
    versions: str
    template: str
    shown: Shown = always
    _pieces: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pieces", tuple(_HOLE.split(self.template)))

    @property
    def opening(self) -> str:
        """What every text in this frame begins with."""
        return self._pieces[0]

    @property
    def closing(self) -> str:
        """What every text in this frame ends with."""
        return self._pieces[-1]

    def take_off(self, text: str) -> Unframed | None:
        """The text without the frame; None where it does not stand in exactly this one, or no user's word is left."""
        first, last = self.opening, self.closing
        place, end = len(first), len(text) - len(last)
        if len(self._pieces) == 1:
            return Unframed(None, ()) if text == first else None
        if place > end or not (text.startswith(first) and text.endswith(last)):
            return None
        found: list[str] = []
        holes = self._pieces[1::2]
        of_user = holes.index("user") if "user" in holes else len(holes)
        for number, literal in enumerate(self._pieces[2:-1:2]):
            seek = text.rfind if number < of_user < len(holes) else text.find
            at = seek(literal, place, end)
            if at < 0:
                return None
            found.append(text[place:at])
            place = at + len(literal)
        found.append(text[place:end])
        user = found.pop(of_user) if of_user < len(holes) else None
        return None if user is not None and not user.strip() else Unframed(user, tuple(found))


@dataclass(frozen=True, slots=True)
class Block:
    """Tags that a framework sets before or behind the user's words, any number of times."""

    package: str
    versions: str
    opening: str
    closing: str

    def take_off(self, text: str) -> tuple[str, list[str]]:
        """The text without the blocks at its beginning and end, which reach to the nearest tag, and what they held."""
        start, end = 0, len(text)
        brought: list[str] = []
        while len(brought) < _MOST_BLOCKS and text.startswith(self.opening, start, end):
            at = text.find(self.closing, start, end)
            if at < 0:
                break
            brought.append(text[start + len(self.opening) : at])
            start = _past_white(text, at + len(self.closing), end)
        tail = _before_white(text, start, end)
        while len(brought) < _MOST_BLOCKS and text.endswith(self.closing, start, tail):
            at = text.rfind(self.opening, start, tail - len(self.closing))
            if at < 0:
                break
            brought.append(text[at + len(self.opening) : tail - len(self.closing)])
            end = tail = _before_white(text, start, at)
        return text[start:end], brought


def _past_white(text: str, start: int, end: int) -> int:
    most = min(end, start + _MOST_WHITE)
    while start < most and text[start].isspace():
        start += 1
    return start


def _before_white(text: str, start: int, end: int) -> int:
    least = max(start, end - _MOST_WHITE)
    while least < end and text[end - 1].isspace():
        end -= 1
    return end
