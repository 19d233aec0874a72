"""Words that are misspelt, and what they are probably meant to be.

The model reads a word that it does not know in pieces that mean something else, so that a slip of the finger can hide
what a text asks for. A text with such words is read a second time, with each of them as the likeliest word it knows.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

# Letters that stand for themselves: no part of a number, a name in a program, an address or a path.
_WORD: Final = re.compile(r"(?<![\w@#/\\.])[a-zA-Z]+(?![\w@/\\]|\.\w)")
_FEWEST_LETTERS: Final = 3
_MOST_LETTERS: Final = 24
# From so many letters on, a word may have one slip, two or three.
_SLIPS_FROM: Final = (3, 5, 8)
# In nats: what a slip costs, and what a word gains by being one of the intents. Around these the outcome is flat.
_SLIP: Final = 6.0
_OWN: Final = 3.0
# How rare a word counts that only the intents have.
_RARE: Final = 20_000
# Words as common as this one and those before it are about as likely as each other.
_COMMON: Final = 10
# A text with more of them is no text that somebody mistyped, and each costs as much as half a reading.
_MOST_UNKNOWN: Final = 24
# The endings of words that the model knows without them; what remains has so many letters or more.
_ENDINGS: Final = ("s", "es", "d", "ed", "ing", "er", "ers", "ly", "ness", "able", "ment", "al", "y", "est", "ity")
_FEWEST_OF_A_STEM: Final = 4


@dataclass(frozen=True)
class Vocabulary:
    """The words that a model knows as such, in small letters, the more common the earlier."""

    words: Sequence[str]

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """The place of each word."""
        return {word: place for place, word in enumerate(self.words)}

    @cached_property
    def by_length(self) -> Mapping[int, list[str]]:
        """The words of each length."""
        return _by_length(self.words)


class Speller:
    """Corrects texts by a model's vocabulary and the words of the intents, which are likelier than others."""

    def __init__(self, vocabulary: Vocabulary, *intents: Iterable[str]) -> None:
        """`intents`: those of each route and guard."""
        self._ranks = vocabulary.ranks
        self._own = frozenset(word.lower() for text in chain(*intents) for word in _WORD.findall(text))
        self._shelves = (vocabulary.by_length, _by_length(self._own - self._ranks.keys()))
        self._meant = lru_cache(maxsize=4096)(self._likeliest)

    def corrected(self, text: str) -> str:
        """The text with each unknown word as the likeliest known one; the text itself where there is nothing to do."""
        if not self._ranks:
            return text
        shouted = text.isupper()
        unknown = {word for word in _WORD.findall(text) if not self._is_known(word, shouted=shouted)}
        if not unknown or len(unknown) > _MOST_UNKNOWN:
            return text
        meant = {word: self._meant(word.lower()) for word in unknown}
        return _WORD.sub(lambda word: meant.get(word.group()) or word.group(), text)

    def _is_known(self, word: str, *, shouted: bool) -> bool:
        if not _FEWEST_LETTERS <= len(word) <= _MOST_LETTERS:
            return True
        if not (word.islower() or word.istitle() or shouted):  # an abbreviation, or a name in a program
            return True
        word = word.lower()
        stems = (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending))
        return self._has(word) or any(len(stem) >= _FEWEST_OF_A_STEM and self._has(stem) for stem in stems)

    def _has(self, word: str) -> bool:
        return word in self._ranks or word in self._own

    def _likeliest(self, word: str) -> str | None:
        """What an unknown word is likeliest to be: a known word, or two of them; None where nothing is near."""
        best = max(chain(self._near(word), self._divided(word)), default=None)
        return None if best is None else best[1]

    def _near(self, word: str) -> Iterable[tuple[float, str]]:
        most = sum(len(word) >= letters for letters in _SLIPS_FROM)
        for shelf in self._shelves:
            for length in range(len(word) - most, len(word) + most + 1):
                known = shelf.get(length, ())
                for near, slips, _ in process.extract(word, known, scorer=OSA.distance, score_cutoff=most, limit=None):
                    yield self._likelihood(near) - _SLIP * slips, near

    def _divided(self, word: str) -> Iterable[tuple[float, str]]:
        """Two words whose space is missing, or was hit beside."""
        for place in range(2, len(word) - 1):
            first = word[:place]
            if self._has(first):
                for second in (word[place:], word[place + 1 :]):
                    if len(second) > 1 and self._has(second):
                        likelihood = self._likelihood(first) + self._likelihood(second) - _SLIP
                        yield likelihood, f"{first} {second}"

    def _likelihood(self, word: str) -> float:
        """The logarithm of how likely a word is, up to a constant: by Zipf's law."""
        return (_OWN if word in self._own else 0.0) - math.log(_COMMON + self._ranks.get(word, _RARE))


def _by_length(words: Iterable[str]) -> Mapping[int, list[str]]:
    found: dict[int, list[str]] = {}
    for word in sorted(words):
        found.setdefault(len(word), []).append(word)
    return found
