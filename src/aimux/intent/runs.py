"""Words that are run together: which of those that are known letters consist of."""

from itertools import islice
from typing import Final

from aimux.intent.words import Known

# In nats, how likely the words of one letter are.
WORDS_OF_A_LETTER: Final = {"a": -4.0, "i": -4.0}
_LONGEST: Final = 24
# Words run together: how many letters the fewest have, what each of them costs, how likely they are on the average, and
# how many letters they have then.
_LETTERS_EACH: Final = 4
_ANOTHER: Final = 2.0
_COMMON_ENOUGH: Final = -11.0
_MEAN_LETTERS: Final = 3.0
# Up to which rank words of so many letters, and longer ones, are taken for words rather than for parts of one.
_RANKS: Final = {2: 170, 3: 8500}
_LAST_RANK: Final = 40_000
# How many of its first letters are looked up before the word is.
_BEGINNINGS: Final = (2, 3, 5, 8)
_NO_WORDS: Final = frozenset({"re", "de", "les", "und", "las", "ist", "est", "ing", "ers"})


class Runs:
    """Parts letters into known words."""

    def __init__(self, known: Known) -> None:
        common = islice(known.ranks, _LAST_RANK)
        self._alone = {word: cost for word in {*common, *known.own} if (cost := _alone(word, known)) is not None}
        self._alone |= {word: cost - _ANOTHER for word, cost in WORDS_OF_A_LETTER.items()}
        self._beginnings = tuple((size, frozenset(word[:size] for word in self._alone)) for size in _BEGINNINGS)

    def parted(self, run: str, fewest: int) -> tuple[str, ...]:
        """The likeliest words that letters consist of, so many or more; none where they do not, or hardly."""
        if len(run) < _LETTERS_EACH * fewest:
            return ()
        best: list[float | None] = [0.0, *(None for _ in run)]
        starts = [0] * len(best)
        for start, so_far in enumerate(best):
            if so_far is None:
                continue
            for stop in range(start + 1, self._furthest(run, start) + 1):
                each = self._alone.get(run[start:stop])
                known = best[stop]
                if each is not None and (known is None or so_far + each > known):
                    best[stop], starts[stop] = so_far + each, start
        total = best[-1]
        words: list[str] = []
        stop = len(run) if total is not None else 0
        while stop:
            words.append(run[starts[stop] : stop])
            stop = starts[stop]
        enough = len(words) >= fewest and len(run) >= _MEAN_LETTERS * len(words)
        return tuple(reversed(words)) if enough and (total or 0.0) >= _COMMON_ENOUGH * len(words) else ()

    def _furthest(self, run: str, start: int) -> int:
        """Behind which letter a word that begins here ends at the latest."""
        for size, known in self._beginnings:
            if run[start : start + size] not in known:
                return min(start + size - 1, len(run))
        return min(start + _LONGEST, len(run))


def _alone(word: str, known: Known) -> float | None:
    """How likely it is that letters among others are this word; None where they are rather a part of another."""
    rank = known.ranks.get(word, 0)
    if word not in known.own and (rank > _RANKS.get(len(word), rank) or word in _NO_WORDS):
        return None
    return known.likelihood(word) - _ANOTHER if len(word) > 1 else None
