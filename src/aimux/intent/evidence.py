"""What labelled texts scored on each route, and what the decision makes of that under any thresholds, all at once.

The decision itself is `core/decision.py`, one text at a time. Who searches for thresholds asks it of thousands of texts
hundreds of times; here it is once more, in numbers alone, for open requests without a fallback, as trials are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

NOWHERE: Final = -1
"""No route matches; as what was expected: no route should."""
AMBIGUOUS: Final = -2
_UNREAD: Final = -1.0

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Case:
    """One text: the place of the route that it should reach, and its scores on all routes that have intents.

    `parts` has a row of scores for each of its parts that the text itself sets apart; `brief` says of each, where it is
    given, whether it has hardly any words. A text that is refused whatever the thresholds has no scores.
    """

    expected: int
    whole: Sequence[float] | None
    parts: Sequence[Sequence[float]] = ()
    brief: Sequence[bool] = ()

    def unread(self) -> "Case":
        """The same text, refused whatever the thresholds."""
        return Case(self.expected, None)


class Evidence:
    """Labelled texts with their scores. `size` is how many routes there are, `rows` how many texts."""

    def __init__(self, expected: Places, wholes: Floats, parts: Floats, owners: Places, brief: Flags) -> None:
        """`wholes`: a row a text, below 0 where it has no scores; `parts`: a row a part; `owners`: the text of each.

        `brief`: whether a part has hardly any words.
        """
        self.rows, self.size = wholes.shape
        self.expected, self.wholes, self._parts, self._owners, self._brief = expected, wholes, parts, owners, brief
        every = np.arange(self.rows)
        self.best: Places = wholes.argmax(axis=1)
        self.top: Floats = wholes[every, self.best]
        others = wholes.copy()
        others[every, self.best] = -np.inf
        self.leads: Floats = self.top - others.max(axis=1)
        self._part_best: Places = parts.argmax(axis=1)
        self._part_top: Floats = parts[np.arange(len(parts)), self._part_best]
        self.reach = self.top.copy()
        """The highest score on the route that is best for the whole, of the whole or of a part whose best it is too."""
        alike = self._part_best == self.best[owners]
        np.maximum.at(self.reach, owners[alike], self._part_top[alike])

    @classmethod
    def of(cls, texts: Sequence[Case], size: int) -> "Evidence":
        """Put texts together, of a configuration that has so many routes with intents, one or more."""
        nothing = (_UNREAD,) * size
        wholes = np.array([nothing if text.whole is None else text.whole for text in texts], np.float64)
        parts = [part for text in texts for part in text.parts]
        owners = [row for row, text in enumerate(texts) for _ in text.parts]
        brief = [is_brief for text in texts for is_brief in text.brief or (False,) * len(text.parts)]
        return cls(
            np.array([text.expected for text in texts], np.intp),
            wholes.reshape(len(texts), size),
            np.array(parts, np.float64).reshape(len(parts), size),
            np.array(owners, np.intp),
            np.array(brief, np.bool_),
        )

    def some(self, wanted: Flags) -> "Evidence":
        """Those texts that are wanted, in their order."""
        kept = wanted[self._owners]
        places = np.cumsum(wanted) - 1
        owners = places[self._owners[kept]].astype(np.intp)
        return Evidence(self.expected[wanted], self.wholes[wanted], self._parts[kept], owners, self._brief[kept])

    def decided(self, least: Floats, lead: float) -> Places:
        """Where each text goes: the place of a route, NOWHERE or AMBIGUOUS.

        `least`: the min_score of each route; `lead`: by how much the best score must lead.
        """
        passes = self.top >= least[self.best]
        chosen = np.where(passes, self.best, NOWHERE)
        close = np.flatnonzero(passes & (self.leads < lead))
        wholes = self.wholes[close]
        contend = (wholes >= least) & (self.top[close, np.newaxis] - wholes < lead)
        unclear = close[contend.sum(axis=1) > 1]
        # Brief parts are heard where nothing else says anything.
        self._heed_parts(chosen, np.flatnonzero(self._stand(least) & ~self._brief), lead)
        unmet = self._stand(least) & self._brief & (chosen[self._owners] == NOWHERE)
        self._heed_parts(chosen, np.flatnonzero(unmet), lead)
        chosen[unclear] = AMBIGUOUS
        return chosen

    def false(self, decided: Places) -> Flags:
        """Which texts went to a route that is not theirs."""
        found: Flags = (decided >= 0) & (decided != self.expected)
        return found

    def _stand(self, least: Floats) -> Flags:
        """Which parts stand for a route: the index compares in the precision of the model's vectors."""
        found: Flags = self._part_top >= least.astype(np.float32)[self._part_best]
        return found

    def _heed_parts(self, chosen: Places, stand: Places, lead: float) -> None:
        """What parts that stand for other routes than the whole make of it."""
        if not len(stand):
            return
        best, rows = self._part_best[stand], self._owners[stand]
        of_whole = chosen[rows]
        behind = self._part_top[stand] - self._parts[stand, np.maximum(of_whole, 0)]
        elsewhere = (best != of_whole) & ((of_whole < 0) | (behind >= lead))
        best, rows, of_whole = best[elsewhere], rows[elsewhere], of_whole[elsewhere]
        first = np.full(self.rows, self.size, np.intp)
        last = np.full(self.rows, NOWHERE, np.intp)
        np.minimum.at(first, rows, best)
        np.maximum.at(last, rows, best)
        meant = np.unique(rows)
        alone = (chosen[meant] < 0) & (first[meant] == last[meant])
        chosen[meant] = np.where(alone, first[meant], AMBIGUOUS)
