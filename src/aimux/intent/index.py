"""From vectors to scores: how alike a text is to the intents of each route."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from aimux.core.request import Scores, Stand
from aimux.core.snapshot import Snapshot
from aimux.intent.encoder import Encoder, EncodingError, Vectors
from aimux.intent.model import ModelError

_FEW_ROUTES: Final = 64
_LEADERS: Final = 16


class IntentIndex:
    """The intents of one snapshot as vectors, and the score of each route.

    A route's score is half its most similar intent, half the centroid of its intents, by cosine, cut to 0-1: the
    nearest intent alone lets texts through that resemble one phrase and none of the route's business.
    """

    def __init__(self, snapshot: Snapshot, vectors: Vectors, guards: Sequence[Vectors] = ()) -> None:
        """`vectors`: float32, one row of norm 1 an intent, in the order of the routes and their intents.

        `guards`: the same of each guard.
        """
        self._size = len(snapshot.routes)
        self._scored = np.array([i for i, route in enumerate(snapshot.routes) if route.intents], np.intp)
        counts = [len(snapshot.routes[i].intents) for i in self._scored]
        if len(vectors) != sum(counts):
            raise ValueError(f"{len(vectors)} vectors for {sum(counts)} intents")
        starts = np.cumsum([0, *counts])[:-1].astype(np.intp)
        self._starts = starts
        self._least = np.array([snapshot.routes[i].min_score for i in self._scored], np.float32)
        self._threshold = snapshot.ambiguity_threshold
        self._guards = guards
        self._intents = len(vectors)
        sums = np.add.reduceat(vectors, starts, axis=0)
        centroids = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        # One product for all: the intents, and behind them the centroids.
        self._columns = np.ascontiguousarray(np.concatenate([vectors, centroids]).T)

    @classmethod
    def build(cls, snapshot: Snapshot, encoder: Encoder) -> "IntentIndex":
        """Embed every intent of a snapshot. Raises ModelError for an intent that is longer than the model reads."""
        rows = []
        for route in snapshot.routes:
            try:
                rows.append(encoder.encode(route.intents))
            except ValueError as error:
                raise ModelError(f"an intent of route '{route.name}' cannot be used: {error}; shorten it") from error
        guards = []
        for guard in snapshot.guards:
            try:
                guards.append(encoder.encode(guard.intents))
            except ValueError as error:
                raise ModelError(f"an intent of guard '{guard.name}' cannot be used: {error}; shorten it") from error
        none = np.empty((0, encoder.dimensions), np.float32)
        return cls(snapshot, np.concatenate([none, *rows]), guards)

    def guards(self, windows: Vectors) -> tuple[float, ...]:
        """For each guard, how similar the most similar window of a text is to any of its intents: by cosine, 0-1."""
        return tuple(min(max(float((windows @ guard.T).max()), 0.0), 1.0) for guard in self._guards)

    def scores(self, windows: Vectors) -> Scores:
        """The score of each route: its best over the windows of a text, given as rows of norm 1.

        Raises EncodingError for rows that hold no numbers.
        """
        each = self._each(windows)
        best = each[0] if len(each) == 1 else each.max(axis=0)
        return Scores(self._by_route(best), self._leaders(best))

    def stands(self, windows: Vectors, owners: Sequence[int], whole: Sequence[bool]) -> tuple[Stand, ...]:
        """What the parts of a text stand for: `owners` are the parts' numbers, window by window.

        `whole` says of each part whether the text sets it apart. Raises EncodingError for rows that hold no numbers.
        """
        if not len(self._scored):
            return ()
        best = np.zeros((len(whole), len(self._scored)), np.float32)
        np.maximum.at(best, np.asarray(owners, np.intp), self._each(windows))
        tops = best.argmax(axis=1)
        values = best[np.arange(len(best)), tops]
        found: dict[tuple[int, frozenset[int], bool], float] = {}
        for part in np.flatnonzero(values >= self._least[tops]).tolist():
            score = float(values[part])
            close = frozenset(self._scored[np.flatnonzero(score - best[part] < self._threshold)].tolist())
            stand = (int(self._scored[tops[part]]), close, whole[part])
            found[stand] = max(score, found.get(stand, 0.0))
        return tuple(Stand(place, score, close - {place}, apart) for (place, close, apart), score in found.items())

    def _each(self, windows: Vectors) -> Vectors:
        """The score of each route for each window. Raises EncodingError."""
        alike = windows @ self._columns
        blended = np.maximum.reduceat(alike[:, : self._intents], self._starts, axis=1)
        blended += alike[:, self._intents :]
        blended *= 0.5
        if not np.isfinite(blended).all():
            raise EncodingError("the model gave no numbers for this text")
        np.maximum(blended, 0.0, out=blended)
        np.minimum(blended, 1.0, out=blended)
        return np.asarray(blended, np.float32)

    @property
    def routes(self) -> list[tuple[int, Vectors]]:
        """The routes that have intents: the number of each in the snapshot, and the vectors of its intents."""
        vectors = np.split(self._columns[:, : self._intents].T, self._starts[1:])
        return list(zip(self._scored.tolist(), vectors, strict=True))

    @property
    def centroids(self) -> Vectors:
        """The centroid of each of them."""
        centroids: Vectors = self._columns[:, self._intents :].T
        return centroids

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
