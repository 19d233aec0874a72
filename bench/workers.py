"""The probe of two workers on two cores against one on one: what a second process brings."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.figures import BY_PROCESSOR, TWO_NEW, TWO_SEEN, WHOLE, Figure, Measured
from bench.servers import Recipe, Server, start
from bench.texts import Supply
from bench.throughput import NEW_TEXTS_A_SECOND, Load, all_new, all_seen, show


@dataclass(frozen=True, slots=True)
class Speed:
    """Requests in a time, and the processor time that the server had for them, in seconds."""

    requests: int
    seconds: float
    processor: float


@dataclass(frozen=True, slots=True)
class TwoWorkers:
    """The throughput of two workers, times that of one.

    Load and upstream need a part of the two cores. `as measured` has that part in it; `by processor time` tells it
    apart: what both workers would do if they had as much of a core as the one had.
    """

    one: Server
    two: Recipe
    seen: Load
    fresh: Load
    supply: Supply
    directory: Path

    title = "two workers"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Load the one and the two with texts seen before, then with new ones."""
        cores = (self.seen.cores.tested, self.seen.cores.load)
        with start(self.two, cores, self.directory) as two:
            for figure, speed in ((TWO_SEEN, self._seen), (TWO_NEW, self._new)):
                yield from _times(figure, speed(self.one, seconds), speed(two, seconds))

    def _seen(self, server: Server, seconds: int) -> Speed:
        show(server, self.seen)  # each worker has a memory of its own
        with all_seen(server):
            return _speed(server, lambda: self.seen.on(server, seconds).requests)

    def _new(self, server: Server, seconds: int) -> Speed:
        count = 2 * seconds * NEW_TEXTS_A_SECOND
        self.fresh.bodies.write_text("".join(f"{body}\n" for body in self.supply.bodies(count)))
        with all_new(server, count):
            return _speed(server, lambda: self.fresh.on(server, seconds).requests)


def _speed(server: Server, load: Callable[[], int]) -> Speed:
    started, processor = time.perf_counter(), server.process.cpu_seconds()
    requests = load()
    return Speed(requests, time.perf_counter() - started, server.process.cpu_seconds() - processor)


def _times(figure: Figure, one: Speed, two: Speed) -> Iterator[Measured]:
    yield Measured(figure, WHOLE, two.requests / two.seconds / (one.requests / one.seconds))
    yield Measured(figure, BY_PROCESSOR, 2 * two.requests / two.processor / (one.requests / one.processor))
