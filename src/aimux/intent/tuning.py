"""Thresholds from labelled texts: the most texts decided right, with no more false forwards than are wanted.

A false forward is a text that goes to a route that is not its own; their rate is their share of all texts. Each
route's min_score is weighed on the texts that are nearest to it and, so that a few do not decide it alone, on those of
all routes, which together count as much as a fixed number of its own. How many texts decided right a false forward
outweighs, and by how much the best score must lead, is not fitted: it is chosen by what each choice, fitted on the
other folds, makes of the texts of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from aimux.intent.evidence import NOWHERE, Evidence, Floats, Places

LEADS: Final = (0.01, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15)
"""The values of ambiguity_threshold that are tried. None is 0: then nothing would be ambiguous, whatever it says."""

POOLED: Final = 30.0
"""As how many texts of a route those of all routes count. Published data hardly tell 10 from 100; without an end, which
is one min_score for all, fewer texts are decided right."""

PRICES: Final = (0.0, *(2.0 ** (half / 2) for half in range(-4, 25)))
"""How many texts decided right a false forward outweighs."""

STEPS: Final = 100
"""How many steps of min_score there are from 0 to 1."""

Which = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The min_score of each route that has intents, in their order, and the ambiguity_threshold."""

    least: tuple[float, ...]
    lead: float


def not_below(lead: float) -> tuple[float, ...]:
    """The values of ambiguity_threshold to try where it may not become less than this."""
    higher = tuple(each for each in LEADS if each > lead)
    return (lead, *higher) if lead > 0 else higher


def fit(
    evidence: Evidence,
    folds: Places,
    now: Thresholds,
    wanted: float,
    tuned: Which,
    *,
    leads: Sequence[float] = LEADS,
) -> Thresholds | None:
    """The thresholds for a wanted rate of false forwards, 0-1, with one of these leads; None where nothing keeps to it.

    It is kept to on these texts, and also on those that the same choice, fitted on the other folds, had not seen.
    `folds` has the fold of each text, of two or more; `tuned` says which routes may get another min_score than now.
    """
    allowed = allowed_of(evidence.rows, wanted)
    parted = [(evidence.some(folds != fold), evidence.some(folds == fold)) for fold in np.unique(folds)]
    best: tuple[tuple[int, int, float, float], Thresholds] | None = None
    for lead in leads:
        weighed = Worth(evidence, now, lead, tuned)
        unseen = [(Worth(others, now, lead, tuned), held) for others, held in parted]
        for price in PRICES:
            least = weighed.least(price)
            if outcome(evidence, least, lead)[1] > allowed:
                continue
            each = [outcome(held, others.least(price), lead) for others, held in unseen]
            right, false = sum(right for right, _ in each), sum(false for _, false in each)
            # Among equals, what forwards less.
            merit = (right, -false, lead, price)
            if false <= allowed and (best is None or merit > best[0]):
                best = merit, Thresholds(tuple(least.tolist()), lead)
    return None if best is None else best[1]


def allowed_of(rows: int, wanted: float) -> int:
    """How many false forwards so many texts may have at a wanted rate."""
    return int(rows * wanted + 1e-9)


def outcome(evidence: Evidence, least: Floats, lead: float) -> tuple[int, int]:
    """How many texts are decided right, and how many go to a route that is not theirs."""
    decided = evidence.decided(least, lead)
    return int((decided == evidence.expected).sum()), int(evidence.false(decided).sum())


class Worth:
    """What each min_score of each route is worth on some texts, at a given lead.

    It looks at no other route than the nearest of a text: a guide to thresholds. What these come to, `outcome` tells.
    """

    def __init__(self, evidence: Evidence, now: Thresholds, lead: float, tuned: Which) -> None:
        """The thresholds that are now stay where a route is not tuned."""
        expected, best = evidence.expected, evidence.best
        step = np.floor(evidence.reach * STEPS + 1e-9).astype(np.intp)
        counted = (evidence.leads >= lead) & (step >= 0)
        self._right = _passing(evidence, step, counted & (expected == best))
        self._outside = _passing(evidence, step, counted & (expected == NOWHERE))
        self._elsewhere = _passing(evidence, step, counted & (expected != best) & (expected != NOWHERE))
        self._share_of_all = POOLED / max(evidence.rows, 1)
        self._tuned = tuned
        self._now = np.array(now.least)

    def least(self, price: float) -> Floats:
        """The min_score of each route; among those that are worth the same, the highest."""
        # What is out of scope and goes nowhere is decided right, too.
        worth = self._right - (1 + price) * self._outside - price * self._elsewhere
        worth += self._share_of_all * worth.sum(axis=0)
        # Sums in another order differ in their last digits, which are not to decide.
        highest = STEPS - np.argmax(worth.round(6)[:, ::-1], axis=1)
        found: Floats = np.where(self._tuned, highest / STEPS, self._now)
        return found


def _passing(evidence: Evidence, step: Places, which: Which) -> Floats:
    """How many of these texts each min_score of each route lets pass."""
    counts = np.zeros((evidence.size, STEPS + 1))
    np.add.at(counts, (evidence.best[which], step[which]), 1)
    passing: Floats = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
    return passing
