"""Words that are known: how likely each is; which are spelt like another, found without comparing it with each."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import chain
from operator import or_
from typing import Final

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

_LETTERS: Final = {letter: 1 << place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
_FIRST: Final = ord("a")

# In nats: what a word gains by being one of the intents.
_OWN: Final = 3.0
# How rare a word of the intents counts at most.
_RARE: Final = 20_000
# Words as common as this one and those before it are about as likely as each other.
_COMMON: Final = 10
# The endings of words that the model knows without them; what remains has so many letters or more.
_ENDINGS: Final = ("s", "es", "d", "ed", "ing", "er", "ers", "ly", "ness", "able", "ment", "al", "y", "est", "ity")
_FEWEST_OF_A_STEM: Final = 4


class Shelf:
    """Words in the letters a to z, to be found by what is spelt much like them."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = sorted(words, key=len)
        self._lengths = [len(word) for word in self._words]
        self._letters = _letters_of_each(self._words, self._lengths)

    def near(self, word: str, most: int) -> list[tuple[str, int]]:
        """The words that so many slips at most make of this one, and how many each: OSA's distance."""
        first = bisect_left(self._lengths, len(word) - most)
        last = bisect_left(self._lengths, len(word) + most + 1)
        # A slip adds a letter to those that only one of two words has, drops one, or does both.
        apart = np.bitwise_count(self._letters[first:last] ^ _letters(word))
        alike = [self._words[first + place] for place in np.flatnonzero(apart <= 2 * most).tolist()]
        found = process.extract(word, alike, scorer=OSA.distance, score_cutoff=most, limit=None)
        return [(near, slips) for near, slips, _ in found]


@dataclass(frozen=True)
class Vocabulary:
    """The words that a model knows as such, and others of its language, in small letters, the more common the earlier.

    Others are rarer than any that the model knows.
    """

    words: Sequence[str]
    others: Sequence[str] = ()

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """The place of each word."""
        return {word: place for place, word in enumerate(dict.fromkeys(chain(self.words, self.others)))}

    @cached_property
    def shelf(self) -> Shelf:
        """The words, to be found by what is spelt much like them."""
        return Shelf(self.ranks)


class Known:
    """The words of a vocabulary and those of the intents, in small letters."""

    def __init__(self, vocabulary: Vocabulary, own: frozenset[str]) -> None:
        self.ranks = vocabulary.ranks
        self.own = own
        self._of_the_model = len(vocabulary.words)
        # A list of a language has its words with their endings, and "acess" is no plural of "aces".
        self._has_endings = bool(vocabulary.others)

    def has(self, word: str) -> bool:
        """Whether a word is one of them."""
        return word in self.ranks or word in self.own

    def is_only_listed(self, word: str) -> bool:
        """Whether neither the model nor an intent has a word, and the list of the language does."""
        return word not in self.own and self.ranks.get(word, -1) >= self._of_the_model

    def knows(self, word: str) -> bool:
        """Whether a word is one of them, or has a common ending behind one that may lack it in the vocabulary."""
        if self.has(word) or not word.endswith(_ENDINGS):
            return self.has(word)
        stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
        return any(
            stem in self.own or (not self._has_endings and stem in self.ranks)
            for stem in stems
            if len(stem) >= _FEWEST_OF_A_STEM
        )

    def likelihood(self, word: str) -> float:
        """The logarithm of how likely a word is, up to a constant: by Zipf's law."""
        rank = self.ranks.get(word, _RARE)
        return _OWN - math.log(_COMMON + min(rank, _RARE)) if word in self.own else -math.log(_COMMON + rank)


def _letters(word: str) -> np.uint32:
    """Which letters a word has, a bit each."""
    return np.uint32(reduce(or_, map(_LETTERS.__getitem__, word)))


def _letters_of_each(words: Sequence[str], lengths: Sequence[int]) -> npt.NDArray[np.uint32]:
    """The same of many words at once."""
    if not words:
        return np.empty(0, np.uint32)
    letters = np.frombuffer("".join(words).encode("ascii"), np.uint8) - _FIRST
    return np.bitwise_or.reduceat(np.left_shift(np.uint32(1), letters, dtype=np.uint32), np.cumsum([0, *lengths[:-1]]))
