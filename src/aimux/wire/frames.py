"""Frames that frameworks put round the words of a user's turn: how one is recognised, and what it leaves."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_HOLE: Final = re.compile(r"\{(user|brought)\}")


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
        """The beginning of every text in this frame."""
        return self._pieces[0]

    @property
    def closing(self) -> str:
        """The end of every text in this frame."""
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
    """A part of a message that a framework sets beside the user's words: one pair of tags round a text without them."""

    package: str
    versions: str
    opening: str
    closing: str

    def holds(self, part: str) -> bool:
        """Whether a part is this, and nothing else."""
        text = part.strip()
        return (
            text.startswith(self.opening)
            and text.find(self.closing) == len(text) - len(self.closing)
            and text.rfind(self.opening) == 0
        )
