"""What was measured of routing, for people and for machines: figures over draws, JSON, and the document's tables."""

import json
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rich.table import Table

from aimux.intent.quality import Estimate, Quality
from bench.routing_rows import AttackRow, CostRow, FollowUpRow, GuardRow, Interval, Row, TuningRow, shown

OURS: Final = "AIMux"
PEER: Final = "semantic-router"
# Student's t at 97.5 %, by degrees of freedom; behind them the normal distribution's is near enough.
_T: Final = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
_NORMAL: Final = 1.96


@dataclass(frozen=True, slots=True)
class Figure:
    """A column: its key in the results, its title, whether it is a share, and where a draw's quality has it."""

    key: str
    title: str
    is_share: bool
    of: Callable[[Quality], Estimate]


FIGURES: Final = (
    Figure("accuracy", "Accuracy", True, lambda found: found.in_scope.accuracy),
    Figure("auroc_near", "AUROC near", False, lambda found: found.near.auroc),
    Figure("auroc_far", "AUROC far", False, lambda found: found.far.auroc),
    Figure("false_near", "False forwards near", True, lambda found: found.near.false_forwards),
    Figure("false_far", "False forwards far", True, lambda found: found.far.false_forwards),
    Figure("ambiguous", "409", True, lambda found: found.ambiguous),
    Figure("right", "Right", True, lambda found: found.in_scope.right),
    Figure("wrong", "Wrong", True, lambda found: found.in_scope.wrong),
    Figure("forwarded_near", "Near forwarded", True, lambda found: found.near.forwarded),
    Figure("forwarded_far", "Far forwarded", True, lambda found: found.far.forwarded),
)
_COMPARED: Final = FIGURES[:5]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a case by a score, with each figure's value in each draw, None where there is none."""

    case: str
    score: str
    values: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    measured: str
    version: str
    model: str
    draws: int
    rows: Mapping[str, int]
    thresholds: Mapping[str, float]
    lines: Sequence[Line]
    attacks: Sequence[AttackRow] = ()
    follow_ups: Sequence[FollowUpRow] = ()
    costs: Sequence[CostRow] = ()
    guards: Sequence[GuardRow] = ()
    tunings: Sequence[TuningRow] = ()
    skipped: Sequence[str] = field(default_factory=tuple)


def line_of(case: str, score: str, qualities: Iterable[Quality]) -> Line:
    """The line of a case's draws by one score."""
    found = list(qualities)
    return Line(case, score, {figure.key: [figure.of(each).value for each in found] for figure in FIGURES})


def mean(values: Sequence[float | None]) -> Interval | None:
    """The mean over the draws with its 95 % confidence interval; None where a draw has no value.

    A single draw has no spread, so that its interval is everything.
    """
    found = _interval(values)
    return None if found is None else (found[0], max(found[1], 0.0), min(found[2], 1.0))


def differences(report: Report, score: str, other: str) -> Iterator[tuple[str, dict[str, Interval | None]]]:
    """By how much a score is above another, case by case, for the figures that no threshold decides.

    The differences are taken within each draw: most of what the draws differ by is common to both.
    """
    lines = {(line.case, line.score): line.values for line in report.lines}
    for case in dict.fromkeys(line.case for line in report.lines):
        ours, theirs = lines.get((case, score)), lines.get((case, other))
        if ours is not None and theirs is not None:
            yield case, {figure.key: _interval(_less(ours[figure.key], theirs[figure.key])) for figure in _COMPARED}


def _less(ours: Sequence[float | None], theirs: Sequence[float | None]) -> list[float | None]:
    pairs = zip(ours, theirs, strict=True)
    return [None if one is None or another is None else one - another for one, another in pairs]


def _interval(values: Sequence[float | None]) -> Interval | None:
    found = [value for value in values if value is not None]
    if not found or len(found) < len(values):
        return None
    middle = statistics.fmean(found)
    if len(found) == 1:
        return middle, -math.inf, math.inf
    times = _T[len(found) - 2] if len(found) - 2 < len(_T) else _NORMAL
    half = times * statistics.stdev(found) / math.sqrt(len(found))
    return middle, middle - half, middle + half


def as_json(report: Report) -> str:
    """All that is known, every draw's value included."""
    return json.dumps(asdict(report), indent=2) + "\n"


def from_json(text: str) -> Report:
    """A report as it was kept. Raises ValueError, KeyError or TypeError for anything else."""
    kept: dict[str, Any] = json.loads(text)
    lines = [Line(**each) for each in kept.pop("lines")]
    attacks = [AttackRow(**each) for each in kept.pop("attacks")]
    follow_ups = [FollowUpRow(**each) for each in kept.pop("follow_ups")]
    costs = [CostRow(**each) for each in kept.pop("costs")]
    guards = [GuardRow(**each) for each in kept.pop("guards")]
    tunings = [TuningRow(**each) for each in kept.pop("tunings")]
    return Report(
        **kept,
        lines=lines,
        attacks=attacks,
        follow_ups=follow_ups,
        costs=costs,
        guards=guards,
        tunings=tunings,
    )


def markdown(report: Report) -> str:
    """The tables for the documentation."""
    heads = ("Configuration", "Score", *(figure.title for figure in FIGURES))
    lines = [caption(report), "", _cells(heads), "|---|---|" + "---:|" * len(FIGURES)]
    lines += [_cells((line.case, line.score, *_figures(line))) for line in report.lines]
    if compared := list(differences(report, OURS, PEER)):
        lines += ["", f"By how much {OURS} is above {PEER}, draw by draw; shares in percentage points.", ""]
        lines += [
            _cells(("Configuration", *(figure.title for figure in _COMPARED))),
            "|---|" + "---:|" * len(_COMPARED),
        ]
        lines += [_cells((case, *_above(found))) for case, found in compared]
    for rows in sides(report):
        heads = rows[0].HEADS
        lines += ["", _cells(heads), "|---" * len(heads) + "|"]
        lines += [_cells(row.cells()) for row in rows]
    lines += ["", *(f"Left out: {skipped}." for skipped in report.skipped)]
    return "\n".join(lines).strip()


def table(report: Report) -> Table:
    """The same for a terminal: means alone, since the intervals do not fit there."""
    made = Table(title=f"AIMux {report.version}", caption=caption(report), caption_justify="left")
    for number, column in enumerate(("Configuration", "Score", *(figure.title for figure in FIGURES))):
        made.add_column(column, justify="left" if number < 2 else "right")
    previous = None
    for line in report.lines:
        if previous not in {None, line.case}:
            made.add_section()
        made.add_row("" if line.case == previous else line.case, line.score, *(_figures(line, brief=True)))
        previous = line.case
    return made


def sides(report: Report) -> list[Sequence[Row]]:
    """The tables beside the first one that have lines."""
    return [rows for rows in (report.attacks, report.follow_ups, report.guards, report.tunings, report.costs) if rows]


def side_table(rows: Sequence[Row]) -> Table:
    """One of these for a terminal."""
    made = Table(title=rows[0].TITLE)
    for number, column in enumerate(rows[0].HEADS):
        made.add_column(column, justify="right" if number else "left")
    for row in rows:
        made.add_row(*row.cells())
    return made


def caption(report: Report) -> str:
    """When and on how much this was measured."""
    most = ", ".join(f"{count} {name}" for name, count in report.rows.items())
    least, lead = report.thresholds["min_score"], report.thresholds["ambiguity_threshold"]
    return (
        f"Measured {report.measured[:10]} with AIMux {report.version} and the model {report.model}: "
        f"{report.draws} draws of each configuration, each on at most {most} rows; "
        f"min_score {least:g}, ambiguity_threshold {lead:g}. "
        "Means over the draws, with the 95 % confidence interval of the mean; shares in %."
    )


def _figures(line: Line, *, brief: bool = False) -> list[str]:
    return [shown(mean(line.values[figure.key]), is_share=figure.is_share, brief=brief) for figure in FIGURES]


def _above(found: Mapping[str, Interval | None]) -> list[str]:
    return [shown(found[figure.key], is_share=figure.is_share, brief=False, sign="+") for figure in _COMPARED]


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
