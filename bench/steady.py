"""The good client of an attacked gateway: calls at a steady rate, each on a connection of its own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from bench import BenchError
from bench.client import Client
from bench.spread import percentile


@dataclass(frozen=True, slots=True)
class Window:
    """How long each call of a while took, in seconds, and what became of those that failed."""

    times: tuple[float, ...]
    failures: tuple[str, ...]

    def at(self, share: float) -> float:
        """A percentile of the calls that succeeded."""
        return percentile(self.times, share)


def call_steadily(port: int, requests: Sequence[bytes], rate: int, goes_on: Callable[[], bool]) -> Window:
    """Call until told to stop. Calls that fell due while another one hung count from when they were due."""
    times: list[float] = []
    failures: list[str] = []
    first = time.perf_counter()
    for number in count():
        if not goes_on():
            break
        begun = due = first + number / rate
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
            begun = time.perf_counter()
        try:
            with Client(port) as client:
                client.succeed(requests[number % len(requests)])
        except (OSError, BenchError) as error:
            failures.append(str(error) or type(error).__name__)
        else:
            times.append(time.perf_counter() - begun)
    return Window(tuple(times), tuple(failures))


def lasting(seconds: float) -> Callable[[], bool]:
    """Says yes for some seconds from now."""
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end
