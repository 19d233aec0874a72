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

    def likeliest(self, places: Sequence[tuple[Guess, ...]]) -> tuple[list[int], list[list[float]]]:
        """Which guess each place has in the likeliest of all texts, and what each guess loses.

        That is how much less likely than that text the likeliest one is that has this guess at this place: a number for
        each guess, next to 0 for the chosen ones. No place may be without a guess.
        """
        beside: dict[tuple[int, int], _Beside] = {}  # places of the same words share what is known of them
        steps = []
        for before, behind in pairwise(places):
            key = id(before), id(behind)
            if key not in beside:
                beside[key] = self._beside(before, behind)
            steps.append(beside[key])
        ahead = _so_far(places, steps)
        back = _so_far(places[::-1], [[(behind, before) for before, behind in step] for step in reversed(steps)])
        both = [
            [one + other - value for one, other, (value, _) in zip(*each, strict=True)]
            for each in zip(ahead, reversed(back), places, strict=True)
        ]
        best = max(both[0]) if both else 0.0
        return _traced(ahead, steps), [[best - value for value in values] for values in both]

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


def _traced(ahead: Sequence[Sequence[float]], steps: Sequence[_Beside]) -> list[int]:
    """The guesses of the likeliest text, from its end on: of equal ones each place by itself could choose another."""
    chosen: list[int] = []
    for values, step in zip(reversed(ahead), [[], *reversed(steps)], strict=False):
        gains = {before: _BESIDE for before, behind in step if behind == chosen[-1]}
        chosen.append(max(range(len(values)), key=lambda place: values[place] + gains.get(place, 0.0)))
    return chosen[::-1]
