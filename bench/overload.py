"""`python -m bench.overload`: more new texts than the model can read, and what is served nevertheless."""

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.table import Table

from aimux.intent.limits import ScorerLimits
from aimux.intent.model import locate
from bench import ROOT, BenchError, tools
from bench.client import get
from bench.machine import Cores, Machine, describe, two_cores
from bench.processes import pinned
from bench.program import carry_out
from bench.report import shown
from bench.sample import Sample
from bench.servers import Gateway, Nginx, Server, start
from bench.spread import Spread, ratio
from bench.steady import Window, call_steadily, lasting
from bench.texts import Supply

DOCUMENT: Final = ROOT / "docs" / "overload.md"
TIMES: Final = 5
_SCRIPT: Final = Path(__file__).with_name("overload.lua")
_PEAK_CONNECTIONS: Final = 32
_PAUSE: Final = 0.5
_QUEUE: Final = ScorerLimits().max_waiting
_MOST_CONNECTIONS: Final = 8000
_PATIENCE: Final = 60.0
_MANAGEMENT: Final = ("/healthz", "/metrics")
_MANAGEMENT_RATE: Final = 10
_TEXTS_A_SECOND: Final = 5000


@dataclass(frozen=True, slots=True)
class Counted:
    """The answers of some seconds of load."""

    served: int
    refused: int
    other: int
    seconds: float

    @property
    def goodput(self) -> float:
        """Requests served a second."""
        return self.served / self.seconds

    @property
    def offered(self) -> float:
        """Requests answered a second, in whichever way."""
        return (self.served + self.refused) / self.seconds


@dataclass(frozen=True, slots=True)
class Round:
    """The peak, the overload behind it, and the calls of the management pages during the overload."""

    peak: Counted
    over: Counted
    management: tuple[Window, ...]


ONE: Final = "one core"
TWO: Final = "two cores"


@dataclass(frozen=True, slots=True)
class Report:
    """All rounds, by what the gateway has for itself: one core, or also the one that the load runs on."""

    machine: Machine
    rounds: Mapping[str, Sequence[Round]]

    def kept(self, where: str) -> Spread | None:
        """Goodput under overload over the same round's peak."""
        rounds = self.rounds[where]
        return ratio([r.over.goodput for r in rounds], [r.peak.goodput for r in rounds])

    @property
    def _all(self) -> list[Round]:
        return [each for rounds in self.rounds.values() for each in rounds]

    def complaints(self) -> list[str]:
        """Answers that were neither 200 nor 503 with Retry-After."""
        other = sum(r.over.other + r.peak.other for r in self._all)
        return [f"{other} requests were answered neither with 200 nor with 503 and Retry-After"] if other else []

    def rows(self) -> list[tuple[str, ...]]:
        """What the table shows: a title, and a cell for each placement."""
        columns = [self._column(where) for where in self.rounds]
        return [(title, *(column[title] for column in columns)) for title in columns[0]]

    def _column(self, where: str) -> dict[str, str]:
        rounds = self.rounds[where]
        offered = ratio([r.over.offered for r in rounds], [r.peak.goodput for r in rounds])
        kept = self.kept(where)
        pages = {
            f"`{path}` under overload, p50 / p99 / longest": " / ".join(
                _milliseconds([at(r.management[n]) for r in rounds]) for at in (_p50, _p99, _longest)
            )
            for n, path in enumerate(_MANAGEMENT)
        }
        return {
            "Peak: new texts served a second": shown(Spread.of([r.peak.goodput for r in rounds]), 1, 0, ""),
            "Offered, times the peak": shown(offered, 1, 2, "") if offered else "",
            "Served under overload, times the peak": shown(kept, 1, 2, "") if kept else "",
            "Refused with 503 and Retry-After": f"{sum(r.over.refused for r in rounds):,}",
            "Answered in any other way": f"{sum(r.over.other + r.peak.other for r in rounds)}",
            **pages,
        }


def _p50(window: Window) -> float:
    return window.at(0.50)


def _p99(window: Window) -> float:
    return window.at(0.99)


def _longest(window: Window) -> float:
    return max(window.times)


def _milliseconds(values: Sequence[float]) -> str:
    return f"{max(values) * 1e3:.1f} ms"


@dataclass(slots=True)
class _Bed:
    gateway: Server
    agent: str
    cores: Cores
    bodies: Path
    supply: Supply

    def round(self, seconds: int) -> Round:
        """The peak, then the overload; the pages are called during both, for they have a price too."""
        peak, _ = self._watched(_PEAK_CONNECTIONS, 0.0, seconds)
        # As many as pause at any time, and those that wait for the model: its queue is full.
        connections = min(round(TIMES * peak.goodput * _PAUSE) + _QUEUE, _MOST_CONNECTIONS)
        return Round(peak, *self._watched(connections, _PAUSE, seconds))

    def _watched(self, connections: int, pause: float, seconds: int) -> tuple[Counted, tuple[Window, ...]]:
        """Load the gateway, and call its pages meanwhile. Raises BenchError where one does not answer."""
        windows: dict[str, Window] = {}
        port = self.gateway.port

        def watch(path: str) -> None:
            windows[path] = call_steadily(port, [get(path)], _MANAGEMENT_RATE, lasting(seconds))

        watchers = [threading.Thread(target=watch, args=(path,)) for path in _MANAGEMENT]
        for watcher in watchers:
            watcher.start()
        counted = self._load(connections, pause, seconds)
        for watcher in watchers:
            watcher.join()
        for path, window in windows.items():
            if window.failures:
                raise BenchError(f"{len(window.failures)} calls of {path} failed: {window.failures[0]}")
        return counted, tuple(windows[path] for path in _MANAGEMENT)

    def _load(self, connections: int, pause: float, seconds: int) -> Counted:
        texts = self.supply.bodies(seconds * _TEXTS_A_SECOND)
        self.bodies.write_text("".join(f"{body}\n" for body in texts))
        command = [tools.path_of("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"]
        command += ["-s", str(_SCRIPT), f"http://127.0.0.1:{self.gateway.port}/"]
        command += ["--", str(self.bodies), self.agent, str(round(pause * 1000))]
        patience = seconds + _PATIENCE
        try:
            done = subprocess.run(  # noqa: S603  (wrk, with arguments of ours)
                pinned(command, self.cores.load), capture_output=True, text=True, timeout=patience, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"wrk did not come to an end in {patience:.0f} s") from error
        return parse(done.stdout + done.stderr)


def parse(output: str) -> Counted:
    """Read what the script wrote. Raises BenchError where it wrote nothing or nothing was served."""
    line = next((line for line in output.splitlines() if line.startswith("COUNTED ")), None)
    if line is None:
        raise BenchError(f"wrk counted nothing: {output.strip()[-500:] or 'it said nothing at all'}")
    counted = Counted(**json.loads(line.removeprefix("COUNTED ")))
    if not counted.served:
        raise BenchError("no request was served")
    return counted


def run(rounds: int, seconds: int, tell: Callable[[str], None]) -> Report:
    """Overload the gateway. Raises BenchError. Everything that was started has ended when this returns or raises."""
    tools.ensure()
    cores = two_cores()
    machine = describe(cores)
    sample = Sample.load(ROOT / "aimux.yaml")
    locate(sample.model)
    os.sched_setaffinity(0, {cores.load})
    with TemporaryDirectory(prefix="aimux-overload-") as name, ExitStack() as stack:
        directory = Path(name)
        upstream = stack.enter_context(start(Nginx("upstream"), cores.load, directory))
        placements = {ONE: (cores.tested,), TWO: (cores.tested, cores.load)}
        beds = {}
        for where, its_cores in placements.items():
            gateway = stack.enter_context(start(Gateway("AIMux", sample, upstream.port), its_cores, directory))
            beds[where] = _Bed(gateway, sample.agent, cores, directory / "texts.jsonl", Supply())
            beds[where].round(1)
        measured: dict[str, list[Round]] = {where: [] for where in beds}
        for number in range(rounds):
            for where, bed in beds.items():
                tell(f"round {number + 1} of {rounds}, {where}")
                measured[where].append(bed.round(seconds))
    return Report(machine, measured)


def table(report: Report) -> Table:
    """The table for a terminal."""
    made = Table("The gateway has", *report.rounds, caption=_caption(report), caption_justify="left")
    for row in report.rows():
        made.add_row(*row)
    return made


def markdown(report: Report, day: str) -> str:
    """The table for the documentation."""
    lines = [f"Measured {day} on {_caption(report)}", ""]
    lines += [f"| The gateway has | {' | '.join(report.rounds)} |", "|---|" + "---:|" * len(report.rounds)]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in report.rows())])


def _caption(report: Report) -> str:
    machine, rounds = report.machine, max(map(len, report.rounds.values()))
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python}, load before the start "
        f"{machine.load_before}; {rounds} rounds. Ratios are taken within a round: median (lowest - "
        "highest). Times of the pages are the worst of all rounds."
    )


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description="Overload: docs/overload.md")
    parser.add_argument("--rounds", type=int, default=5, help="peak and overload each (5)")
    parser.add_argument("--seconds", type=int, default=8, help="of each load (8)")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/overload.md")
    options = parser.parse_args(arguments)
    document = DOCUMENT if options.write_docs else None
    return carry_out("overload", lambda tell: run(options.rounds, options.seconds, tell), table, markdown, document)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
