"""Each intent tried as if somebody sent it: as it stands, and left out of its own route, as a new text would be.

A trial says what the gateway would. Where an intent is left out, the other routes' scores alone are taken as they are
with it: one of many intents changes them by next to nothing.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from aimux.core.policy import Policy
from aimux.core.routing import Match, match
from aimux.core.scores import Scores
from aimux.intent import formula
from aimux.intent.encoder import Vectors
from aimux.intent.index import IntentIndex

MOST_TRIED: Final = 400
"""Trials of one configuration: about two seconds. Where there are more intents, each route has its share of them."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One intent, by the number of its route in the policy and its own in the route."""

    route: int
    number: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an intent means as it stands and, where its route has others, what it means without itself.

    `own` is the score of its own route then.
    """

    whole: Match
    left_out: Match | None
    own: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One intent and the most similar one of another route. `outcome` is None where there were too many to try."""

    intent: Intent
    other: Intent | None
    similarity: float
    outcome: Outcome | None


class Trials:
    """The intents of a policy, and the index that holds their vectors."""

    def __init__(self, policy: Policy, index: IntentIndex) -> None:
        self._policy = policy
        self._index = index
        self._rows = {route: np.ascontiguousarray(rows) for route, rows in index.routes}
        vectors = np.concatenate(list(self._rows.values()))
        starts = np.cumsum([0, *map(len, self._rows.values())])[:-1]
        self._shared = formula.common(vectors, starts.astype(np.intp))
        self._intents = [Intent(route, number) for route, rows in self._rows.items() for number in range(len(rows))]

    def run(self) -> list[Trial]:
        """Every intent, in the order of the configuration."""
        found: list[Trial] = []
        columns = np.ascontiguousarray(np.concatenate(list(self._rows.values())).T)
        for route, rows in self._rows.items():
            alike = rows @ columns
            here = slice(len(found), len(found) + len(rows))
            among = alike[:, here] - 2 * np.eye(len(rows), dtype=np.float32)
            alike[:, here] = -1.0
            nearest, similarity = alike.argmax(axis=1).tolist(), alike.max(axis=1)
            tried = self._worth_trying(among.max(axis=1) - similarity)
            for number, place in enumerate(nearest):
                intent = Intent(route, number)
                outcome = self._outcome(intent) if number in tried else None
                other = self._intents[place] if len(self._rows) > 1 else None
                found.append(Trial(intent, other, float(similarity[number]), outcome))
        return found

    def judge(self, vector: Vectors) -> Match:
        """What a text means that fits one window."""
        return self._matched(self._index.scores(vector[np.newaxis]))

    def nearest(self, route: int, vector: Vectors) -> tuple[Intent, float]:
        """The intent of a route that is most similar to a text."""
        alike = self._rows[route] @ vector
        number = int(alike.argmax())
        return Intent(route, number), float(alike[number])

    def nearest_in(self, intent: Intent, route: int) -> tuple[Intent, float]:
        """The intent of a route that is most similar to an intent of another one."""
        return self.nearest(route, self._rows[intent.route][intent.number])

    def _worth_trying(self, leads: Vectors) -> set[int]:
        """Of too many intents those that are nearest to other routes, and some that are farthest: does any win?"""
        order: list[int] = np.argsort(leads).tolist()
        share = max(MOST_TRIED // len(self._rows), 4)
        best = share // 4
        return set(order if len(order) <= share else (*order[: share - best], *order[-best:]))

    def _outcome(self, intent: Intent) -> Outcome:
        rows = self._rows[intent.route]
        scores = self._index.scores(rows[intent.number][np.newaxis])
        whole = self._matched(scores)
        own = self._own_without(intent, rows)
        if own is None:
            return Outcome(whole, None, None)
        values = (*scores.values[: intent.route], own, *scores.values[intent.route + 1 :])
        return Outcome(whole, self._matched(Scores(values)), own)

    def _own_without(self, intent: Intent, rows: Vectors) -> float | None:
        return None if len(rows) < 2 else left_out(self._shared, rows, intent.number, len(self._rows))

    def _matched(self, scores: Scores) -> Match:
        found = match(self._policy, scores)
        if found is None:
            raise ValueError("no route has intents")
        return found


def left_out(shared: npt.NDArray[np.float64], rows: Vectors, number: int, routes: int) -> float:
    """The score of an intent for what it is an intent of, without it.

    `shared`: what all `routes`, and guards, have in common, that intent included; `rows`: the intents, two or more.
    """
    text, others = rows[number], np.delete(rows, number, axis=0)
    direction, handicap = formula.without(shared, rows, number, routes)
    nearest = np.array([[(others @ text).max()]], np.float32)
    return float(formula.scores(nearest, direction @ text[:, np.newaxis], handicap)[0, 0])
