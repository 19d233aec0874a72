"""Words that are misspelt, and what they are probably meant to be.

The model reads a word that it does not know in pieces that mean something else, so that a slip of the finger can hide
what a text asks for. A text with such words is read again, with each of them as the likeliest words it knows.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest, nsmallest
from itertools import chain
from typing import Final

from rapidfuzz.distance import Levenshtein

from aimux.intent.disguises import Disguises
from aimux.intent.words import Known, Shelf, Vocabulary

# Letters that stand for themselves: no part of a number, a name in a program, an address or a path.
_WORD: Final = re.compile(r"(?<![\w@#/\\.])[a-zA-Z]+(?![\w@/\\]|\.\w)")
# Words so short are looked at only beside other unknown ones.
_SHORT: Final = 2
_MOST_LETTERS: Final = 24
# In nats: what a slip costs, an easy one, and one more word.
# Around these the outcome is flat.
_SLIP: Final = 6.0
_EASY: Final = 4.5
_ANOTHER: Final = 2.0
# A text with more of them is no text that somebody mistyped, and each costs as much as a part of a reading.
_MOST_UNKNOWN: Final = 24
# Where a larger share of the words is unknown, the text is in another language, or in none.
_MOST_MISTYPED: Final = 2 / 3
# A text is read in so many ways at most; in nats, how much less likely than the first another way may be.
_READINGS: Final = 3
_DOUBT: Final = 2.0

_Guess = tuple[float, str]


@dataclass(frozen=True, slots=True)
class _Slips:
    """How mistyped a word may be: from so many letters on it may have one slip, two or three.

    From `half_from` letters on, each of two words whose space is missing may have one of its own. `readings` are the
    most ways in which the text is read.
    """

    from_letters: tuple[int, ...]
    half_from: int
    readings: int

    def most(self, word: str) -> int:
        """How many slips a word may have."""
        return sum(len(word) >= letters for letters in self.from_letters)


# One unknown word is as likely a rare one, or a name. Where there are several, they were mistyped, and short ones too.
_OF_ONE: Final = _Slips((3, 5, 8), half_from=_MOST_LETTERS, readings=1)
_OF_SEVERAL: Final = _Slips((2, 4, 7), half_from=4, readings=_READINGS)


class Speller:
    """Corrects texts by a model's vocabulary and the words of the intents, which are likelier than others."""

    def __init__(self, vocabulary: Vocabulary, *intents: Iterable[str]) -> None:
        """`intents`: those of each route and guard."""
        own = frozenset(word.lower() for text in chain(*intents) for word in _WORD.findall(text))
        self._known = Known(vocabulary, own)
        self._shelves = (vocabulary.shelf, Shelf(own - vocabulary.ranks.keys()))
        self._disguises = Disguises(self._known)
        self._meant = lru_cache(maxsize=4096)(self._likeliest)

    def readings(self, text: str) -> tuple[str, ...]:
        """The text with its unknown words as what they are likeliest to be, the likeliest reading first.

        None where there is nothing to do.
        """
        if not self._known.ranks:
            return ()
        allowed, meant = self._guesses(text)
        if not meant:
            return ()
        first = {word: guesses[0][1] for word, guesses in meant.items()}
        others = (
            (guesses[0][0] - likelihood, word, other)
            for word, guesses in meant.items()
            for likelihood, other in guesses[1:]
        )
        doubtful = nsmallest(min(len(meant), allowed.readings) - 1, (each for each in others if each[0] < _DOUBT))
        return tuple(
            _replaced(text, each) for each in (first, *({**first, word: other} for _, word, other in doubtful))
        )

    def undisguised(self, text: str) -> str:
        """The text with the words in disguise as what they are (`intent/disguises.py`); itself where there are none."""
        return self._disguises.undone(text) if self._known.ranks else text

    def _guesses(self, text: str) -> tuple[_Slips, Mapping[str, tuple[_Guess, ...]]]:
        """The slips allowed in a text's unknown words, and what each that is like known ones is likeliest to be."""
        shouted = text.isupper()
        words = frozenset(_WORD.findall(text))
        plain = sorted(word for word in words if _is_plain(word, shouted=shouted))
        unknown = [word for word in plain if not self._known.knows(word.lower())]
        long = [word for word in unknown if len(word) > _SHORT]
        if not long or len(long) > _MOST_UNKNOWN:
            return _OF_ONE, {}
        if 1 < len(long) <= _MOST_MISTYPED * len(words):
            # Slips make words of words as well: in a short text, the others are looked at too.
            allowed, looked_at = _OF_SEVERAL, plain if len(plain) <= _MOST_UNKNOWN else unknown
        else:
            allowed, looked_at = _OF_ONE, long
        found = ((word, self._meant(word.lower(), allowed)) for word in looked_at)
        return allowed, {word: guesses for word, guesses in found if guesses}

    def _likeliest(self, word: str, allowed: _Slips) -> tuple[_Guess, ...]:
        """What a word is likeliest to be: known words, or two of them each; none where that is itself, or nothing."""
        if self._known.knows(word):
            return self._mistaken(word)
        guesses: dict[str, float] = {}
        for likelihood, meant in chain(self._near(word, allowed.most(word)), self._divided(word, allowed.half_from)):
            guesses[meant] = max(likelihood, guesses.get(meant, likelihood))
        return tuple(nlargest(_READINGS, ((likelihood, meant) for meant, likelihood in guesses.items())))

    def _mistaken(self, word: str) -> tuple[_Guess, ...]:
        """What a known word that no intent has is likelier to be, a slip away; itself may be the next."""
        if word in self._known.own or word not in self._known.ranks:
            return ()
        guesses = tuple(nlargest(_READINGS, self._near(word, 1)))
        return () if guesses[0][1] == word else guesses

    def _near(self, word: str, most: int) -> Iterator[_Guess]:
        """The likeliest known words within so many slips."""
        near = chain.from_iterable(shelf.near(word, most) for shelf in self._shelves)
        hopeful = sorted(
            ((self._known.likelihood(known) - _EASY * slips, known, slips) for known, slips in near), reverse=True
        )
        best: list[float] = []
        for highest, known, slips in hopeful:
            if len(best) >= _READINGS and highest < min(best):
                return
            likelihood = highest - _hard(word, known, slips) * (_SLIP - _EASY)
            best = sorted((*best, likelihood), reverse=True)[:_READINGS]
            yield likelihood, known

    def _divided(self, word: str, slip_from: int) -> Iterator[_Guess]:
        """Two words whose space is missing, or was hit beside."""
        ends = {start: self._half(word[start:], slip_from) for start in range(2, len(word) - 1)}
        for place in range(2, len(word) - 1):
            first = self._half(word[:place], slip_from)
            for second in (ends[place], ends.get(place + 1)):
                if first and second:
                    yield first[0] + second[0] - _SLIP - _ANOTHER, f"{first[1]} {second[1]}"

    def _half(self, word: str, slip_from: int) -> _Guess | None:
        if self._known.has(word):
            return self._known.likelihood(word), word
        return max(self._near(word, 1), default=None) if len(word) >= slip_from else None


def _is_plain(word: str, *, shouted: bool) -> bool:
    """Whether a word is neither too short nor too long to be judged, nor an abbreviation, nor a name in a program."""
    return _SHORT <= len(word) <= _MOST_LETTERS and (word.islower() or word.istitle() or shouted)


def _hard(word: str, meant: str, slips: int) -> int:
    """How many of the slips are no letter left out, typed twice or before the one that it follows."""
    steps = Levenshtein.editops(word, meant)
    if len(steps) > slips:  # two letters have changed places
        return 0
    return sum(
        step.tag == "replace"
        or (step.tag == "delete" and word[step.src_pos] not in word[max(step.src_pos - 1, 0) : step.src_pos])
        for step in steps
    )


def _replaced(text: str, meant: Mapping[str, str]) -> str:
    return _WORD.sub(lambda word: meant.get(word.group(), word.group()), text)
