"""`python -m bench.costs`: what one hostile client can make the gateway spend for each byte that it sends."""

import argparse
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import yaml

from aimux.intent.model import locate
from bench import ROOT, BenchError, tools
from bench.client import get, post, status
from bench.costly import BASED, KINDS, Kind
from bench.machine import Cores, describe, two_cores
from bench.program import carry_out
from bench.sample import Sample
from bench.servers import Gateway, Nginx, Server, start
from bench.spending import DOCUMENT, Cost, Report, markdown, table
from bench.steady import call_steadily
from bench.texts import body

_RATE: Final = 20
# Two threads of this process share a core: each gets its turn soon.
_SWITCH: Final = 0.0005
_PATIENCE: Final = 60.0
_LONGEST: Final = 20.0
# Between pieces, so that each is read alone.
_GAP: Final = 100e-6
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"\r\nContent-Length: "
_CLOSES: Final = b"\r\nConnection: close"


@dataclass(frozen=True, slots=True)
class BasedGateway:
    """The gateway with the sample configuration and one route more, whose upstream has a base path."""

    name: str
    sample: Sample
    upstream: int
    ready_path: str = "/readyz"

    def command(self, port: int, place: Path) -> list[str]:
        """Write its configuration, over the sample's."""
        command = Gateway(self.name, self.sample, self.upstream).command(port, place)
        file = place / "aimux.yaml"
        content = yaml.safe_load(file.read_text())
        # What has no text is refused, so that its own cost is seen and not that of the way to an upstream.
        content["fallback"]["allowed"] = ["*"]
        content["routes"].append({"name": BASED, "upstream": f"http://127.0.0.1:{self.upstream}/base"})
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        return command


class Attacker:
    """Sends requests one after the other, on one connection for as long as the gateway keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def __enter__(self) -> "Attacker":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def send(self, pieces: Sequence[bytes], answers: int) -> int:
        """Send a request, or several at once; the answers' one status. Raises OSError and BenchError."""
        connection = self._connected()
        # A refusal may come, and the connection end, before all is sent.
        with suppress(ConnectionError):
            for number, piece in enumerate(pieces):
                if number:
                    _wait(_GAP)
                connection.sendall(piece)
        if not answers:
            self._leave()
            return 0
        data = bytearray()
        found: set[int] = set()
        for _ in range(answers):
            size = self._answer(connection, data)
            found.add(status(bytes(data[:16])))
            closes = _CLOSES in data[:size]
            del data[:size]
        if len(found) != 1:
            raise BenchError(f"the answers have the statuses {sorted(found)}")
        if closes:
            self._leave()
        return found.pop()

    @staticmethod
    def _answer(connection: socket.socket, data: bytearray) -> int:
        """Read until a whole answer is there; its size."""
        size = 0
        while not size or len(data) < size:
            if not size and (end := data.find(_END)) >= 0:
                at = data.find(_LENGTH, 0, end + 2)
                if at < 0:
                    raise BenchError("an answer without Content-Length")
                size = end + len(_END) + int(data[at + len(_LENGTH) :].partition(b"\r\n")[0])
                continue
            more = connection.recv(65536)
            if not more:
                raise BenchError("the gateway closed the connection without an answer")
            data += more
        return size

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), _PATIENCE)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _leave(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _wait(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:  # too short to sleep
        pass


@dataclass(slots=True)
class _Bed:
    """A fresh gateway, for one kind of request."""

    gateway: Server
    kind: Kind
    sent: int = 0

    def measure(self, cpu: float) -> Cost:
        """Memory first, while the process is fresh; then the processor, alone; then the loop."""
        with Attacker(self.gateway.port) as attacker:
            self._warm(attacker)
            before = self.gateway.process.forget_peak()
            size, segments = self._attack(attacker, 1)
            memory = self.gateway.process.peak_bytes() - before
            spent, count = self._spend(attacker, cpu)
            longest = self._hold_up(attacker, count)
        answers = max(self.kind.answers, 1)
        return Cost(
            title=self.kind.title,
            size=size // answers,
            decoded=self.kind.decoded,
            segments=segments,
            cpu=spent / count / answers,
            memory=memory,
            stall=longest,
            models=self.kind.models,
        )

    def _warm(self, attacker: Attacker) -> None:
        for number in range(20):
            attacker.send([get("/")], 1)
            attacker.send([post(body(number), "admin-bot")], 1)
        # From 32 KiB on a thread reads the body, and starts.
        attacker.send([post('{"a":"' + "x" * 2**16 + '"}', "admin-bot")], 1)

    def _attack(self, attacker: Attacker, count: int) -> tuple[int, int]:
        """Make the request some times, each time another; the bytes and the pieces of the last one."""
        for _ in range(count):
            self.sent += 1
            pieces = self.kind.build(self.sent)
            found = attacker.send(pieces, self.kind.answers)
            if found != self.kind.status:
                raise BenchError(f"{self.kind.title}: answered with {found}, not {self.kind.status}")
        return sum(map(len, pieces)), len(pieces)

    def _spend(self, attacker: Attacker, cpu: float) -> tuple[float, int]:
        """Seconds of the processor, enough for the clock's tick not to matter, and in how many rounds."""
        count, done = 1, 0
        process = self.gateway.process
        began, spent = time.monotonic(), 0.0
        before = process.cpu_seconds()
        while True:
            self._attack(attacker, count)
            done += count
            spent = process.cpu_seconds() - before
            if spent >= cpu or time.monotonic() - began > _LONGEST:
                return spent, done
            count = min(done, 1000)

    def _hold_up(self, attacker: Attacker, count: int) -> float:
        """The longest call of /healthz meanwhile."""
        over = threading.Event()
        errors: list[Exception] = []

        def attack() -> None:
            try:
                self._attack(attacker, count)
            except Exception as error:  # told by the thread that waits for this one
                errors.append(error)
            finally:
                over.set()

        thread = threading.Thread(target=attack)
        thread.start()
        window = call_steadily(self.gateway.port, [get("/healthz")], _RATE, lambda: not over.is_set())
        thread.join()
        if errors:
            raise errors[0]
        if window.failures:
            raise BenchError(f"{self.kind.title}: /healthz failed: {window.failures[0]}")
        return max(window.times)


def run(only: str, cpu: float, tell: Callable[[str], None]) -> Report:
    """Measure. Raises BenchError. Everything that was started has ended when this returns or raises."""
    kinds = [kind for kind in KINDS if only in kind.title]
    if not kinds:
        raise BenchError(f"no kind of request has '{only}' in its title")
    tools.ensure()
    cores = two_cores()
    machine = describe(cores)
    sample = Sample.load(ROOT / "aimux.yaml")
    locate(sample.model)
    os.sched_setaffinity(0, {cores.load})
    sys.setswitchinterval(_SWITCH)
    costs = []
    with TemporaryDirectory(prefix="aimux-costs-") as name, ExitStack() as stack:
        directory = Path(name)
        upstream = stack.enter_context(start(Nginx("upstream"), cores.load, directory))
        for kind in kinds:
            tell(kind.title)
            with _gateway(sample, upstream, cores, directory) as gateway:
                costs.append(_Bed(gateway, kind).measure(cpu))
    return Report(machine, costs)


@contextmanager
def _gateway(sample: Sample, upstream: Server, cores: Cores, directory: Path) -> Iterator[Server]:
    with start(BasedGateway("AIMux", sample, upstream.port), cores.tested, directory) as gateway:
        yield gateway


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and judge; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.costs", description="Costly requests: docs/costs.md")
    parser.add_argument("--only", default="", metavar="TEXT", help="only kinds with this in their title")
    parser.add_argument("--cpu", type=float, default=1.0, help="seconds of the processor for each kind (1)")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/costs.md")
    options = parser.parse_args(arguments)
    document = DOCUMENT if options.write_docs else None
    return carry_out("costs", lambda tell: run(options.only, options.cpu, tell), table, markdown, document)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
