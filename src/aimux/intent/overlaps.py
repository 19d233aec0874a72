"""How close routes are to each other by their intents: what could be refused as ambiguous, before anybody says it."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from aimux.intent import formula
from aimux.intent.encoder import Vectors
from aimux.intent.index import IntentIndex


@dataclass(frozen=True, slots=True)
class Closeness:
    """Two routes, by their numbers, and the two of their intents that are most alike, by theirs.

    `lead` is the smallest by which an intent of one, said in slightly other words, outscores the other route. Its own
    words score 1, which would hide how little sets the routes apart.
    """

    first: int
    second: int
    similarity: float
    first_intent: int
    second_intent: int
    lead: float


def closeness(index: IntentIndex, most: int | None = None) -> list[Closeness]:
    """Every pair among the routes that have intents, or the first `most` of them."""
    routes = index.routes[:most]
    if not routes:
        return []
    leads = _leads([vectors for _, vectors in routes], index.directions[:most], index.handicaps[:most])
    found = []
    for (one, (first, mine)), (other, (second, theirs)) in combinations(enumerate(routes), 2):
        alike = mine @ theirs.T
        row, column = np.unravel_index(int(alike.argmax()), alike.shape)
        similarity = float(np.clip(alike[row, column], 0.0, 1.0))
        lead = float(min(leads[one, other], leads[other, one]))
        found.append(Closeness(first, second, similarity, int(row), int(column), lead))
    return found


def _leads(intents: list[Vectors], directions: Vectors, handicaps: Vectors) -> Vectors:
    """For each two routes, the smallest lead that the intents of the first have over the second."""
    rows = []
    for own, mine in enumerate(intents):
        nearest = np.stack([(mine @ theirs.T).max(axis=1) for theirs in intents], axis=1)
        scores = formula.paraphrased(nearest, mine @ directions.T, handicaps)
        rows.append((scores[:, [own]] - scores).min(axis=0))
    return np.stack(rows)
