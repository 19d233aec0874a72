"""The cost of the state store: `python -m bench.state [--rounds N] [--folder FOLDER]`.

It prints microseconds for each insert and each addition, alone and in groups, and what two processes that write at once
do to one another: how long an operation takes, and how long the event loop stands still, beside how long the thread
waits. Each figure is a median over rounds, with the lowest and the highest.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import uvloop

from aimux.core.reason import Failure
from aimux.state.opening import open_state
from aimux.state.store import Durability, StateStore
from bench.spread import Spread, percentile

_OPERATIONS: Final = 4000
_GROUP: Final = 16
_TOGETHER: Final = 2
_WRITING_SECONDS: Final = 3.0
_TICK: Final = 0.001
_REFUSED: Final[list[Failure]] = []
"""What a busy disk did not do within 100 ms."""


def main() -> None:
    """Measure, and print a line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure (default: a temporary one)")
    parser.add_argument("--writer", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.writer is not None:
        print(json.dumps(uvloop.run(_write_for_a_time(given.writer))))  # noqa: T201
        return
    figures: dict[str, list[float]] = {}
    for _ in range(given.rounds):
        with tempfile.TemporaryDirectory(dir=given.folder) as place:
            for name, value in {**uvloop.run(_alone(Path(place))), **_together(Path(place))}.items():
                figures.setdefault(name, []).append(value)
    for name, values in figures.items():
        spread = Spread.of(values)
        print(f"{name:62} {spread.median:9.1f}  ({spread.lowest:.1f} to {spread.highest:.1f})")  # noqa: T201
    print(f"refused after 100 ms, one process alone: {len(_REFUSED)}")  # noqa: T201


async def _alone(place: Path) -> dict[str, float]:
    """Microseconds for each operation of one process that does nothing else, and how late a loop is without a store."""
    late: list[float] = []
    ticking = asyncio.create_task(_tick(late))
    await asyncio.sleep(_WRITING_SECONDS)
    ticking.cancel()
    store = open_state(place / "alone", time.time).store
    found = {
        "insert, one at a time, µs": await _timed(lambda key: _insert(store, f"a{key}"), 1),
        f"insert, {_GROUP} in a turn, µs each": await _timed(lambda key: _insert(store, f"b{key}"), _GROUP),
        "add, one at a time, µs": await _timed(lambda key: store.add("counts", str(key % 100), 1, ttl=60), 1),
        f"add, {_GROUP} in a turn, µs each": await _timed(
            lambda key: store.add("counts", str(key % 100), 1, ttl=60), _GROUP
        ),
        "insert that survives a loss of power, one at a time, µs": await _timed(
            lambda key: _insert(store, f"c{key}", Durability.POWER), 1, 200
        ),
        "get, one at a time, µs": await _timed(lambda key: store.get("nonces", f"a{key}"), 1),
    }
    await store.close()
    return {**found, "longest stall of a loop without a store, ms": max(late)}


def _insert(store: StateStore, key: str, durability: Durability = Durability.PROCESS) -> Awaitable[object]:
    return store.compare_and_set("nonces", key, b"x", None, ttl=300, durability=durability)


async def _timed(ask: Callable[[int], Awaitable[object]], group: int, operations: int = _OPERATIONS) -> float:
    """Microseconds for each, those included that the store refused."""
    began = time.perf_counter()
    for first in range(0, operations, group):
        outcomes = await asyncio.gather(*(ask(first + number) for number in range(group)), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                _REFUSED.append(outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
    return (time.perf_counter() - began) / operations * 1e6


def _together(place: Path) -> dict[str, float]:
    """Two processes write as fast as they can; what the worse of them saw, in milliseconds."""
    folder = place / "together"
    uvloop.run(open_state(folder, time.time).store.close())
    command = [sys.executable, "-m", "bench.state", "--writer", str(folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(_TOGETHER)]  # noqa: S603
    found = [json.loads(process.communicate()[0]) for process in running]
    worst = {name: max(each[name] for each in found) for name in found[0] if name != "operations"}
    return {
        "two processes writing: operations a second, both": sum(each["operations"] for each in found)
        / _WRITING_SECONDS,
        **{f"two processes writing: {name}": value for name, value in worst.items()},
    }


async def _write_for_a_time(folder: Path) -> dict[str, float]:
    """Insert one after the other, and look each millisecond how late the loop is."""
    store = open_state(folder, time.time).store
    times: list[float] = []
    late: list[float] = []
    refused = 0
    end = time.perf_counter() + _WRITING_SECONDS
    ticking = asyncio.create_task(_tick(late))
    number = 0
    while time.perf_counter() < end:
        began = time.perf_counter()
        number += 1
        try:
            await _insert(store, f"{id(store)}-{number}-{began}")
        except Failure:
            refused += 1
        times.append((time.perf_counter() - began) * 1e3)
    ticking.cancel()
    await store.close()
    return {
        "operations": len(times),
        "refused after 100 ms": refused,
        "median of an operation (the thread), ms": percentile(times, 0.5),
        "99th percentile of an operation, ms": percentile(times, 0.99),
        "longest operation, ms": max(times),
        "99th percentile of the loop's delay, ms": percentile(late, 0.99),
        "longest stall of the loop, ms": max(late),
    }


async def _tick(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_TICK)
        late.append((time.perf_counter() - began - _TICK) * 1e3)


if __name__ == "__main__":
    main()
