"""What a route's score is, from the vectors of its intents and of a text.

Three things count: how alike the text is to the nearest intent of the route, how far it lies in the route's direction,
and, a little, how many intents the route has. The direction is what the intents of the route share with each other and
not with those of all routes. All vectors have norm 1, so that products of them are cosines.

The constants were chosen on utterances of known meaning (CLINC150, OVOS, FAQs, BFCL, Home Assistant), by how many reach
the right route and how well texts of no route are told apart. Around these values the outcome is flat.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from aimux.intent.encoder import Vectors

# The nearest intent's part; the direction has the rest. Alone it lets texts through that share a phrase only.
_NEAREST: Final = 0.4
# How much of what all routes have in common their directions keep; the higher, the more like centroids they are.
_DAMPING: Final = 0.03
# Few routes say little about what is common to all: so many more are thought of, which damp as well.
_FEW_ROUTES: Final = 6
# With more intents one is nearer by chance; what a route pays for having e times as many.
_SIZE: Final = 0.02
# The number of intents at which a route neither pays nor gains.
_USUAL_INTENTS: Final = 20
# An intent's own words score 1; away from them the score falls at most so many times as fast as the cosine.
_STEEPNESS: Final = 10.0
# Below this length a direction is what rounding left of intents that cancel out.
_NOTHING: Final = 1e-9


def directions(intents: Vectors, starts: npt.NDArray[np.intp]) -> Vectors:
    """The direction of each route, a row of norm 1: its centroid, turned away from what is common to all routes.

    `intents`: one row of norm 1 an intent, those of one route together; `starts`: the row where each route begins, from
    0 on. Each route weighs the same, however many its intents. Neither their order nor that of the routes changes a
    direction. A route whose intents cancel out has none: its row is zero.
    """
    if not len(starts):
        return intents[:0]
    counts = np.diff(starts, append=len(intents))
    centroids = np.add.reduceat(intents.astype(np.float64), starts, axis=0) / counts[:, np.newaxis]
    return _unit(np.linalg.solve(common(intents, starts), centroids.T).T)


def without(shared: npt.NDArray[np.float64], rows: Vectors, number: int, routes: int) -> tuple[Vectors, Vectors]:
    """The direction and the handicap of a route of which one intent is left out, as rows of one.

    `shared`: what all `routes` have in common, that intent included; `rows`: the route's intents, two or more.
    """
    count, own = len(rows), rows.astype(np.float64)
    others = np.delete(own, number, axis=0)
    mean_of_all, mean_of_others = own.T @ own / count, others.T @ others / (count - 1)
    turned = np.linalg.solve(shared + (mean_of_others - mean_of_all) / routes, others.mean(axis=0))
    return _unit(turned[np.newaxis]), handicaps(np.array([count - 1]))


def common(intents: Vectors, starts: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """What all routes have in common, damped: a square matrix that turns a direction back into a centroid."""
    counts = np.diff(starts, append=len(intents))
    rows = intents.astype(np.float64)
    rows /= np.sqrt(np.repeat(counts, counts) * len(counts))[:, np.newaxis]
    # The mean over the routes of each one's mean of the outer products of its intents with themselves.
    found: npt.NDArray[np.float64] = rows.T @ rows
    # What is added to the diagonal makes this solvable whatever the intents are, equal ones too.
    found.flat[:: len(found) + 1] += _DAMPING * (1 + _FEW_ROUTES / len(counts))
    return found


def _unit(rows: npt.NDArray[np.floating[Any]]) -> Vectors:
    """Rows of norm 1, and zero rows where there was next to nothing."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.where(lengths > _NOTHING, rows / np.maximum(lengths, _NOTHING), 0.0), np.float32)


def handicaps(counts: npt.NDArray[np.integer[Any]]) -> Vectors:
    """What each route pays of its score for so many intents (1 or more of them): below 0 where they are few."""
    return np.asarray(_SIZE * np.log(counts / _USUAL_INTENTS), np.float32)


def scores(nearest: Vectors, along: Vectors, handicap: Vectors) -> Vectors:
    """The scores, 0-1, of texts (rows) for routes (columns).

    `nearest`: cosines to the nearest intent of each route; `along`: cosines to its direction; both finite. `handicap`:
    one number a route.
    """
    found = _blended(nearest, along, handicap)
    steep = _STEEPNESS * nearest
    steep -= _STEEPNESS - 1
    np.maximum(found, steep, out=found)
    return _cut(found)


@dataclass(frozen=True, slots=True)
class Terms:
    """What one score is put together from.

    It is `nearest` + `direction` - `handicap`, the parts of the nearest intent and of the route's direction and what
    the number of intents costs, or `own_words` where that is more: what an intent's own words are worth. Cut to 0-1.
    """

    nearest: float
    direction: float
    handicap: float
    own_words: float

    @property
    def is_own_words(self) -> bool:
        """Whether the text is so close to an intent that this alone makes the score."""
        return self.own_words > self.nearest + self.direction - self.handicap


def terms(nearest: float, along: float, handicap: float) -> Terms:
    """The terms of the score of one text for one route, from what `scores` is given of them."""
    return Terms(_NEAREST * nearest, (1 - _NEAREST) * along, handicap, 1 - _STEEPNESS * (1 - nearest))


def paraphrased(nearest: Vectors, along: Vectors, handicap: Vectors) -> Vectors:
    """The same without what an intent's own words are worth: about what those score that say it in other words."""
    return _cut(_blended(nearest, along, handicap))


def _blended(nearest: Vectors, along: Vectors, handicap: Vectors) -> Vectors:
    found = _NEAREST * nearest
    found += (1 - _NEAREST) * along
    found -= handicap
    return found


def _cut(found: Vectors) -> Vectors:
    np.maximum(found, 0.0, out=found)
    np.minimum(found, 1.0, out=found)
    return found
