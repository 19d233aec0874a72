"""The probes of throughput: proxies, gateway and bare loop. They make sure that texts were seen before, or were new."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import BenchError, wrk
from bench.client import Client, get, post
from bench.figures import CHAT, HALF_P50, HALF_TAIL, LOOP, NEW, SEEN, CoreUse, Figure, Measured
from bench.machine import Cores, core_seconds
from bench.processes import run_program
from bench.servers import Server
from bench.texts import Supply

# Far more than the model can read, and a file of a few megabytes.
NEW_TEXTS_A_SECOND: Final = 5000
_TURNS_TO_SEE: Final = 10
_LOOP_PATIENCE: Final = 60.0
_COUNTER: Final = r"^aimux_score_cache_{}_total ([0-9.e+]+)$"


@dataclass(frozen=True, slots=True)
class Load:
    """What is posted, by which agent, the cores that serve and load, and where to, with which headers besides."""

    bodies: Path
    agent: str
    cores: Cores
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)

    def on(self, server: Server, seconds: int, rate: float = 0) -> wrk.Outcome:
        """Post it for some seconds."""
        headers = {"X-Source-Agent": self.agent, **self.headers}
        return wrk.run(server.port, self.bodies, headers, seconds, self.cores.load, path=self.path, rate=rate)


@dataclass(frozen=True, slots=True)
class SeenTexts:
    """The throughput of a proxy that treats all texts alike, with the texts that the gateway has seen before."""

    server: Server
    load: Load

    @property
    def title(self) -> str:
        """What it does."""
        return f"{self.server.name}, requests/s"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Load it."""
        yield from _peak_and_half(self.server, self.load, seconds)


@dataclass(frozen=True, slots=True)
class SeenTextsAtGateway:
    """The throughput of the gateway with texts whose scores it remembers."""

    server: Server
    load: Load

    @property
    def title(self) -> str:
        """What it does."""
        return f"{self.server.name}, texts seen before"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Show it the texts, then load it."""
        with _seen_before(self.server, self.load):
            measured = list(_peak_and_half(self.server, self.load, seconds))
        yield from measured


@dataclass(frozen=True, slots=True)
class Chat:
    """The throughput of a server that knows no text from another, with chat completions."""

    server: Server
    load: Load

    @property
    def title(self) -> str:
        """What it does."""
        return f"{self.server.name}, chat completions"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Load it."""
        yield _loaded(self.server, CHAT, self.load, seconds)


@dataclass(frozen=True, slots=True)
class ChatAtGateway:
    """The throughput of the gateway with chat completions whose texts' scores it remembers."""

    server: Server
    load: Load

    @property
    def title(self) -> str:
        """What it does."""
        return f"{self.server.name}, chat completions of texts seen before"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Show it the texts, then load it."""
        with _seen_before(self.server, self.load):
            measured = _loaded(self.server, CHAT, self.load, seconds)
        yield measured


@dataclass(frozen=True, slots=True)
class NewTexts:
    """The throughput of the gateway, and of the bare loop of tokenizer and model, with the same texts, all new."""

    server: Server
    load: Load
    supply: Supply
    model: Path

    @property
    def title(self) -> str:
        """What it does."""
        return f"{self.server.name} and the bare loop, every text new"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Load the gateway, then run the loop."""
        count = seconds * NEW_TEXTS_A_SECOND
        self.load.bodies.write_text("".join(f"{body}\n" for body in self.supply.bodies(count)))
        with all_new(self.server, count):
            measured = _loaded(self.server, NEW, self.load, seconds)
        yield measured
        loop, _ = bare_loop(self.model, self.load, seconds)
        yield loop


@contextmanager
def _seen_before(gateway: Server, load: Load) -> Iterator[None]:
    """Show the gateway the texts; whatever it serves meanwhile it must have remembered. Raises BenchError."""
    with Client(gateway.port) as client:
        for line in load.bodies.read_text().splitlines():
            client.succeed(post(line, load.agent, load.path))
    with all_seen(gateway):
        yield


def show(gateway: Server, load: Load) -> None:
    """Load the gateway until it remembers every text, in each of its workers, or for so long as that should take."""
    for _ in range(_TURNS_TO_SEE):
        before = _cache_counts(gateway)
        load.on(gateway, 1)
        _, misses = _since(before, _cache_counts(gateway))
        if not misses:
            return


@contextmanager
def all_seen(gateway: Server) -> Iterator[None]:
    """Whatever the gateway serves meanwhile it must have remembered. Raises BenchError."""
    before = _cache_counts(gateway)
    yield
    hits, misses = _since(before, _cache_counts(gateway))
    if misses or not hits:
        raise BenchError(f"texts seen before were to be measured, but {misses:.0f} had to be read by the model")


@contextmanager
def all_new(gateway: Server, count: int) -> Iterator[None]:
    """Whatever the gateway serves meanwhile, at most `count` texts, its model must have read. Raises BenchError."""
    before = _cache_counts(gateway)
    yield
    hits, misses = _since(before, _cache_counts(gateway))
    if hits or not 0 < misses <= count:
        raise BenchError(f"new texts were to be measured, but {hits or misses - count:.0f} had been seen before")


def _peak_and_half(server: Server, load: Load, seconds: int) -> Iterator[Measured]:
    """The most that it can do, and how long its calls take at half of that."""
    peak = _loaded(server, SEEN, load, seconds)
    yield peak
    half = load.on(server, seconds, rate=peak.value / 2)
    if not half.p50 or not half.p99:
        raise BenchError("wrk did not say how long the calls took")
    yield Measured(HALF_P50, server.name, half.p50)
    yield Measured(HALF_TAIL, server.name, half.p99 / half.p50)


def _loaded(server: Server, figure: Figure, load: Load, seconds: int) -> Measured:
    own, whole = server.process.cpu_seconds(), core_seconds(load.cores.tested)
    found = load.on(server, seconds)
    own, whole = server.process.cpu_seconds() - own, core_seconds(load.cores.tested) - whole
    return Measured(figure, server.name, found.per_second, CoreUse.of(own, whole, found.seconds))


def bare_loop(model: Path, load: Load, seconds: int, pause: float = 0) -> tuple[Measured, float]:
    """Texts a second of the bare loop, and the median seconds of one text; with a pause before each, in seconds."""
    program = [sys.executable, "-m", "bench.bare_loop", str(model), str(load.bodies), str(seconds), str(pause)]
    found = run_program(program, load.cores.tested, seconds + _LOOP_PATIENCE)
    use = CoreUse.of(found["own_seconds"], found["core_seconds"], found["seconds"])
    return Measured(NEW, LOOP, found["texts"] / found["seconds"], use), float(found["p50"])


def _cache_counts(server: Server) -> tuple[float, float]:
    """Hits and misses of the gateway's cache of scores, so far."""
    with Client(server.port) as client:
        page = client.call(get("/metrics")).decode()
    hits, misses = (re.search(_COUNTER.format(kind), page, re.MULTILINE) for kind in ("hits", "misses"))
    if not hits or not misses:
        raise BenchError("the gateway's /metrics do not count the hits and misses of its cache")
    return float(hits.group(1)), float(misses.group(1))


def _since(before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float]:
    return after[0] - before[0], after[1] - before[1]
