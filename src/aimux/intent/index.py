"""From vectors to scores: how alike a text is to the intents of each route."""

from collections.abc import Sequence
from copy import copy
from typing import Final

import numpy as np
import numpy.typing as npt

from aimux.core.policy import Policy
from aimux.core.scores import Scores, Stand
from aimux.intent import formula
from aimux.intent.encoder import Encoder, EncodingError, Vectors
from aimux.intent.model import ModelError
from aimux.intent.unknown import Unknowns

_FEW_ROUTES: Final = 64
_LEADERS: Final = 16
NOT_READ: Final = -1.0
"""In the place of the scores of a part that is not read: no min_score is as low."""


class IntentIndex:
    """The intents of one policy as vectors, and the score of each route by them (`intent/formula.py`)."""

    def __init__(self, policy: Policy, vectors: Vectors, guards: Sequence[Vectors] = ()) -> None:
        """`vectors`: float32, one row of norm 1 an intent, in the order of the routes and their intents.

        `guards`: the same of each guard.
        """
        self._size = len(policy.routes)
        self._scored = np.array([i for i, route in enumerate(policy.routes) if route.intents], np.intp)
        counts = [len(policy.routes[i].intents) for i in self._scored]
        if len(vectors) != sum(counts):
            raise ValueError(f"{len(vectors)} vectors for {sum(counts)} intents")
        starts = np.cumsum([0, *counts])[:-1].astype(np.intp)
        self._starts = starts
        self._take_thresholds(policy)
        self._intents = len(vectors)
        self.handicaps = formula.handicaps(np.array(counts, np.intp))
        # One product for all: the intents, and behind them the directions of the routes.
        self._columns = np.ascontiguousarray(np.concatenate([vectors, formula.directions(vectors, starts)]).T)
        self._guards = _Guards(vectors, starts, guards) if guards else None

    @classmethod
    def build(cls, policy: Policy, encoder: Encoder) -> "IntentIndex":
        """Embed every intent of a policy. Raises ModelError for an intent that is longer than the model reads."""
        rows = [_encoded(route.intents, f"route '{route.name}'", encoder) for route in policy.routes]
        guards = [_encoded(guard.intents, f"guard '{guard.name}'", encoder) for guard in policy.guards]
        none = np.empty((0, encoder.dimensions), np.float32)
        return cls(policy, np.concatenate([none, *rows]), guards)

    def under(self, policy: Policy) -> "IntentIndex":
        """The same vectors under the thresholds of another policy, which has the same intents in the same routes.

        Raises ValueError where it has more or fewer.
        """
        counts = [len(route.intents) for route in policy.routes if route.intents]
        if counts != np.diff(self._starts, append=self._intents).tolist() or len(policy.routes) != self._size:
            raise ValueError("the policy's intents are not those of this index")
        other = copy(self)
        other._take_thresholds(policy)
        return other

    def _take_thresholds(self, policy: Policy) -> None:
        self._least = np.array([policy.routes[i].min_score for i in self._scored], np.float32)
        self._threshold = policy.ambiguity_threshold

    def guards(self, windows: Vectors) -> tuple[float, ...]:
        """The score of each guard, as if it were a route: its best over the windows of a text."""
        return () if self._guards is None else tuple(self._guards.each(windows).max(axis=0).tolist())

    def scores(self, windows: Vectors) -> Scores:
        """The score of each route: its best over the windows of a text, given as rows of norm 1.

        All are 0 where there is none. Raises EncodingError for rows that hold no numbers.
        """
        each = self.each(windows)
        best = each[0] if len(each) == 1 else each.max(axis=0, initial=0.0)
        return Scores(self._by_route(best), self._leaders(best))

    def stands(
        self, windows: Vectors, owners: Sequence[int], whole: Sequence[bool], brief: Sequence[bool] = ()
    ) -> tuple[Stand, ...]:
        """What the parts of a text stand for: `owners` are the parts' numbers, window by window.

        `whole` says of each part whether the text sets it apart, `brief`, where it is given, whether it has hardly any
        words. Parts of a kind are told as the one with the highest score. Raises EncodingError for rows that hold no
        numbers.
        """
        if not len(self._scored):
            return ()
        best = self.of_parts(windows, owners, len(whole))
        tops = best.argmax(axis=1)
        values = best[np.arange(len(best)), tops]
        found: dict[tuple[int, frozenset[int], bool, bool], int] = {}
        for part in np.flatnonzero(values >= self._least[tops]).tolist():
            close = frozenset(self._scored[np.flatnonzero(float(values[part]) - best[part] < self._threshold)].tolist())
            kind = (int(self._scored[tops[part]]), close, whole[part], bool(brief) and brief[part])
            other = found.get(kind)
            if other is None or values[part] > values[other]:
                found[kind] = part
        stands = []
        for (place, close, apart, short), part in found.items():
            runner_up, second = self._second(best[part])
            score = float(values[part])
            stands.append(Stand(place, score, close - {place}, apart, short, runner_up, second, part=part))
        return tuple(stands)

    def _second(self, scores: Vectors) -> tuple[int, float] | tuple[None, None]:
        """The place and the score of the route with the second highest score, a column a route that has intents."""
        if len(scores) == 1:
            return None, None
        second = int(np.argsort(-scores, kind="stable")[1])
        return int(self._scored[second]), float(scores[second])

    def of_parts(self, windows: Vectors, owners: Sequence[int], count: int) -> Vectors:
        """The score of each route that has intents for each of so many parts, below 0 for those without a window.

        Raises EncodingError.
        """
        best = np.full((count, len(self._scored)), NOT_READ, np.float32)
        np.maximum.at(best, np.asarray(owners, np.intp), self.each(windows))
        return best

    def each(self, windows: Vectors) -> Vectors:
        """The score of each route that has intents (columns, as in `routes`) for each window. Raises EncodingError."""
        alike = windows @ self._columns
        nearest = np.maximum.reduceat(alike[:, : self._intents], self._starts, axis=1)
        along = alike[:, self._intents :]
        # Every number of a row and of an intent has a part in these: what is none shows here, before the cut to 0-1.
        if not np.isfinite(along).all():
            raise EncodingError("the model gave no numbers for this text")
        return formula.scores(nearest, along, self.handicaps)

    @property
    def routes(self) -> list[tuple[int, Vectors]]:
        """The routes that have intents: the number of each in the policy, and the vectors of its intents."""
        if not len(self._scored):  # nothing would be split into one part, not none
            return []
        vectors = np.split(self._columns[:, : self._intents].T, self._starts[1:])
        return list(zip(self._scored.tolist(), vectors, strict=True))

    @property
    def directions(self) -> Vectors:
        """The direction of each of them, a row of norm 1. `handicaps` is as long."""
        directions: Vectors = self._columns[:, self._intents :].T
        return directions

    @property
    def guard_intents(self) -> Sequence[Vectors]:
        """For each guard, the vectors of its intents."""
        return () if self._guards is None else self._guards.intents

    def each_guard(self, windows: Vectors) -> Vectors:
        """The score of each guard (columns) for each window."""
        return np.empty((len(windows), 0), np.float32) if self._guards is None else self._guards.each(windows)

    def _by_route(self, best: Vectors) -> tuple[float | None, ...]:
        values: list[float] = best.tolist()
        if len(values) == self._size:
            return tuple(values)
        # Arrays of objects are filled without a loop in Python.
        spread = np.full(self._size, None, object)
        spread[self._scored] = values
        return tuple(spread.tolist())

    def _leaders(self, best: Vectors) -> tuple[int, ...]:
        """Where the highest scores are, for configurations of so many routes that looking at each would cost."""
        if len(best) <= _FEW_ROUTES:
            return ()
        highest = np.argpartition(best, -_LEADERS)[-_LEADERS:]
        return tuple(np.sort(self._scored[highest]).tolist())


class _Guards:
    """The intents of the guards, scored like those of routes; no route's score depends on them."""

    def __init__(self, routes: Vectors, starts: npt.NDArray[np.intp], guards: Sequence[Vectors]) -> None:
        """`routes`: the intents of the routes, each of which begins at one of `starts`."""
        counts = [len(guard) for guard in guards]
        self._starts = np.cumsum([0, *counts])[:-1].astype(np.intp)
        own = np.concatenate(guards)
        self._intents = len(own)
        self._handicaps = formula.handicaps(np.array(counts, np.intp))
        all_starts = np.concatenate([starts, len(routes) + self._starts])
        directions = formula.directions(np.concatenate([routes, own]), all_starts)[len(starts) :]
        self._columns = np.ascontiguousarray(np.concatenate([own, directions]).T)

    def each(self, windows: Vectors) -> Vectors:
        alike = windows @ self._columns
        nearest = np.maximum.reduceat(alike[:, : self._intents], self._starts, axis=1)
        return formula.scores(nearest, alike[:, self._intents :], self._handicaps)

    @property
    def intents(self) -> Sequence[Vectors]:
        return np.split(self._columns[:, : self._intents].T, self._starts[1:])


def _encoded(intents: Sequence[str], owner: str, encoder: Encoder) -> Vectors:
    try:
        return encoder.encode(list(map(Unknowns(encoder).divided, intents)))
    except ValueError as error:
        raise ModelError(f"an intent of {owner} cannot be used: {error}; shorten it") from error
