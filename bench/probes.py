"""The probes of single calls and of starts, and what every probe is."""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.client import Client
from bench.figures import ADDED_P50, ADDED_P99, DIRECT, MEMORY, P50, P99, START, Measured
from bench.servers import Recipe, Server, start
from bench.spread import percentile


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
                memory = server.process.resident_bytes()
            yield Measured(START, recipe.name, server.start_seconds)
            yield Measured(MEMORY, recipe.name, memory)
