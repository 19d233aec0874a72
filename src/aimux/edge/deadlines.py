"""Deadlines of many connections, watched by one timer: arming one costs an assignment."""

import asyncio
import math
from typing import Final, Protocol

NEVER: Final = math.inf
_TURNS: Final = 200


class Watched(Protocol):
    """Something with a moment, on the loop's clock, by which it must have got on."""

    deadline: float

    def expire(self) -> None:
        """The deadline has passed."""


class Deadlines:
    """Looks at every watched connection once in `interval` seconds, and acts within the half of that."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._watched: set[Watched] = set()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(interval, self._sweep)

    def __len__(self) -> int:
        return len(self._watched)

    def watch(self, connection: Watched) -> None:
        """Begin to watch."""
        self._watched.add(connection)

    def forget(self, connection: Watched) -> None:
        """Stop watching."""
        self._watched.discard(connection)

    def look_every(self, interval: float) -> None:
        """Look once in so many seconds from now on."""
        if interval != self._interval and self._timer is not None:
            self._interval = interval
            self._timer.cancel()
            self._timer = self._loop.call_later(interval, self._sweep)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        # Armed first: whatever goes wrong below, the next look comes.
        self._timer = self._loop.call_later(self._interval, self._sweep)
        now = self._loop.time()
        due = [c for c in self._watched if c.deadline <= now]
        self._expire(due, len(due) // _TURNS + 1)

    def _expire(self, due: list[Watched], at_once: int) -> None:
        """Some at a time: a thousand that are due together must not keep everybody else waiting."""
        now = self._loop.time()
        for connection in (due.pop() for _ in range(min(at_once, len(due)))):
            if connection.deadline <= now and connection in self._watched:
                connection.expire()
        if due:
            self._loop.call_later(self._interval / _TURNS / 2, self._expire, due, at_once)


def interval_for(*timeouts: float) -> float:
    """How often to look, so that the shortest timeout is kept within a quarter of itself; at most once a second."""
    return min(1.0, *(timeout / 4 for timeout in timeouts))
