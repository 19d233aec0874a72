"""Where the parts of a text stand in it: they are read in other spaces, as they were meant, without what is aside."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Final

Span = tuple[int, int]
"""The number of the first character, and of the one behind the last."""

_WORD: Final = re.compile(r"\w+")
_WITHIN: Final = re.compile(r"(?<=\w)(?=\w)")
# No word holds it, so that a run of words is found only where words begin and end.
_BETWEEN: Final = "\x00"
# Words that stand in so many times as many others, though in their order, are hardly the part that was read.
_WIDEST: Final = 3


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text, small, in one string with one sign before and behind each; and where each stands."""

    joined: str
    starts: tuple[int, ...]
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, text: str) -> "_Words":
        spans = tuple(found.span() for found in _WORD.finditer(text))
        # Letters that small ones are longer than stay one word.
        words = [text[start:end].lower() for start, end in spans]
        starts = tuple(accumulate((len(word) + 1 for word in words), initial=0))
        return cls(_BETWEEN.join(("", *words, "")), starts, spans)

    def first(self, wanted: "_Words") -> int | None:
        """The number of the first word of other words, where they follow one another as they do here."""
        found = self.joined.find(wanted.joined) if wanted.spans else -1
        return None if found < 0 else self.joined.count(_BETWEEN, 0, found)

    def around(self, wanted: "_Words") -> tuple[int, int] | None:
        """The numbers of the first and last of words that stand here in their order, with others between them.

        The end is the first that there can be, and the beginning the last before it.
        """
        each = wanted.joined.strip(_BETWEEN).split(_BETWEEN) if wanted.spans else []
        end = 0
        for word in each:
            end = self.joined.find(f"{_BETWEEN}{word}{_BETWEEN}", end) + 1
            if not end:
                return None
        start = last = end - 1
        for word in reversed(each[:-1]):
            start = self.joined.rfind(f"{_BETWEEN}{word}{_BETWEEN}", 0, start + 1)
        return (self.joined.count(_BETWEEN, 0, start), self.joined.count(_BETWEEN, 0, last)) if each else None


class Locator:
    """Finds the parts of one text. `readings` are the text as it is seen, and as it was probably meant."""

    def __init__(self, text: str, readings: Sequence[str] = ()) -> None:
        self._text = text
        self._readings = readings

    @cached_property
    def _own(self) -> _Words:
        return _Words.of(self._text)

    @cached_property
    def _others(self) -> list[_Words]:
        """The readings whose words stand for those of the text one by one."""
        others = (_Words.of(reading) for reading in self._readings if reading != self._text)
        return [other for other in others if len(other.spans) == len(self._own.spans)]

    def span(self, part: str) -> Span | None:
        """Where a part stands: its first place, from its first word to its last, with what stands between them.

        None where its words are not those of the text, as with what is said in disguise.
        """
        start = self._text.find(part) if part else -1
        end = start + len(part)
        if start >= 0 and not self._is_within(start) and not self._is_within(end):
            return start, end  # most parts stand in it word for word
        wanted = _Words.of(part)
        for words in (self._own, *self._others):
            first = words.first(wanted)
            if first is not None:
                return self._ended(part, wanted, first, first + len(wanted.spans) - 1)
        around = self._own.around(wanted)
        if around is None or around[1] - around[0] >= _WIDEST * len(wanted.spans):
            return None
        return self._ended(part, wanted, *around)

    def _is_within(self, place: int) -> bool:
        """Whether a word goes on at this place."""
        return _WITHIN.match(self._text, place) is not None

    def _ended(self, part: str, wanted: _Words, first: int, last: int) -> Span:
        """The span of these words, with the signs that the part has before and behind them where they stand there."""
        (start, _), (_, end) = self._own.spans[first], self._own.spans[last]
        before, behind = part[: wanted.spans[0][0]], part[wanted.spans[-1][1] :]
        if before and self._text.endswith(before, 0, start):
            start -= len(before)
        if behind and self._text.startswith(behind, end):
            end += len(behind)
        return start, end
