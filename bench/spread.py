"""Statistics over interleaved rounds: medians with their spread, and ratios that are taken within a round."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several rounds, and the lowest and highest of them."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """The spread of one or more values."""
        found = sorted(values)
        return cls(statistics.median(found), found[0], found[-1])


def ratio(values: Sequence[float], references: Sequence[float]) -> Spread | None:
    """The spread of each round's value over the same round's reference.

    Rounds whose reference is not above zero are left out: a latency so small that it drowned in noise is nothing to
    compare with. None where no round is left.
    """
    ratios = [value / reference for value, reference in zip(values, references, strict=True) if reference > 0]
    return Spread.of(ratios) if ratios else None


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that at least this share (0-1) of all values do not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]
