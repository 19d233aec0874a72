"""Words that are misspelt, and what they are probably meant to be.

The model reads a word that it does not know in pieces that mean something else, so that a slip of the finger can hide
what a text asks for. A text with such words is read again, with each of them as the likeliest words it knows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from itertools import chain, islice
from typing import Final

from rapidfuzz.distance import Levenshtein

from aimux.intent.disguises import Disguises
from aimux.intent.phrases import Guess, Phrases
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
# So many words that one may be are looked at in its text.
_GUESSES: Final = 12


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
        said = [_WORD.findall(text.lower()) for text in chain(*intents)]
        own = frozenset(chain.from_iterable(said))
        self._phrases = Phrases(said)
        self._known = Known(vocabulary, own)
        self._shelves = (vocabulary.shelf, Shelf(word for word in own if word not in vocabulary.ranks))
        self._own = Shelf(own)
        self._disguises = Disguises(self._known)
        self._meant = lru_cache(maxsize=4096)(self._likeliest)

    def readings(self, text: str) -> tuple[str, ...]:
        """The text with its unknown words as what they are likeliest to be, the likeliest reading first.

        None where there is nothing to do.
        """
        if not self._known.ranks:
            return ()
        words = _WORD.findall(text)
        allowed, unknown = self._doubted(words, shouted=text.isupper())
        doubted = dict.fromkeys((*unknown, *self._out_of_place(words)))
        meant = {word: guesses for word in doubted if (guesses := self._meant(word.lower(), allowed))}
        if not meant:
            return ()
        certain = {word: ((0.0, word),) for word in words if word not in meant}
        places = [meant.get(word) or certain[word] for word in words]
        chosen, losses = self._phrases.likeliest(places)
        first = [guesses[choice][1] for guesses, choice in zip(places, chosen, strict=True)]
        doubts = sorted(
            (lost, word, guess)
            for word, likeliest, guesses, loss in zip(words, first, places, losses, strict=True)
            for (_, guess), lost in zip(guesses, loss, strict=True)
            if guess != likeliest and lost < _DOUBT
        )
        ways = [first]
        for changed, guess in islice(dict.fromkeys(doubt[1:] for doubt in doubts), allowed.readings - 1):
            ways.append([guess if word == changed else each for word, each in zip(words, first, strict=True)])
        readings = dict.fromkeys(_replaced(text, way) for way in ways)
        return tuple(reading for reading in readings if reading != text)

    def undisguised(self, text: str) -> str:
        """The text with the words in disguise as what they are (`intent/disguises.py`); itself where there are none."""
        return self._disguises.undone(text) if self._known.ranks else text

    def _doubted(self, said: Iterable[str], *, shouted: bool) -> tuple[_Slips, Iterable[str]]:
        """Which words of a text are not certain to be meant, and the slips allowed in them."""
        words = frozenset(said)
        plain = sorted(word for word in words if _is_plain(word, shouted=shouted))
        unknown = [word for word in plain if not self._known.knows(word.lower())]
        long = [word for word in unknown if len(word) > _SHORT]
        if not long or len(long) > _MOST_UNKNOWN:
            return _OF_ONE, ()
        if 1 < len(long) <= _MOST_MISTYPED * len(words):
            # Slips make words of words as well: in a short text, the others are looked at too.
            return _OF_SEVERAL, plain if len(plain) <= _MOST_UNKNOWN else unknown
        return _OF_ONE, long

    def _out_of_place(self, words: Sequence[str]) -> Iterator[str]:
        """Rare words in the place of an intent's word that is a slip away, beside one that it has beside it there."""
        small = ["", *(word.lower() for word in words), ""]
        rare = [place for place, word in enumerate(small) if len(word) > _SHORT and self._known.is_only_listed(word)]
        if len(rare) > _MOST_UNKNOWN:
            return
        for place in rare:
            before, word, behind = small[place - 1 : place + 2]
            near = self._own.near(word, 1)
            if any(self._phrases.gain(before, own) or self._phrases.gain(own, behind) for own, _ in near):
                yield words[place - 1]

    def _likeliest(self, word: str, allowed: _Slips) -> tuple[Guess, ...]:
        """What a word may be: known words, or two of them each, the likeliest first; a rare known word itself is one.

        None for one of the intents, for one that is known by its stem only, and where nothing is like it.
        """
        if self._known.knows(word):
            return tuple(self._near(word, 1)) if word in self._known.ranks and word not in self._known.own else ()
        guesses: dict[str, float] = {}
        for likelihood, meant in chain(self._near(word, allowed.most(word)), self._divided(word, allowed.half_from)):
            guesses[meant] = max(likelihood, guesses.get(meant, likelihood))
        return tuple(nlargest(_GUESSES, ((likelihood, meant) for meant, likelihood in guesses.items())))

    def _near(self, word: str, most: int, count: int = _GUESSES) -> list[Guess]:
        """So many of the likeliest known words within so many slips, the likeliest first."""
        near = chain.from_iterable(shelf.near(word, most) for shelf in self._shelves)
        hopeful = sorted(
            ((self._known.likelihood(known) - _EASY * slips, known, slips) for known, slips in near), reverse=True
        )
        best: list[Guess] = []
        for highest, known, slips in hopeful:
            if len(best) == count and highest < best[-1][0]:
                break
            likelihood = highest - _hard(word, known, slips) * (_SLIP - _EASY)
            best = sorted((*best, (likelihood, known)), reverse=True)[:count]
        return best

    def _divided(self, word: str, slip_from: int) -> Iterator[Guess]:
        """Two words whose space is missing, or was hit beside."""
        ends = {start: self._half(word[start:], slip_from) for start in range(2, len(word) - 1)}
        for place in range(2, len(word) - 1):
            first = self._half(word[:place], slip_from)
            for second in (ends[place], ends.get(place + 1)):
                if first and second:
                    beside = self._phrases.gain(first[1], second[1])
                    yield first[0] + second[0] + beside - _SLIP - _ANOTHER, f"{first[1]} {second[1]}"

    def _half(self, word: str, slip_from: int) -> Guess | None:
        if self._known.has(word):
            return self._known.likelihood(word), word
        return next(iter(self._near(word, 1, 1)), None) if len(word) >= slip_from else None


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


def _replaced(text: str, meant: Iterable[str]) -> str:
    """The text with other words at its places; a word that is only in other letters, large and small, stays."""
    following = iter(meant)

    def other(found: re.Match[str]) -> str:
        word, meant = found.group(), next(following)
        return word if meant == word.lower() else meant

    return _WORD.sub(other, text)
