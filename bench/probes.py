"""The probes of single calls and of starts, and what every probe is."""

import gc
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bench.client import Client, post
from bench.figures import (
    ADDED_P50,
    ADDED_P99,
    BEYOND,
    DIRECT,
    INTENTS,
    MANY_INTENTS,
    MEMORY,
    P50,
    P99,
    START,
    Measured,
)
from bench.processes import run_program
from bench.servers import Recipe, Server, start
from bench.spread import percentile
from bench.texts import Supply
from bench.throughput import NEW_TEXTS_A_SECOND, Load, bare_loop

_BETWEEN_CALLS: Final = (
    0.0005  # what the model rests between two calls while the client and the upstream have their turn
)
_INTENTS_PATIENCE: Final = 120.0


class Probe(Protocol):
    """Something that is measured once a round."""

    @property
    def title(self) -> str:
        """What it does, for the progress."""

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Measure; where it is about throughput, for some seconds."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How long a call takes on one connection, directly and through each server; the ways take turns call by call."""

    upstream: Server
    servers: Sequence[Server]
    requests: Sequence[bytes]
    calls: int

    title = "single calls"

    def measure(self, seconds: int) -> Iterator[Measured]:  # noqa: ARG002  (a number of calls, not a time)
        """Call by turns."""
        ports = {DIRECT: self.upstream.port} | {each.name: each.port for each in self.servers}
        with ExitStack() as stack:
            took = self._by_turns({name: stack.enter_context(Client(port)) for name, port in ports.items()})
        direct = took.pop(DIRECT)
        for whole, added, share in ((P50, ADDED_P50, 0.50), (P99, ADDED_P99, 0.99)):
            without = percentile(direct, share)
            yield Measured(whole, DIRECT, without)
            for name, times in took.items():
                yield Measured(added, name, percentile(times, share) - without)

    def _by_turns(self, ways: dict[str, Client]) -> dict[str, list[float]]:
        for request in self.requests:
            for client in ways.values():
                client.succeed(request)
        took: dict[str, list[float]] = {name: [] for name in ways}
        order = list(ways.items())
        gc.disable()
        try:
            for number in range(self.calls):
                request = self.requests[number % len(self.requests)]
                order.append(order.pop(0))
                for name, client in order:
                    started = time.perf_counter()
                    client.succeed(request)
                    took[name].append(time.perf_counter() - started)
        finally:
            gc.enable()
        return took


@dataclass(frozen=True, slots=True)
class NewCalls:
    """What one call with a new text takes beyond a direct call and the model's own time for such texts."""

    upstream: Server
    gateway: Server
    load: Load
    supply: Supply
    model: Path
    calls: int

    title = "single calls with new texts"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Call by turns, then run the model alone."""
        count = seconds * NEW_TEXTS_A_SECOND
        self.load.bodies.write_text("".join(f"{body}\n" for body in self.supply.bodies(count)))
        _, alone = bare_loop(self.model, self.load, seconds, _BETWEEN_CALLS)
        texts = [post(body, self.load.agent) for body in self.supply.bodies(self.calls)]
        direct: list[float] = []
        through: list[float] = []
        with Client(self.upstream.port) as straight, Client(self.gateway.port) as client:
            for text in texts:
                for took, by in ((direct, straight), (through, client)):
                    started = time.perf_counter()
                    by.succeed(text)
                    took.append(time.perf_counter() - started)
        yield Measured(BEYOND, self.gateway.name, percentile(through, 0.5) - percentile(direct, 0.5) - alone)


@dataclass(frozen=True, slots=True)
class ManyIntents:
    """What a new text costs with many intents, times what it costs with ten."""

    load: Load
    supply: Supply
    model: Path
    calls: int

    title = "many intents"

    def measure(self, seconds: int) -> Iterator[Measured]:  # noqa: ARG002  (a number of texts, not a time)
        """Run bench.intents on the core under test."""
        self.load.bodies.write_text("".join(f"{body}\n" for body in self.supply.bodies(self.calls)))
        counts = ["10", *map(str, MANY_INTENTS)]
        program = [sys.executable, "-m", "bench.intents", str(self.model), str(self.load.bodies), *counts]
        found = run_program(program, self.load.cores.tested, _INTENTS_PATIENCE)
        for count, subject in MANY_INTENTS.items():
            yield Measured(INTENTS, subject, found[str(count)] / found["10"])


@dataclass(frozen=True, slots=True)
class Starts:
    """How long a fresh process takes until it is ready, and the memory that it holds then."""

    recipes: Sequence[Recipe]
    core: int
    directory: Path

    title = "starts"

    def measure(self, seconds: int) -> Iterator[Measured]:  # noqa: ARG002  (it takes as long as it takes)
        """Start and stop each."""
        for recipe in self.recipes:
            with start(recipe, self.core, self.directory) as server:
                measured = started(server)
            yield from measured


def started(server: Server) -> list[Measured]:
    """How long a server that has just become ready has taken until then, and the memory that it holds."""
    memory = server.process.resident_bytes()
    return [Measured(START, server.name, server.start_seconds), Measured(MEMORY, server.name, memory)]
