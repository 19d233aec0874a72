"""What the slow attacks came to: for each, what the good client noticed and how long connections were held."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from bench import ROOT
from bench.machine import Machine
from bench.report import shown
from bench.spread import Spread, ratio
from bench.steady import Window

DOCUMENT: Final = ROOT / "docs" / "hardening.md"
BOUND: Final = 2.0
"""By how much an attack of 1,000 connections may lengthen a good client's p99."""
_COLUMNS: Final = (
    "Attack",
    "Available",
    "Good calls",
    "Held at most",
    "p50, calm",
    "p50, times calm",
    "p99, calm",
    "p99, times calm",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One round: the good client's calls before the attack and during it, and what the attacker found."""

    calm: Window
    attacked: Window
    longest: float
    available: bool

    @property
    def failures(self) -> tuple[str, ...]:
        """Of good calls."""
        return (*self.calm.failures, *self.attacked.failures)


@dataclass(frozen=True, slots=True)
class Report:
    """All rounds of all attacks; the deadlines hold for a connection, within the slack."""

    machine: Machine
    rounds: int
    size: int
    outcomes: Mapping[str, Sequence[Outcome]]
    deadlines: Mapping[str, float | None]
    slack: float

    def complaints(self) -> list[str]:
        """What must never be: a good call that failed, a service that was away, a connection that outlived its end."""
        return [complaint for title in self.outcomes for complaint in self._complaints(title)]

    def _complaints(self, title: str) -> Iterator[str]:
        outcomes, deadline = self.outcomes[title], self.deadlines[title]
        failures = [failure for outcome in outcomes for failure in outcome.failures]
        if failures:
            yield f"{title}: {len(failures)} good calls failed, the first one with: {failures[0]}"
        if not all(outcome.available for outcome in outcomes):
            yield f"{title}: the attacker saw the service become unavailable"
        longest = max(outcome.longest for outcome in outcomes)
        if deadline is not None and longest > deadline + self.slack:
            yield f"{title}: a connection was held for {longest:.0f} s, and {deadline:g} s are allowed"


def table(report: Report) -> Table:
    """The table for a terminal."""
    made = Table(caption=_caption(report), caption_justify="left")
    for number, column in enumerate(_COLUMNS):
        made.add_column(column, justify="right" if number else "left", no_wrap=number == 0)
    for title in report.outcomes:
        made.add_row(*_cells(report, title))
    return made


def markdown(report: Report, day: str) -> str:
    """The table for the documentation."""
    rule = "|---|" + "---:|" * (len(_COLUMNS) - 1)
    lines = [f"Measured {day} on {_caption(report)}", "", "| " + " | ".join(_COLUMNS) + " |", rule]
    return "\n".join([*lines, *("| " + " | ".join(_cells(report, title)) + " |" for title in report.outcomes)])


def _caption(report: Report) -> str:
    machine = report.machine
    siblings = ", both threads of one physical core" if machine.siblings else ""
    return (
        f"{machine.processor}, {machine.cores} cores{siblings}, {machine.system}, Python {machine.python}, load before "
        f"the start {machine.load_before}; {report.size:,} connections, {report.rounds} rounds. "
        "Times calm: the round's figure under attack over the same round's without, median (lowest - highest). "
        f"p99 at most {BOUND:g} times calm: {_bounded(report)}."
    )


def _bounded(report: Report) -> str:
    """Whether the median of every attack's rounds is within the bound, or for which attacks it is not."""
    ratios = {title: _ratio(outcomes, 0.99) for title, outcomes in report.outcomes.items()}
    over = [title for title, found in ratios.items() if found is not None and found.median > BOUND]
    return f"not for {'; '.join(over)}" if over else "for all attacks"


def _cells(report: Report, title: str) -> tuple[str, ...]:
    outcomes, deadline = report.outcomes[title], report.deadlines[title]
    calls = sum(len(outcome.attacked.times) for outcome in outcomes)
    failed = sum(len(outcome.failures) for outcome in outcomes)
    longest = max(outcome.longest for outcome in outcomes)
    allowed = "" if deadline is None else f" of {deadline:g} + {report.slack:g}"
    return (
        title,
        "YES" if all(outcome.available for outcome in outcomes) and not failed else "NO",
        f"{calls:,}, {failed} failed",
        f"{longest:.0f}{allowed} s",
        *_figures(outcomes, 0.50),
        *_figures(outcomes, 0.99),
    )


def _figures(outcomes: Sequence[Outcome], share: float) -> tuple[str, str]:
    """A percentile without the attack, and how many times as long it is with it. Too short an attack has none."""
    calm = Spread.of(outcome.calm.at(share) for outcome in outcomes)
    found = _ratio(outcomes, share)
    return f"{calm.median * 1e3:.1f} ms", "" if found is None else shown(found, 1, 2, "")


def _ratio(outcomes: Sequence[Outcome], share: float) -> Spread | None:
    measured = [outcome for outcome in outcomes if outcome.attacked.times]
    return ratio([each.attacked.at(share) for each in measured], [each.calm.at(share) for each in measured])
