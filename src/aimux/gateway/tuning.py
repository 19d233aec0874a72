"""Tuning a configuration's thresholds on labelled texts, and judging them on texts that they were not fitted on.

Fitting is `intent/tuning.py`; every judgement here is the gateway's own decision, as it is for other trials.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aimux.core.policy import Policy
from aimux.gateway.trials import attempt, under
from aimux.intent.evidence import NOWHERE, Evidence, Places
from aimux.intent.folds import FOLDS, folds_of
from aimux.intent.quality import Kind, Outcome, Trial
from aimux.intent.reread import ReadTexts
from aimux.intent.tuning import LEADS, Thresholds, Which, fit

Row = tuple[str, str | None, Kind | None]
"""A text, the route that it should reach (None: out of scope), and how far out of scope it is."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A min_score for each route that rows are for, by name, and an ambiguity_threshold."""

    least: Mapping[str, float]
    lead: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of tuning: a trial of each row now, and one by thresholds that were fitted on the other folds' rows.

    `proposal` is fitted on all rows; it is None where nothing keeps to the wanted rate. `unfitted` counts the folds
    without which nothing did: their rows were tried as they are decided now.
    """

    now: list[Trial]
    held_out: list[Trial]
    proposal: Proposal | None
    unfitted: int


def tune(rows: Sequence[Row], policy: Policy, texts: ReadTexts, wanted: float, leads: Sequence[float] = LEADS) -> Tuned:
    """Tune the thresholds of a policy from `by_meaning_alone` for a wanted rate of false forwards, 0-1.

    `texts` are those of the rows, of which there are as many as folds or more; `leads` the values of
    ambiguity_threshold that may be proposed.
    """
    tuning = _Tuning(rows, policy, texts, wanted, leads)
    folds = np.array(folds_of([(text, expected) for text, expected, _ in rows]), np.intp)
    every = range(len(rows))
    held_out = list(tuning.now)
    unfitted = 0
    for fold in range(FOLDS):
        fitted = tuning.fitted(folds != fold, folds)
        if fitted is None:
            unfitted += 1
            continue
        unseen = [row for row in every if folds[row] == fold]
        for row, trial in zip(unseen, tuning.tried(unseen, fitted), strict=True):
            held_out[row] = trial
    return Tuned(tuning.now, held_out, tuning.fitted(np.ones(len(rows), np.bool_), folds), unfitted)


class _Tuning:
    """The rows with what they score, and what they come to under the thresholds as they are."""

    def __init__(
        self, rows: Sequence[Row], policy: Policy, texts: ReadTexts, wanted: float, leads: Sequence[float]
    ) -> None:
        self._rows, self._policy, self._texts, self._wanted, self._leads = rows, policy, texts, wanted, leads
        scored = [route for route in policy.routes if route.intents]
        self._names = [route.name for route in scored]
        self._thresholds = Thresholds(tuple(route.min_score for route in scored), policy.ambiguity_threshold)
        self.now = self._tried(range(len(rows)), policy)
        place = {name: number for number, name in enumerate(self._names)}
        cases = []
        for (text, expected, _), trial in zip(rows, self.now, strict=True):
            case = texts.case(text, NOWHERE if expected is None else place[expected])
            # Guards, for one, refuse whatever the thresholds are.
            cases.append(case.unread() if trial.outcome is Outcome.UNREAD else case)
        self._evidence = Evidence.of(cases, len(scored))
        own = {expected for _, expected, _ in rows}
        self._tuned: Which = np.array([name in own for name in self._names])

    def fitted(self, which: Which, folds: Places) -> Proposal | None:
        """What these rows propose."""
        some = self._evidence.some(which)
        found = fit(some, folds[which], self._thresholds, self._wanted, self._tuned, leads=self._leads)
        if found is None:
            return None
        each = zip(self._names, found.least, self._tuned.tolist(), strict=True)
        return Proposal({name: least for name, least, tuned in each if tuned}, found.lead)

    def tried(self, which: Sequence[int], proposal: Proposal) -> list[Trial]:
        """What these rows come to by a proposal."""
        return self._tried(which, under(self._policy, proposal.least, proposal.lead))

    def _tried(self, which: Sequence[int], policy: Policy) -> list[Trial]:
        score = self._texts.under(policy)
        return [attempt(*self._rows[row], policy, score) for row in which]
