"""How a measuring program runs: it measures, prints its table, fills its document, and says what must not be."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

from rich.console import Console
from rich.table import Table

from aimux.intent.model import ModelError
from bench import BenchError
from bench.processes import end_on_signals
from bench.report import put_between_markers

_WIDTH: Final = 140


class Judged(Protocol):
    """What was measured."""

    def complaints(self) -> list[str]:
        """What must never be, and was."""


R = TypeVar("R", bound=Judged)
Tell = Callable[[str], None]


def carry_out(
    name: str,
    measure: Callable[[Tell], R],
    table: Callable[[R], Table],
    markdown: Callable[[R, str], str],
    document: Path | None,
) -> int:
    """Measure, print and judge; the exit code. Where there is a document, the table goes between its markers."""
    console, errors = Console(width=None if sys.stdout.isatty() else _WIDTH), Console(stderr=True)
    end_on_signals()
    try:
        if document is not None:
            # A document that cannot take the table is better found out now than after minutes of measuring.
            put_between_markers(document.read_text(), "")
        report = measure(console.print)
        if document is not None:
            today = time.strftime("%Y-%m-%d", time.gmtime())
            document.write_text(put_between_markers(document.read_text(), markdown(report, today)))
    except (BenchError, ModelError, OSError) as error:
        errors.print(f"{name}: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    console.print(table(report))
    complaints = report.complaints()
    for complaint in complaints:
        errors.print(complaint, markup=False, highlight=False, soft_wrap=True)
    return 1 if complaints else 0
