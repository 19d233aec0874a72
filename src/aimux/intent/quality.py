"""How well texts are routed: shares with their intervals, and how far scores tell what is in scope from what is not.

Values in, values out: what was tried on which texts is somebody else's to know.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aimux.core.routing import PartMatch

FEW: Final = 20
"""With fewer rows than this an interval says nothing that one would act on."""
COVERAGE: Final = 95
"""The percentage of the rows in scope that still pass where false forwards are counted."""
_Z: Final = 1.959963984540054
_STEPS: Final = 60


class Outcome(StrEnum):
    """What became of a text at the configured thresholds."""

    FORWARDED = "forwarded"
    AMBIGUOUS = "ambiguous"
    NO_MATCH = "no_match"
    UNREAD = "unread"


class Kind(StrEnum):
    """How far from the routes' business a text out of scope is."""

    NEAR = "near"
    FAR = "far"


@dataclass(frozen=True, slots=True)
class Deciding:
    """The part of a text that decided: the route that it stands for, its score, its words, where they stand."""

    route: str
    start: int | None
    end: int | None
    text: str
    score: float

    @classmethod
    def of(cls, part: PartMatch) -> "Deciding":
        """What is told of a part."""
        start, end = part.span or (None, None)
        return cls(part.lead.route.name, start, end, part.words, part.lead.score)


@dataclass(frozen=True, slots=True)
class Trial:
    """One labelled text and what was made of it.

    `expected` is None for a text out of scope. `route` is the one that it went to, or that it was refused for: the one
    with the highest score where it was too low or too close. `best` is the route with the highest score of the whole
    text; `score`, `runner_up` and `margin` are what decided, of the whole text or of the `part` that chose. Of a text
    that was refused unread nothing is known.
    """

    text: str
    expected: str | None
    kind: Kind | None
    outcome: Outcome
    route: str | None
    score: float = 0.0
    runner_up: str | None = None
    margin: float | None = None
    best: str | None = None
    best_score: float = 0.0
    part: Deciding | None = None

    @property
    def is_right(self) -> bool:
        """Whether it went where it should: to its route or, out of scope, to none for want of a match."""
        if self.expected is None:
            return self.outcome in {Outcome.NO_MATCH, Outcome.UNREAD}
        return self.outcome is Outcome.FORWARDED and self.route == self.expected


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % confidence interval, and the rows that it rests on: the fewer of two groups.

    Without rows there is no figure: all three numbers are None.
    """

    value: float | None
    low: float | None
    high: float | None
    rows: int

    @property
    def is_on_few(self) -> bool:
        """Whether its rows are too few for the interval to mean anything."""
        return self.rows < FEW


@dataclass(frozen=True, slots=True)
class InScope:
    """The rows that belong to a route: `accuracy` is before thresholds, the shares are at the configured ones."""

    accuracy: Estimate
    right: Estimate
    wrong: Estimate
    ambiguous: Estimate
    no_match: Estimate
    unread: Estimate


@dataclass(frozen=True, slots=True)
class OutOfScope:
    """Rows that belong to no route. `false_forwards` is at the threshold that keeps the coverage of those in scope."""

    auroc: Estimate
    false_forwards: Estimate
    forwarded: Estimate
    ambiguous: Estimate
    no_match: Estimate
    unread: Estimate


@dataclass(frozen=True, slots=True)
class Quality:
    """All figures of some trials. `all_outside` counts rows of both kinds and of none."""

    rows: int
    in_scope: InScope
    near: OutOfScope
    far: OutOfScope
    all_outside: OutOfScope
    ambiguous: Estimate
    threshold: float | None


def assess(trials: Sequence[Trial]) -> Quality:
    """The figures of trials."""
    inside = [trial for trial in trials if trial.expected is not None]
    outside = [trial for trial in trials if trial.expected is None]
    scores = [trial.best_score for trial in inside]
    threshold = passing_threshold(scores)
    near, far = ([trial for trial in outside if trial.kind is kind] for kind in (Kind.NEAR, Kind.FAR))
    return Quality(
        rows=len(trials),
        in_scope=_in_scope(inside),
        near=_out_of_scope(near, scores, threshold),
        far=_out_of_scope(far, scores, threshold),
        all_outside=_out_of_scope(outside, scores, threshold),
        ambiguous=share(trial.outcome is Outcome.AMBIGUOUS for trial in trials),
        threshold=threshold,
    )


def share(hits: Iterable[bool]) -> Estimate:
    """The share of hits, with Wilson's score interval."""
    found = list(hits)
    count, rows = sum(found), len(found)
    if not rows:
        return Estimate(None, None, None, 0)
    value, squared = count / rows, _Z * _Z
    middle = (value + squared / (2 * rows)) / (1 + squared / rows)
    half = _Z / (1 + squared / rows) * math.sqrt(value * (1 - value) / rows + squared / (4 * rows * rows))
    # Exactly 0 and 1 at the ends, where rounding would leave a trace.
    return Estimate(
        value, max(middle - half, 0.0) if count else 0.0, min(middle + half, 1.0) if count < rows else 1.0, rows
    )


def rows_to_show(value: float, wanted: float) -> int | None:
    """About how many rows it takes until the interval of a share of this value ends at the wanted one or below it.

    None where no number does: the value itself is not below.
    """
    if value >= wanted:
        return None
    return math.ceil(_Z * _Z * wanted * (1 - wanted) / (wanted - value) ** 2)


def auroc(inside: Sequence[float], outside: Sequence[float]) -> Estimate:
    """How often a score in scope is above one out of scope, a tie counting half.

    The interval is the score interval on Hanley and McNeil's variance (Newcombe 2006, method 5). Unlike DeLong's it
    does not shrink to nothing where the two do not overlap.
    """
    rows = min(len(inside), len(outside))
    if not rows:
        return Estimate(None, None, None, 0)
    ordered = sorted(outside)
    below = sum(bisect_left(ordered, score) + bisect_right(ordered, score) for score in inside)
    value = below / (2 * len(inside) * len(outside))
    low, high = _around(value, len(inside), len(outside))
    return Estimate(value, low, high, rows)


def passing_threshold(scores: Sequence[float]) -> float | None:
    """The highest score at which the coverage of these scores still passes, being as high or higher; None for none."""
    if not scores:
        return None
    needed = -(-COVERAGE * len(scores) // 100)
    return sorted(scores, reverse=True)[needed - 1]


def _around(value: float, inside: int, outside: int) -> tuple[float, float]:
    """The ends of the interval: where the distance to the value is as many deviations as 95 % take."""
    extra = (inside + outside) / 2 - 1

    def is_beyond(true: float) -> bool:
        variance = true * (1 - true) / (inside * outside)
        variance *= 1 + extra * (1 - true) / (2 - true) + extra * true / (1 + true)
        return (value - true) ** 2 > _Z * _Z * variance

    low = _edge(value, 0.0, is_beyond) if value > 0.0 else 0.0
    high = _edge(value, 1.0, is_beyond) if value < 1.0 else 1.0
    return low, high


def _edge(within: float, end: float, is_beyond: Callable[[float], bool]) -> float:
    """Where, from a point within towards an end, the first point beyond is."""
    for _ in range(_STEPS):
        middle = (within + end) / 2
        if is_beyond(middle):
            end = middle
        else:
            within = middle
    return within


def _in_scope(trials: Sequence[Trial]) -> InScope:
    return InScope(
        accuracy=share(trial.route == trial.expected for trial in trials),
        right=share(trial.is_right for trial in trials),
        wrong=share(trial.outcome is Outcome.FORWARDED and not trial.is_right for trial in trials),
        ambiguous=_share_of(Outcome.AMBIGUOUS, trials),
        no_match=_share_of(Outcome.NO_MATCH, trials),
        unread=_share_of(Outcome.UNREAD, trials),
    )


def _out_of_scope(trials: Sequence[Trial], inside: Sequence[float], threshold: float | None) -> OutOfScope:
    return OutOfScope(
        auroc=auroc(inside, [trial.best_score for trial in trials]),
        false_forwards=share(trial.best_score >= threshold for trial in trials) if threshold is not None else share(()),
        forwarded=_share_of(Outcome.FORWARDED, trials),
        ambiguous=_share_of(Outcome.AMBIGUOUS, trials),
        no_match=_share_of(Outcome.NO_MATCH, trials),
        unread=_share_of(Outcome.UNREAD, trials),
    )


def _share_of(outcome: Outcome, trials: Sequence[Trial]) -> Estimate:
    return share(trial.outcome is outcome for trial in trials)
