"""What was measured, for people and for machines: a table, JSON, and the table in the documentation."""

import json
from dataclasses import asdict
from typing import Final

from rich.table import Table

from bench import BenchError
from bench.figures import Figure, Row
from bench.session import Report
from bench.spread import Spread

BEGIN: Final = "<!-- measured: begin -->"
END: Final = "<!-- measured: end -->"
_COLUMNS: Final = (
    "Figure",
    "What",
    "Median (lowest - highest)",
    "To nginx",
    "To Envoy",
    "To the bare loop",
    "Core",
    "Others",
)
_NOTHING: Final = ""
_CALM: Final = 0.1


def table(report: Report) -> Table:
    """The table for a terminal."""
    made = Table(title=f"AIMux {report.version}", caption=caption(report), caption_justify="left")
    for number, column in enumerate(_COLUMNS):
        made.add_column(column, justify="left" if number < 2 else "right", no_wrap=0 < number < 5)
    previous: Figure | None = None
    for row in report.rows:
        if previous not in {None, row.figure}:
            made.add_section()
        title, *cells = _cells(row)
        made.add_row(_NOTHING if row.figure == previous else title, *cells)
        previous = row.figure
    return made


def markdown(report: Report) -> str:
    """The table for the documentation."""
    lines = [caption(report), "", "| " + " | ".join(_COLUMNS) + " |", "|---|---|" + "---:|" * (len(_COLUMNS) - 2)]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in report.rows]
    lines += ["", *(f"Left out: {skipped}." for skipped in report.skipped)]
    return "\n".join(lines).strip()


def caption(report: Report) -> str:
    """When, on what and how often this was measured."""
    machine, settings = report.machine, report.settings
    siblings = ", both threads of one physical core" if machine.siblings else ""
    return (
        f"Measured {report.measured[:10]} on {machine.processor}, {machine.cores} cores{siblings}, {machine.system}, "
        f"Python {machine.python}, load before the start {machine.load_before}; {settings.rounds} rounds, "
        f"{settings.seconds} s of load and {settings.calls} calls each.{_warning(report)}"
    )


def _warning(report: Report) -> str:
    """What a reader must not overlook: whether others worked on the core under test, and while what was measured."""
    busy = {
        row.subject: row.core_others.median
        for row in report.rows
        if row.core_others is not None and row.core_others.median > _CALM
    }
    if not busy:
        return ""
    return (
        f" THE MACHINE WAS BUSY: others took up to {max(busy.values()):.0%} of the tested core while "
        f"{' and '.join(busy)} was measured: that is no measure."
    )


def as_json(report: Report) -> str:
    """All that is known, every round's value included. Seconds, bytes and 1/s."""
    return json.dumps(asdict(report), indent=2) + "\n"


def put_between_markers(document: str, content: str) -> str:
    """The document with this content between its markers. Raises BenchError where they are not there once, in order."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in before + after:
        raise BenchError(f"the document needs the lines {BEGIN} and {END} once each, in this order")
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{after}"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.figure.title,
        row.subject,
        _quantity(row.spread, row.figure.unit),
        _ratio(row.to_nginx),
        _ratio(row.to_envoy),
        _ratio(row.to_loop),
        _share(row.core_own),
        _share(row.core_others),
    )


def _share(spread: Spread | None) -> str:
    return _NOTHING if spread is None else f"{spread.median:.0%}"


def _quantity(spread: Spread, unit: str) -> str:
    if unit == "bytes":
        small = abs(spread.median) < 2**20
        return shown(spread, 2**-10, 1, " KiB") if small else shown(spread, 2**-20, 1, " MiB")
    if unit == "1/s":
        return shown(spread, 1, 0, "")
    if unit == "x":
        return shown(spread, 1, 2, " x")
    if abs(spread.median) >= 0.1:
        return shown(spread, 1, 2, " s")
    return shown(spread, 1e3, 1, " ms") if abs(spread.median) >= 1e-3 else shown(spread, 1e6, 0, " µs")


def _ratio(spread: Spread | None) -> str:
    if spread is None:
        return _NOTHING
    return shown(spread, 1, 3 if spread.median < 0.1 else 2 if spread.median < 10 else 0, "")


def shown(spread: Spread, factor: float, digits: int, unit: str) -> str:
    """A spread in a unit that is `factor` times finer."""
    median, lowest, highest = (
        f"{value * factor:,.{digits}f}" for value in (spread.median, spread.lowest, spread.highest)
    )
    return f"{median}{unit} ({lowest} - {highest})"
