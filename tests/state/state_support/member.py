"""A process that shares a state with others: python member.py FOLDER NAME WHAT COUNT. It begins once told to.

It prints `ready`, waits for a line, does its work and prints what came of it as one line of JSON.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from aimux.state.sqlite import SqliteStore
from aimux.state.store import SetDone, StoredChange
from state_support.stores import in_file


async def changes(store: SqliteStore, name: str, count: int) -> dict[str, Any]:
    """Make so many changes of the watched space, and see those of two processes."""
    seen: list[int] = []
    slowest = 0.0

    async def see() -> None:
        nonlocal slowest
        async for change in store.watch("standing", since):
            assert isinstance(change, StoredChange)
            assert change.value is not None
            slowest = max(slowest, time.time() - float(change.value))
            seen.append(change.version)
            if len(seen) == 2 * count:
                return

    since = (await store.entries("standing")).version
    await begun()
    watching = asyncio.create_task(see())
    written: list[int] = []
    for first in range(0, count, 4):
        asked = [
            store.compare_and_set("standing", f"{name}-{number}", repr(time.time()).encode(), None)
            for number in range(first, first + 4)
        ]
        for outcome in await asyncio.gather(*asked):
            assert isinstance(outcome, SetDone)
            written.append(outcome.version)
    await watching
    return {"seen": seen, "written": written, "slowest": slowest}


async def counts(store: SqliteStore, name: str, count: int) -> dict[str, Any]:
    """Add 1 to the same counter, and remember nonces that others try to remember too."""
    await begun()
    mine = []
    for number in range(count):
        added, remembered = await asyncio.gather(
            store.add("counts", "all", 1), store.compare_and_set("nonces", str(number), name.encode(), None)
        )
        assert added.value > 0
        if isinstance(remembered, SetDone):
            mine.append(number)
    return {"mine": mine}


async def acknowledged(store: SqliteStore, name: str, count: int) -> dict[str, Any]:
    """Set entries, and print the key of each once it is acknowledged."""
    await begun()
    for number in range(count):
        assert isinstance(await store.compare_and_set("kept", f"{name}-{number}", b"x", None), SetDone)
        sys.stdout.write(f"{name}-{number}\n")
        sys.stdout.flush()
    return {}


async def begun() -> None:
    """Say that all is ready, and wait until the test has heard it of all."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)


async def main(folder: str, name: str, what: str, count: str) -> None:
    """Do one of these."""
    store = in_file(time.time, Path(folder))
    works = {"changes": changes, "counts": counts, "acknowledged": acknowledged}
    outcome = await works[what](store, name, int(count))
    sys.stdout.write(json.dumps(outcome) + "\n")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
