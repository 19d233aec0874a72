"""Words that are known, and which of them are spelt much like another: found without comparing it with each of them."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

_LETTER: Final = {letter: 1 << place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}


class Shelf:
    """Words in the letters a to z, to be found by what is spelt much like them."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = sorted(words, key=len)
        self._lengths = [len(word) for word in self._words]
        self._letters = np.array([_letters(word) for word in self._words], np.uint32)

    def near(self, word: str, most: int) -> list[tuple[str, int]]:
        """The words that so many slips at most make of this one, and how many each: OSA's distance."""
        first = bisect_left(self._lengths, len(word) - most)
        last = bisect_left(self._lengths, len(word) + most + 1)
        # A slip adds a letter to those that only one of two words has, drops one, or does both.
        apart = np.bitwise_count(self._letters[first:last] ^ np.uint32(_letters(word)))
        alike = [self._words[first + place] for place in np.flatnonzero(apart <= 2 * most).tolist()]
        found = process.extract(word, alike, scorer=OSA.distance, score_cutoff=most, limit=None)
        return [(near, slips) for near, slips, _ in found]


@dataclass(frozen=True)
class Vocabulary:
    """The words that a model knows as such, in small letters, the more common the earlier."""

    words: Sequence[str]

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """The place of each word."""
        return {word: place for place, word in enumerate(self.words)}

    @cached_property
    def shelf(self) -> Shelf:
        """The words, to be found by what is spelt much like them."""
        return Shelf(self.words)


def _letters(word: str) -> int:
    """Which letters a word has, a bit each."""
    found = 0
    for letter in word:
        found |= _LETTER[letter]
    return found
