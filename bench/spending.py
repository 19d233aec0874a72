"""What costly requests came to, and the number that tells a costly request from a denial-of-service bug."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from bench import ROOT
from bench.machine import Machine

DOCUMENT: Final = ROOT / "docs" / "costs.md"
MOST_CPU: Final = 0.75
"""Seconds of the processor for one request."""
FREE_CPU: Final = 0.05
"""Of these, what a request may cost however short it is."""
CPU_A_BYTE: Final = 1e-6
"""Beyond them, for each byte that is read: of a body under a content coding, each byte that it decodes to."""
CPU_A_SEGMENT: Final = 30e-6
"""And, on top of all, for each piece that is sent alone: a system call, a turn of the loop, a look at what has come."""
MOST_STALL: Final = 0.1
"""Seconds for which the event loop may serve nobody else."""
FREE_MEMORY: Final = 32 * 2**20
"""What a request may take at its peak however short it is."""
MEMORY_A_BYTE: Final = 10.0
"""Beyond it, for each byte that is read."""
SLACK: Final = 2.0
"""A busy machine measures more time than there is: only what is over a bound by this factor counts."""
_COLUMNS: Final = ("Request", "Bytes", "CPU", "CPU a byte", "Peak memory", "Memory a byte", "/healthz, longest", "")


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of request: bytes on the wire, what they decode to, and in how many pieces they are sent; processor
    seconds and bytes of memory for one; and the longest call of /healthz meanwhile, which shows the loop's stalls.

    `models`: the model reads a text of it, and its processor time has a bound of its own.
    """

    title: str
    size: int
    decoded: int
    segments: int
    cpu: float
    memory: int
    stall: float
    models: bool = False

    @property
    def read(self) -> int:
        """The bytes that the gateway reads, decoded where they are coded."""
        return max(self.size, self.decoded)

    @property
    def allowed_cpu(self) -> float:
        """Seconds of the processor."""
        return min(FREE_CPU + CPU_A_BYTE * self.read, MOST_CPU) + CPU_A_SEGMENT * max(self.segments - 1, 0)

    @property
    def allowed_memory(self) -> float:
        """Bytes."""
        return FREE_MEMORY + MEMORY_A_BYTE * self.read

    def complaints(self) -> Iterator[str]:
        """Which bounds it is beyond."""
        if not self.models and self.cpu > SLACK * self.allowed_cpu:
            allowed = self.allowed_cpu * 1e3
            yield f"{self.cpu * 1e3:.0f} ms of CPU for {self.read:,} bytes, and {allowed:.0f} are allowed"
        if self.stall > SLACK * MOST_STALL:
            yield f"the loop was held up for {self.stall * 1e3:.0f} ms, and {MOST_STALL * 1e3:.0f} are allowed"
        if self.memory > self.allowed_memory:
            room = self.allowed_memory / 2**20
            yield f"{self.memory / 2**20:.0f} MiB for {self.read:,} bytes, and {room:.0f} are allowed"


@dataclass(frozen=True, slots=True)
class Report:
    """All kinds."""

    machine: Machine
    costs: Sequence[Cost]

    def complaints(self) -> list[str]:
        """What must never be."""
        return [f"{cost.title}: {complaint}" for cost in self.costs for complaint in cost.complaints()]


def table(report: Report) -> Table:
    """The table for a terminal."""
    made = Table(caption=_caption(report), caption_justify="left")
    for number, column in enumerate(_COLUMNS):
        made.add_column(column, justify="right" if number else "left")
    for cost in report.costs:
        made.add_row(*_cells(cost))
    return made


def markdown(report: Report, day: str) -> str:
    """The table for the documentation."""
    rule = "|---|" + "---:|" * (len(_COLUMNS) - 2) + "---|"
    lines = [f"Measured {day} on {_caption(report)}", "", "| " + " | ".join(_COLUMNS) + " |", rule]
    return "\n".join([*lines, *("| " + " | ".join(_cells(cost)) + " |" for cost in report.costs)])


def _caption(report: Report) -> str:
    machine = report.machine
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python}, "
        f"load before the start {machine.load_before}. Bytes → what they decode to. OVER: beyond a bound, in time by a "
        f"factor of {SLACK:g}. model: it reads a text, and its cost counts apart."
    )


def _cells(cost: Cost) -> tuple[str, ...]:
    return (
        cost.title,
        f"{cost.size:,}" if cost.read == cost.size else f"{cost.size:,} → {cost.read:,}",
        f"{cost.cpu * 1e3:,.2f} ms",
        f"{cost.cpu / max(cost.size, 1) * 1e6:,.3f} µs",
        f"{cost.memory / 2**20:,.1f} MiB",
        f"{cost.memory / max(cost.size, 1):,.1f}",
        f"{cost.stall * 1e3:,.1f} ms",
        "OVER" if [*cost.complaints()] else "model" if cost.models else "",
    )
