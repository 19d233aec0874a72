"""Shows the rows of a story as they come: a table on a terminal, plain lines elsewhere, or one JSON document."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from aimux.demo.player import Row

_WIDEST = 60


class Report(Protocol):
    """Hears what happens, chapter by chapter."""

    def note(self, text: str) -> None:
        """Something to know while one waits."""

    def chapter(self, title: str, rows: Sequence[Row]) -> None:
        """A chapter has been played."""

    def summary(self, rows: Sequence[Row], seconds: float) -> None:
        """All chapters have been played."""


class Tables:
    """A table for each chapter, for terminals of at least NARROWEST columns."""

    NARROWEST: Final = 110

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, text: str) -> None:
        """One dim line."""
        self._console.print(Text(text, style="dim"))

    def chapter(self, title: str, rows: Sequence[Row]) -> None:
        """The rows, and below them what was wrong."""
        table = Table(title=Text(title, style="bold"), title_justify="left", expand=True, box=SIMPLE_HEAD)
        table.add_column("who asks", width=14)
        table.add_column("what", ratio=5, overflow="fold")
        table.add_column("expected", ratio=4, overflow="fold")
        table.add_column("came", ratio=5, overflow="fold")
        table.add_column("route", width=10)
        table.add_column("score", justify="right", width=5)
        table.add_column("ms", justify="right", width=6)
        for row in rows:
            table.add_row(*(Text(cell) for cell in _cells(row)), style="green" if row.passed else "bold red")
        self._console.print(table)
        for row in rows:
            for difference in row.differences:
                self._console.print(Text(f"{row.who}, {row.what}: {printable(difference)}", style="red"))

    def summary(self, rows: Sequence[Row], seconds: float) -> None:
        """One line."""
        self._console.print(Text(_summary(rows, seconds), style="bold green" if _all_passed(rows) else "bold red"))


class Lines:
    """A line for each row, for logs and pipes."""

    def note(self, text: str) -> None:
        """One line."""
        print(text, flush=True)

    def chapter(self, title: str, rows: Sequence[Row]) -> None:
        """The rows, each with what was wrong with it."""
        print(f"\n{title}", flush=True)
        for row in rows:
            who, what, expected, came, route, score, milliseconds = _cells(row)
            mark = "ok  " if row.passed else "FAIL"
            print(f"{mark} {who}: {what} | expected {expected} | came {came} | {route} {score} | {milliseconds} ms")
            for difference in row.differences:
                print(f"     {printable(difference)}")
        sys.stdout.flush()

    def summary(self, rows: Sequence[Row], seconds: float) -> None:
        """One line."""
        print(f"\n{_summary(rows, seconds)}", flush=True)


class Machine:
    """One JSON document at the end."""

    def __init__(self) -> None:
        self._chapters: list[dict[str, object]] = []

    def note(self, text: str) -> None:
        """Nothing: a machine does not wait impatiently."""

    def chapter(self, title: str, rows: Sequence[Row]) -> None:
        """Keep it for the end."""
        steps = [asdict(row) | {"passed": row.passed} for row in rows]
        self._chapters.append({"title": title, "steps": steps})

    def summary(self, rows: Sequence[Row], seconds: float) -> None:
        """The document."""
        passed = sum(row.passed for row in rows)
        counts = {"passed": passed, "failed": len(rows) - passed, "seconds": round(seconds, 3)}
        print(json.dumps(counts | {"chapters": self._chapters}, indent=2), flush=True)


def printable(text: str) -> str:
    """Text from elsewhere on one line, without characters that could steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _cells(row: Row) -> tuple[str, ...]:
    came = printable(row.came)
    return (
        row.who,
        row.what,
        row.expected,
        came if len(came) <= _WIDEST else f"{came[: _WIDEST - 1]}…",
        printable(row.route or "-"),
        "-" if row.score is None else f"{row.score:.2f}",
        f"{row.milliseconds:.1f}",
    )


def _all_passed(rows: Sequence[Row]) -> bool:
    return all(row.passed for row in rows)


def _summary(rows: Sequence[Row], seconds: float) -> str:
    failed = sum(not row.passed for row in rows)
    if failed:
        return f"{failed} of {len(rows)} steps came out otherwise than expected ({seconds:.1f} s)."
    return f"All {len(rows)} steps came out as expected ({seconds:.1f} s)."
