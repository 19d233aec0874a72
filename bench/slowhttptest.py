"""`python -m bench.slowhttptest`: slow attacks on the gateway, and what a good client notices of them."""

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from aimux.intent.model import locate
from bench import ROOT, BenchError, tools
from bench.client import post
from bench.hardening import DOCUMENT, Outcome, Report, markdown, table
from bench.machine import Cores, describe, two_cores
from bench.processes import Process
from bench.program import carry_out
from bench.sample import Sample
from bench.servers import Gateway, LargePages, Server, start
from bench.steady import Window, call_steadily, lasting
from bench.texts import body

_RATE: Final = 100
_TEXTS: Final = 32
_RAMP: Final = 7.0
_CONNECTS: Final = 200
# The timer looks once a second, a refusal lingers for two, and the machine is not alone.
_SLACK: Final = 5.0
_PATH: Final = "?q=what+is+50+times+3"


class Attack(Protocol):
    """Connections that are held without anything coming of them."""

    @property
    def title(self) -> str:
        """What the table calls it."""

    @property
    def deadline(self) -> float | None:
        """Seconds after which the gateway must have closed such a connection; None where it owes it nothing."""

    @property
    def seconds(self) -> float:
        """How long it goes on at most."""

    def command(self, port: int, size: int, place: Path) -> list[str]:
        """The program that makes it, for a port, with so many connections, its files in this directory."""

    def judge(self, place: Path, size: int) -> tuple[float, bool]:
        """The longest that a connection was held, and whether the attacker found the service available all along."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A mode of slowhttptest."""

    title: str
    options: tuple[str, ...]
    seconds: float
    deadline: float | None
    path: str = "/"

    def command(self, port: int, size: int, place: Path) -> list[str]:
        """It ends itself when all of them are closed."""
        common = ["-c", str(size), "-r", str(_CONNECTS), "-l", str(round(self.seconds)), "-g", "-o", f"{place}/tool"]
        url = f"http://127.0.0.1:{port}{self.path}{_PATH}"
        return [tools.path_of("slowhttptest"), *self.options, *common, "-u", url]

    def judge(self, place: Path, size: int) -> tuple[float, bool]:
        """By what it wrote down each second."""
        with (place / "tool.csv").open() as lines:
            rows = [{key: int(value) for key, value in row.items()} for row in csv.DictReader(lines)]
        if not rows:
            raise BenchError("slowhttptest wrote nothing down")
        # The last connection was made so much later than the first.
        held = [row["Seconds"] for row in rows if row["Connected"]]
        return max(held[-1] - size / _CONNECTS, 0.0) if held else 0.0, all(row["Service Available"] for row in rows)


@dataclass(frozen=True, slots=True)
class Crowd:
    """A crowd of our own, which replaces every connection that it loses."""

    title: str
    kind: str
    deadline: float

    @property
    def seconds(self) -> float:
        """Long enough to see that the deadline is kept."""
        return self.deadline + 2 * _SLACK

    def command(self, port: int, size: int, place: Path) -> list[str]:  # noqa: ARG002  (its output is its file)
        """See bench.crowd."""
        return [sys.executable, "-m", "bench.crowd", str(port), self.kind, str(size)]

    def judge(self, place: Path, size: int) -> tuple[float, bool]:  # noqa: ARG002  (it keeps the time of each)
        """By its last whole line. A crowd that could not connect has ended with an error instead."""
        lines = [line for line in (place / "output.log").read_text().splitlines() if line.startswith("{")]
        if not lines:
            raise BenchError("the crowd did not come up")
        return float(json.loads(lines[-1])["longest"]), True


# The deadlines are the defaults of server.header_timeout, body_timeout and send_timeout.
ATTACKS: Final[tuple[Attack, ...]] = (
    Tool("slowhttptest -H, slow headers", ("-H", "-i", "5"), 30, 10),
    Tool("slowhttptest -B, slow body", ("-B", "-i", "5", "-s", "8192"), 45, 30),
    Tool("slowhttptest -R, ranges", ("-R",), 30, None),
    # It does not notice that it was reset, so that its own count says nothing of the deadline.
    Tool("slowhttptest -X, slow read", ("-X", "-n", "1", "-z", "5"), 45, None, "/large"),
    Crowd("half-sent heads", "half-sent", 10),
    Crowd("silent", "silent", 10),
    Crowd("one byte a second", "one byte a second", 10),
    Crowd("never reading", "never reading", 30),
)


@dataclass(slots=True)
class _Bed:
    """The gateway under attack, and the client that is good to it."""

    gateway: Server
    requests: Sequence[bytes]
    cores: Cores
    directory: Path
    size: int
    calm: float
    _count: int = field(default=0)

    def suffer(self, attack: Attack) -> Outcome:
        """One round of one attack: calm, then the attack."""
        before = self._call(lasting(self.calm))
        self._count += 1
        place = self.directory / f"attack-{self._count}"
        place.mkdir()
        command = attack.command(self.gateway.port, self.size, place)
        with Process(command, (self.cores.load,), place / "output.log") as it:
            # On the one core that both have, the attacker's own work must not be what the good client notices.
            it.give_way()
            ramp = self._call(lasting(_RAMP), may_be_empty=True)
            time_left = lasting(attack.seconds + _SLACK)
            # The tool ends by itself, the crowd never does.
            during = self._call(lambda: it.exit_code is None and time_left(), may_be_empty=True)
            if isinstance(attack, Crowd) and it.exit_code is not None:
                raise BenchError(f"the crowd broke up:\n{it.last_lines()}")
        longest, available = attack.judge(place, self.size)
        return Outcome(before, Window(during.times, ramp.failures + during.failures), longest, available)

    def _call(self, goes_on: Callable[[], bool], *, may_be_empty: bool = False) -> Window:
        window = call_steadily(self.gateway.port, self.requests, _RATE, goes_on)
        if not window.times and not may_be_empty:
            raise BenchError(f"not one good call succeeded: {window.failures[:1]}")
        return window


@dataclass(frozen=True, slots=True)
class Settings:
    """How often, how many connections, and the seconds of calm before each attack."""

    rounds: int
    size: int
    calm: float
    only: str


def run(settings: Settings, tell: Callable[[str], None]) -> Report:
    """Attack. Raises BenchError. Everything that was started has ended when this returns or raises."""
    tools.ensure(tools.ATTACKER)
    cores = two_cores()
    machine = describe(cores)
    sample = Sample.load(ROOT / "aimux.yaml")
    locate(sample.model)
    attacks = [attack for attack in ATTACKS if settings.only in attack.title]
    outcomes: dict[str, list[Outcome]] = {attack.title: [] for attack in attacks}
    os.sched_setaffinity(0, {cores.load})
    with TemporaryDirectory(prefix="aimux-slow-") as name, ExitStack() as stack:
        directory = Path(name)
        upstream = stack.enter_context(start(LargePages("upstream"), cores.load, directory))
        gateway = stack.enter_context(start(Gateway("AIMux", sample, upstream.port), cores.tested, directory))
        requests = [post(body(number), sample.agent) for number in range(_TEXTS)]
        bed = _Bed(gateway, requests, cores, directory, settings.size, settings.calm)
        call_steadily(gateway.port, requests, _RATE, lasting(1))
        for number in range(settings.rounds):
            for attack in attacks:
                tell(f"round {number + 1} of {settings.rounds}: {attack.title}")
                outcomes[attack.title].append(bed.suffer(attack))
    deadlines = {attack.title: attack.deadline for attack in attacks}
    return Report(machine, settings.rounds, settings.size, outcomes, deadlines, _SLACK)


def main(arguments: Sequence[str]) -> int:
    """Attack, print, and judge; the exit code."""
    options = _parser().parse_args(arguments)
    settings = Settings(options.rounds, options.connections, options.calm, options.only)
    document = DOCUMENT if options.write_docs else None
    return carry_out("slowhttptest", lambda tell: run(settings, tell), table, markdown, document)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.slowhttptest", description="Slow attacks: docs/hardening.md")
    parser.add_argument("--rounds", type=int, default=3, help="how often each attack is made (3)")
    parser.add_argument("--connections", type=int, default=1000, help="of the attacker (1000)")
    parser.add_argument("--calm", type=float, default=10.0, help="seconds without attack before each (10)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only attacks with this in their title")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/hardening.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
