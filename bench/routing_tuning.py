"""What tuned thresholds come to on texts that had no part in it: each draw's rows in halves, one of them to tune on."""

import math
import random
from collections.abc import Iterator, Sequence
from typing import Final

from aimux.gateway.trials import attempt, under
from aimux.gateway.tuning import Proposal, tune
from aimux.intent.encoder import Encoder
from aimux.intent.quality import Outcome, Trial, share
from aimux.intent.reader import TextReader
from aimux.intent.reread import ReadTexts
from bench.routing_draws import Draw
from bench.routing_rows import TuningRow
from bench.routing_scores import Bed

WANTED: Final = (0.01, 0.03, 0.05)


def tunings(encoder: Encoder, drawn: Sequence[Draw]) -> list[TuningRow]:
    """A row for each wanted rate, over the first draw of each configuration."""
    firsts = {draw.case: draw for draw in reversed(drawn)}
    halves = [_Halves(draw, encoder) for draw in reversed(firsts.values())]
    return [_row(wanted, halves) for wanted in WANTED]


class _Halves:
    """The rows of a draw in halves, and what the model read of them."""

    def __init__(self, draw: Draw, encoder: Encoder) -> None:
        bed = Bed.of(draw)
        self.policy = bed.policy
        rows = list(draw.rows)
        random.Random(draw.case).shuffle(rows)  # noqa: S311  (to be had again)  # nosec B311
        self.seen, self.unseen = rows[::2], rows[1::2]
        reader = TextReader.of(bed.policy, encoder, bed.max_tokens)
        self._texts = ReadTexts(reader, (text for text, _, _ in rows))

    def tuned(self, wanted: float) -> tuple[list[Trial], Proposal | None]:
        """The held-out trials of one half, and what it proposes."""
        found = tune(self.seen, self.policy, self._texts, wanted)
        return found.held_out, found.proposal

    def tried(self, proposal: Proposal | None) -> list[Trial]:
        """The other half under a proposal, or as it is decided now."""
        policy = self.policy if proposal is None else under(self.policy, proposal.least, proposal.lead)
        score = self._texts.under(policy)
        return [attempt(*row, policy, score) for row in self.unseen]


def _row(wanted: float, halves: Sequence[_Halves]) -> TuningRow:
    said: list[Trial] = []
    now: list[Trial] = []
    then: list[Trial] = []
    proposed = alike = 0
    for half in halves:
        held_out, proposal = half.tuned(wanted)
        if proposal is None:
            continue
        proposed += 1
        tried = half.tried(proposal)
        alike += differ_by_chance(_interval(_false(held_out)), _interval(_false(tried)))
        said += held_out
        now += half.tried(None)
        then += tried
    return TuningRow(
        wanted=wanted,
        draws=len(halves),
        proposed=proposed,
        alike=alike,
        said=_interval(_false(said)),
        false_now=_interval(_false(now)),
        false_then=_interval(_false(then)),
        right_now=_interval(trial.is_right for trial in now),
        right_then=_interval(trial.is_right for trial in then),
        texts=len(then),
    )


def differ_by_chance(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether the 95 % interval of the difference of two shares holds 0, by Newcombe's hybrid of their own intervals.

    Both are of samples: the second would lie within the first one's interval in 83 of 100 cases at best.
    """
    less, more = (one, other) if one[0] <= other[0] else (other, one)
    return more[0] - less[0] <= math.hypot(less[2] - less[0], more[0] - more[1])


def _false(trials: Sequence[Trial]) -> Iterator[bool]:
    return (trial.outcome is Outcome.FORWARDED and not trial.is_right for trial in trials)


def _interval(hits: Iterator[bool]) -> tuple[float, float, float]:
    found = share(hits)
    return found.value or 0.0, found.low or 0.0, found.high or 0.0
