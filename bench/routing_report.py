"""What was measured of routing, for people and for machines: figures over draws, JSON, and the document's tables."""

import json
import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rich.table import Table

from aimux.intent.quality import Estimate, Quality

OURS: Final = "AIMux"
PEER: Final = "semantic-router"
_NOTHING: Final = "-"
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
_COSTS: Final = (
    *("A new text of 8-12 tokens", "Plain maximum, ms", "AIMux, ms"),
    *("Times as much: median (quartiles)", "Sum of all", "Texts"),
)
Interval = tuple[float, float, float]
"""A value, and the ends of its interval."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a case by a score, with each figure's value in each draw, None where there is none."""

    case: str
    score: str
    values: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class AttackRow:
    """One line of the second table: a suite of hostile texts, what is wanted of it, and the share that came so."""

    name: str
    wanted: str
    share: float
    rows: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CostRow:
    """One line of the third table: what reading a new text costs in a configuration, in milliseconds by the median.

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
    costs: Sequence[CostRow] = ()
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
    costs = [CostRow(**each) for each in kept.pop("costs")]
    return Report(**kept, lines=lines, attacks=attacks, costs=costs)


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
    if report.attacks:
        lines += ["", _cells(("Hostile texts", "Wanted", "Came so", "Texts")), "|---|---|---:|---:|"]
        lines += [_cells(_attack(row)) for row in report.attacks]
    if report.costs:
        lines += ["", _cells(_COSTS), "|---|" + "---:|" * (len(_COSTS) - 1)]
        lines += [_cells(_cost(row)) for row in report.costs]
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


def attack_table(report: Report) -> Table:
    """The second table for a terminal."""
    made = Table(title="Hostile texts")
    for column in ("Hostile texts", "Wanted", "Came so", "Texts"):
        made.add_column(column)
    for row in report.attacks:
        made.add_row(*_attack(row))
    return made


def cost_table(report: Report) -> Table:
    """The third table for a terminal."""
    made = Table(title="What a new text costs")
    for number, column in enumerate(_COSTS):
        made.add_column(column, justify="right" if number else "left")
    for row in report.costs:
        made.add_row(*_cost(row))
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
    return [_shown(mean(line.values[figure.key]), is_share=figure.is_share, brief=brief) for figure in FIGURES]


def _shown(found: Interval | None, *, is_share: bool, brief: bool, sign: str = "") -> str:
    if found is None:
        return _NOTHING
    value, low, high = (f"{each * 100:{sign}.1f}" if is_share else f"{each:{sign}.3f}" for each in found)
    return value if brief else f"{value} ({low} {'to' if sign else '-'} {high})"


def _above(found: Mapping[str, Interval | None]) -> list[str]:
    return [_shown(found[figure.key], is_share=figure.is_share, brief=False, sign="+") for figure in _COMPARED]


def _attack(row: AttackRow) -> tuple[str, str, str, str]:
    share = _shown((row.share, row.low, row.high), is_share=True, brief=False)
    return row.name, row.wanted, share, f"{row.rows:,}"


def _cost(row: CostRow) -> tuple[str, ...]:
    ratio = f"{row.ratio:.2f} ({row.low:.2f} - {row.high:.2f})"
    return row.case, f"{row.plain_ms:.2f}", f"{row.own_ms:.2f}", ratio, f"{row.mean:.2f}", f"{row.texts:,}"


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
