"""Words in disguise: in digits for letters, in pieces, in names of programs, run together, backwards.

A language model reads them, where this one sees pieces that mean nothing. A text with such words is read once more,
with each of them as what it is by all that is known of words. It takes time in proportion to the text's letters.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise, product
from typing import Final

from aimux.intent.runs import WORDS_OF_A_LETTER, Runs
from aimux.intent.words import Known

_WORD: Final = re.compile(r"(?<!['’A-Za-z])[A-Za-z]+")
# What may stand between two pieces of one word, and in nats how unlikely that is.
_BETWEEN: Final = {" ": 5.0, ".": 5.0, **dict.fromkeys(("-", "- ", "-\n", "_", "*", "~", "·", "|"), 3.0)}
_MOST_PIECES: Final = 6
_PAIR: Final = 2
_LONGEST: Final = 24
# In nats, how likely are a word that nobody knows, one that is known by its stem, a letter, and one that is a word.
_UNKNOWN: Final = -13.0
_OF_A_STEM: Final = -10.0
_LETTER: Final = -9.0

# Letters that digits and signs stand for; the first is likelier.
_SIGNS: Final = {
    **dict(zip("0123456789", ("o", "il", "z", "e", "a", "s", "g", "t", "b", "g"), strict=True)),
    **dict(zip("@$!|+(¢€£¥∂", ("a", "s", "il", "li", "t", "c", "c", "e", "l", "y", "d"), strict=True)),
}
_SIGN: Final = f"[{''.join(_SIGNS)}]"
_CHARACTER: Final = f"[A-Za-z{''.join(_SIGNS)}]"
_SIGNED: Final = re.compile(rf"[A-Za-z]{_SIGN}|{_SIGN}[A-Za-z]")
_STRETCH: Final = re.compile(r"\S+")
_BEFORE: Final = "\"'(["
_BEHIND: Final = ".,;:!?)]\"'"
_DISGUISED: Final = re.compile(rf"{_CHARACTER}+(?:['’-]{_CHARACTER}+)*")
_PIECE: Final = re.compile(rf"{_CHARACTER}+")
# A number with its unit or rank, a name with its number: hardly a word, unless others are disguised too.
_NUMBERED: Final = re.compile(r"[$€£¥+(]?[0-9]+[A-Za-z]{1,3}|[A-Za-z]{1,3}[0-9]+")
_MOST_IN_DOUBT: Final = 4
_SURE: Final = 2
# Words so short are only taken for what is more common than this.
_COMMON: Final = 8500
_ENOUGH_WEAK: Final = 3
_SHORTEST_SURE: Final = 3
_SHORTEST_UNKNOWN: Final = 4

# Names in programs: humps, or three words and more with signs between them.
_HUMPS: Final = re.compile(r"(?<![A-Za-z])[A-Za-z]*?[a-z][A-Z][A-Za-z]*")
_HUMP: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CHAIN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+(?:[_-][A-Za-z0-9]+){2,}")
_MOSTLY: Final = 2 / 3

# Words run together are so many at least, where they are in letters.
_RUN: Final = 3

# Words that are backwards are several, near to each other, and not all as short as abbreviations.
_FEWEST_BACKWARDS: Final = 2
_ABBREVIATION: Final = 3
_MOST_BETWEEN: Final = 3


class Disguises:
    """Sees through them by the words that are known."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._cost = lru_cache(maxsize=16_384)(self._cost_of)

    @cached_property
    def _runs(self) -> Runs:
        # A tenth of a second that few texts ask for.
        return Runs(self._known)

    def undone(self, text: str) -> str:
        """The text with its words as they would be written plainly; the same text where they are."""
        if _SIGNED.search(text):
            text = self._without_signs(text)
        unknown = self._unknown(text)
        if unknown or "-" in text:
            text = self._put_together(text)
        text = self._names(text)
        if unknown:
            text = _WORD.sub(lambda word: self._apart(word.group()), text)
            text = self._forwards(text)
        return text

    def _unknown(self, text: str) -> bool:
        words = {word.lower() for word in _WORD.findall(text)}
        return not all(self._known.knows(word) or word in WORDS_OF_A_LETTER for word in words)

    # Digits and signs for letters.

    def _without_signs(self, text: str) -> str:
        pieces = {
            piece
            for stretch in map(_core, _STRETCH.findall(text))
            if _DISGUISED.fullmatch(stretch)
            for piece in _PIECE.findall(stretch)
            if not (piece.isalpha() or piece.isdigit())
        }
        meant = {piece: word for piece in pieces if (word := self._spelt_by(piece.lower()))}
        weak = {piece for piece in meant if len(piece) < _SHORTEST_SURE or _NUMBERED.fullmatch(piece)}
        weak |= {piece for piece in meant if not _SIGNED.search(piece)}
        sure = len(meant) - len(weak)
        if not sure and len(weak) < _ENOUGH_WEAK:
            return text
        if sure >= _SURE:
            rest = (piece for piece in pieces - meant.keys() if len(piece) >= _SHORTEST_UNKNOWN)
            meant |= {piece: _first(piece.lower()) for piece in rest if _SIGNED.search(piece)}
        return _STRETCH.sub(lambda stretch: _replaced(stretch.group(), meant), text)

    def _spelt_by(self, piece: str) -> str | None:
        """The likeliest known word that letters and signs spell, or words that are run together."""
        if len(piece) <= _LONGEST and sum(len(_SIGNS.get(sign, "")) > 1 for sign in piece) <= _MOST_IN_DOUBT:
            spelt = ["".join(letters) for letters in product(*(_SIGNS.get(sign, sign) for sign in piece))]
        else:
            spelt = [_first(piece)]
        found = [word for word in spelt if self._is_common(word)]
        if found:
            return max(found, key=self._known.likelihood)
        return next((word for word in spelt if self._runs.parted(word, 2)), None)

    def _is_common(self, word: str) -> bool:
        if len(word) > _SHORTEST_SURE:
            return self._known.knows(word)
        return word in self._known.own or self._known.ranks.get(word, _COMMON) < _COMMON

    # Words in pieces.

    def _put_together(self, text: str) -> str:
        found = list(_WORD.finditer(text))
        words = [word.group().lower() for word in found]
        costs = [
            _BETWEEN.get(text[first.end() : second.start()], 0.0) for first, second in pairwise(found)
        ]  # 0: they are apart
        lost = [self._cost(word) if len(word) <= _LONGEST else _UNKNOWN for word in words]
        joins = self._joins(words, costs, lost, 1.0)
        # Abbreviations have points in them too.
        long = [join for join in joins if sum(map(len, words[slice(*join)])) >= _SHORTEST_UNKNOWN]
        sure = sum(last - first > _PAIR or min(lost[first:last]) <= _UNKNOWN for first, last in long)
        if not sure and len(long) < _ENOUGH_WEAK:
            return text
        if sure >= _SURE:
            joins = self._joins(words, costs, lost, 0.5)
        pieces, behind = [], 0
        for first, last in joins:
            pieces += [text[behind : found[first].start()], *(found[place].group() for place in range(first, last))]
            behind = found[last - 1].end()
        return "".join((*pieces, text[behind:]))

    def _joins(
        self, words: Sequence[str], costs: Sequence[float], lost: Sequence[float], share: float
    ) -> list[tuple[int, int]]:
        """Which stretches of words are likelier one word each: the first, and the one behind the last."""
        best, starts = [0.0], [0]
        for last in range(1, len(words) + 1):
            value, start = best[-1] + lost[last - 1], last - 1
            joined, price = words[last - 1], 0.0
            for first in range(last - 2, max(last - _MOST_PIECES, 0) - 1, -1):
                joined = words[first] + joined
                price += costs[first] * share
                if not costs[first] or len(joined) > _LONGEST:
                    break
                cost = self._cost(joined)
                if cost > _UNKNOWN and best[first] + cost - price > value:
                    value, start = best[first] + cost - price, first
            best.append(value)
            starts.append(start)
        joins = []
        last = len(words)
        while last:
            if last - starts[last] > 1:
                joins.append((starts[last], last))
            last = starts[last]
        return joins[::-1]

    def _cost_of(self, word: str) -> float:
        if self._known.has(word):
            return self._known.likelihood(word)
        if len(word) == 1:
            return WORDS_OF_A_LETTER.get(word, _LETTER)
        return _OF_A_STEM if self._known.knows(word) else _UNKNOWN

    # Names in programs.

    def _names(self, text: str) -> str:
        if "_" in text or "-" in text:
            text = _CHAIN.sub(lambda name: self._words_of(name.group(), re.split("[_-]", name.group())), text)
        return _HUMPS.sub(lambda name: self._words_of(name.group(), _HUMP.findall(name.group())), text)

    def _words_of(self, name: str, words: Sequence[str]) -> str:
        known = sum(len(word) > 1 and self._known.knows(word.lower()) for word in words)
        if known < _MOSTLY * len(words) or self._known.has(name.lower()):
            return name
        return " ".join(words)

    # Words run together.

    def _apart(self, word: str) -> str:
        small = word.lower()
        if self._known.knows(small):
            return word
        return " ".join(self._runs.parted(small, _RUN)) or word

    # Words backwards.

    def _forwards(self, text: str) -> str:
        """A text whose words are backwards, forwards: in both orders, since all of it may be, or each word."""
        found = list(_WORD.finditer(text))
        turned = [place for place, word in enumerate(found) if self._is_backwards(word.group().lower())]
        pieces, behind = [], 0
        for run in _near(turned):
            if len(run) < _FEWEST_BACKWARDS or all(len(found[place].group()) <= _ABBREVIATION for place in run):
                continue
            start, stop = found[run[0]].start(), found[run[-1]].end()
            said = text[start:stop]
            each = _WORD.sub(lambda word: word.group()[::-1], said)
            pieces += [text[behind:start], f"{said[::-1]}. {each}."]
            behind = stop
        return "".join((*pieces, text[behind:]))

    def _is_backwards(self, word: str) -> bool:
        return len(word) >= _ABBREVIATION and not self._known.knows(word) and self._known.has(word[::-1])


def _near(places: Iterable[int]) -> list[list[int]]:
    """Those that are near to each other."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place - runs[-1][-1] <= _MOST_BETWEEN:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _first(piece: str) -> str:
    return "".join(_SIGNS.get(sign, sign)[0] for sign in piece)


def _core(stretch: str) -> str:
    return stretch.lstrip(_BEFORE).rstrip(_BEHIND)


def _replaced(stretch: str, meant: Mapping[str, str]) -> str:
    core = _core(stretch)
    before = stretch[: len(stretch) - len(stretch.lstrip(_BEFORE))]
    plain = _PIECE.sub(lambda piece: meant.get(piece.group(), piece.group()), core)
    return before + plain + stretch[len(before) + len(core) :]
