"""The lines of the tables beside the first one, each of which says how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

Interval = tuple[float, float, float]
"""A value, and the ends of its interval."""
NOTHING: Final = "-"


class Row(Protocol):
    """A line of a table: the table's title and heads, and the line's cells. The first column is one of words."""

    TITLE: ClassVar[str]
    HEADS: ClassVar[tuple[str, ...]]

    def cells(self) -> tuple[str, ...]:
        """What is shown, a string a head."""


@dataclass(frozen=True, slots=True)
class AttackRow:
    """A suite of hostile texts, what is wanted of it, and the share that came so."""

    name: str
    wanted: str
    share: float
    rows: int
    low: float
    high: float

    TITLE: ClassVar[str] = "Hostile texts"
    HEADS: ClassVar[tuple[str, ...]] = ("Hostile texts", "Wanted", "Came so", "Texts")

    def cells(self) -> tuple[str, ...]:
        """What is shown."""
        return self.name, self.wanted, shown((self.share, self.low, self.high), is_share=True), f"{self.rows:,}"


@dataclass(frozen=True, slots=True)
class FollowUpRow:
    """A kind of conversation, what is wanted of it, and the shares that came so by either value of `follow_ups`."""

    name: str
    wanted: str
    keep: Sequence[float]
    fallback: Sequence[float]
    rows: int

    TITLE: ClassVar[str] = "Conversations"
    HEADS: ClassVar[tuple[str, ...]] = ("Conversations", "Wanted", "follow_ups: keep", "follow_ups: fallback", "Texts")

    def cells(self) -> tuple[str, ...]:
        """What is shown."""
        shares = (shown(each, is_share=True) for each in (self.keep, self.fallback))
        return self.name, self.wanted, *shares, f"{self.rows:,}"


@dataclass(frozen=True, slots=True)
class GuardRow:
    """The shares that a guard refuses, each with its interval.

    Of what it forbids, of what is near (other classes of the same domain), and of everything else.
    """

    intents: int
    min_score: float
    forbidden: Sequence[float]
    near: Sequence[float]
    elsewhere: Sequence[float]

    TITLE: ClassVar[str] = "Guards: what is refused, %"
    HEADS: ClassVar[tuple[str, ...]] = ("A guard", "What it forbids", "What is near", "Anything else")

    def cells(self) -> tuple[str, ...]:
        """What is shown."""
        shares = (shown(each, is_share=True) for each in (self.forbidden, self.near, self.elsewhere))
        return f"{self.intents} intents, min_score {self.min_score:g}", *shares


@dataclass(frozen=True, slots=True)
class TuningRow:
    """What thresholds tuned for a wanted rate of false forwards come to on texts that had no part in it.

    `said` is the rate that was held out, `alike` in how many draws it and the rate on the other texts differ by no more
    than chance. Shares of all texts, each with its interval, under the thresholds of now and then under the tuned ones.
    """

    wanted: float
    draws: int
    proposed: int
    alike: int
    said: Sequence[float]
    false_now: Sequence[float]
    false_then: Sequence[float]
    right_now: Sequence[float]
    right_then: Sequence[float]
    texts: int

    TITLE: ClassVar[str] = "Tuned thresholds, on texts that had no part in it"
    HEADS: ClassVar[tuple[str, ...]] = (
        *("Wanted false forwards", "Proposals", "Held out", "Then", "Untuned", "Right then", "Right untuned"),
        *("As held out, but for chance", "Texts"),
    )

    def cells(self) -> tuple[str, ...]:
        """What is shown."""
        each = (self.said, self.false_then, self.false_now, self.right_then, self.right_now)
        shares = (shown(found, is_share=True) for found in each)
        alike = f"{self.alike} of {self.proposed}"
        return f"{self.wanted * 100:g} %", f"{self.proposed} of {self.draws}", *shares, alike, f"{self.texts:,}"


@dataclass(frozen=True, slots=True)
class CostRow:
    """What reading a new text costs in a configuration, in milliseconds by the median.

    `ratio` is the median over the texts of what each costs more than plainly, `low` and `high` are the quartiles.
    """

    case: str
    plain_ms: float
    own_ms: float
    ratio: float
    low: float
    high: float
    mean: float
    texts: int

    TITLE: ClassVar[str] = "What a new text costs"
    HEADS: ClassVar[tuple[str, ...]] = (
        *("A new text of 8-12 tokens", "Plain maximum, ms", "AIMux, ms"),
        *("Times as much: median (quartiles)", "Sum of all", "Texts"),
    )

    def cells(self) -> tuple[str, ...]:
        """What is shown."""
        ratio = f"{self.ratio:.2f} ({self.low:.2f} - {self.high:.2f})"
        return self.case, f"{self.plain_ms:.2f}", f"{self.own_ms:.2f}", ratio, f"{self.mean:.2f}", f"{self.texts:,}"


def shown(found: Sequence[float] | None, *, is_share: bool, brief: bool = False, sign: str = "") -> str:
    """An interval in words: shares in percent."""
    if found is None:
        return NOTHING
    value, low, high = (f"{each * 100:{sign}.1f}" if is_share else f"{each:{sign}.3f}" for each in found)
    return value if brief else f"{value} ({low} {'to' if sign else '-'} {high})"
