"""Each intent tried as if somebody sent it: as it stands, and left out of its own route, as a new text would be.

Only the public side of the index is used, so that a trial says what the gateway would. What it takes for granted is
that a route's score depends on that route's intents alone; a test holds it against indexes that are built anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from aimux.core.request import Scores
from aimux.core.routing import Match, match
from aimux.core.snapshot import Snapshot
from aimux.intent.encoder import Vectors
from aimux.intent.index import IntentIndex


@dataclass(frozen=True, slots=True)
class Intent:
    """One intent, by the number of its route in the snapshot and its own in the route."""

    route: int
    number: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one intent.

    `other` is the most similar intent of another route, `left_out` the match without the intent itself, None where its
    route has no other one; `own` is the score of its own route then.
    """

    intent: Intent
    other: Intent | None
    similarity: float
    whole: Match
    left_out: Match | None
    own: float | None


class Trials:
    """The intents of a snapshot, and the index that holds their vectors."""

    def __init__(self, snapshot: Snapshot, index: IntentIndex) -> None:
        self.snapshot = snapshot
        self._index = index
        self._rows = {route: np.ascontiguousarray(rows) for route, rows in index.routes}
        self._intents = [Intent(route, number) for route, rows in self._rows.items() for number in range(len(rows))]

    def run(self) -> list[Trial]:
        """Every intent, in the order of the configuration."""
        found: list[Trial] = []
        columns = np.ascontiguousarray(np.concatenate(list(self._rows.values())).T)
        for route, rows in self._rows.items():
            alike = rows @ columns
            alike[:, len(found) : len(found) + len(rows)] = -1.0
            nearest = alike.argmax(axis=1)
            for number, place in enumerate(nearest.tolist()):
                similarity = float(alike[number, place])
                other = self._intents[place] if len(self._rows) > 1 else None
                found.append(self._trial(Intent(route, number), other, similarity, rows))
        return found

    def judge(self, vector: Vectors) -> tuple[Scores, Match]:
        """The scores of a text that fits one window, and what they say."""
        scores = self._index.scores(vector[np.newaxis])
        found = match(self.snapshot, scores)
        if found is None:
            raise ValueError("no route has intents")
        return scores, found

    @property
    def scored(self) -> Iterable[int]:
        """The numbers of the routes that have intents."""
        return self._rows.keys()

    def nearest(self, route: int, vector: Vectors) -> tuple[Intent, float]:
        """The intent of a route that is most similar to a text."""
        alike = self._rows[route] @ vector
        number = int(alike.argmax())
        return Intent(route, number), float(alike[number])

    def nearest_in(self, intent: Intent, route: int) -> tuple[Intent, float]:
        """The intent of a route that is most similar to an intent of another one."""
        return self.nearest(route, self._rows[intent.route][intent.number])

    def most_alike(self, route: int, vectors: Vectors) -> float:
        """The highest similarity of an intent of a route to one of these texts."""
        return float((self._rows[route] @ vectors.T).max())

    def _trial(self, intent: Intent, other: Intent | None, similarity: float, rows: Vectors) -> Trial:
        scores, whole = self.judge(rows[intent.number])
        own = self._own_without(intent, rows)
        if own is None:
            return Trial(intent, other, similarity, whole, None, None)
        values = (*scores.values[: intent.route], own, *scores.values[intent.route + 1 :])
        return Trial(intent, other, similarity, whole, match(self.snapshot, Scores(values)), own)

    def _own_without(self, intent: Intent, rows: Vectors) -> float | None:
        if len(rows) < 2:
            return None
        route = self.snapshot.routes[intent.route]
        others = route.intents[: intent.number] + route.intents[intent.number + 1 :]
        alone = Snapshot.of((replace(route, intents=others),))
        index = IntentIndex(alone, np.delete(rows, intent.number, axis=0))
        return index.scores(rows[intent.number][np.newaxis]).values[0]
