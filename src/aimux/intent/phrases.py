"""Which of several words is meant at each place of a text: what the intents have side by side is likelier."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

# In nats: what two words gain by standing side by side in an intent. Around this the outcome is flat.
_BESIDE: Final = 3.0

Guess = tuple[float, str]
"""The logarithm of how likely it is, up to a constant, that a word is meant: one word, or two with a space."""
# The places of two guesses, one behind the other, that stand so in an intent.
_Beside = list[tuple[int, int]]


class Phrases:
    """Pairs of words that follow one another."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        """`texts`: their words, in small letters."""
        self._pairs = frozenset(pair for words in texts for pair in pairwise(words))

    def gain(self, before: str, behind: str) -> float:
        """How much likelier one of two words becomes by the other beside it."""
        return _BESIDE if (before, behind) in self._pairs else 0.0

    def losses(self, places: Sequence[tuple[Guess, ...]]) -> list[list[float]]:
        """How much less likely than the likeliest of all texts is the likeliest with this guess at this place.

        A number for each guess, next to 0 for those of the likeliest text. No place may be without a guess.
        """
        beside: dict[tuple[tuple[Guess, ...], tuple[Guess, ...]], _Beside] = {}
        for pair in pairwise(places):
            if pair not in beside:
                beside[pair] = self._beside(*pair)
        steps = [beside[pair] for pair in pairwise(places)]
        ahead = _so_far(places, steps)
        back = _so_far(places[::-1], [[(behind, before) for before, behind in step] for step in reversed(steps)])
        both = [
            [one + other - value for one, other, (value, _) in zip(*each, strict=True)]
            for each in zip(ahead, reversed(back), places, strict=True)
        ]
        best = max(both[0]) if both else 0.0
        return [[best - value for value in values] for values in both]

    def _beside(self, before: Sequence[Guess], behind: Sequence[Guess]) -> _Beside:
        lasts = [words.lower().split()[-1] for _, words in before]
        firsts = [words.lower().split()[0] for _, words in behind]
        return [
            (place, following)
            for place, last in enumerate(lasts)
            for following, first in enumerate(firsts)
            if self.gain(last, first)
        ]


def _so_far(places: Sequence[Sequence[Guess]], steps: Sequence[_Beside]) -> list[list[float]]:
    """How likely the likeliest text is that ends with each guess; `steps` lie between one place and the next."""
    found: list[list[float]] = []
    for guesses, step in zip(places, [[], *steps], strict=False):
        before = found[-1] if found else [0.0]
        highest = max(before)
        values = [value + highest for value, _ in guesses]
        for place, following in step:
            values[following] = max(values[following], before[place] + _BESIDE + guesses[following][0])
        found.append(values)
    return found
