"""The look at the audit log's index ends with the gateway, also where one is under way."""

import asyncio
import threading
from pathlib import Path

from aimux.edge.index_watcher import IndexWatcher


def test_a_look_that_ends_after_the_gateway_begins_no_other(tmp_path: Path) -> None:
    begun, goes_on = threading.Event(), threading.Event()
    warnings: list[str] = []

    def look() -> None:
        begun.set()
        goes_on.wait(10)
        watcher.watch.problem = "something"

    async def main() -> None:
        nonlocal watcher
        watcher = IndexWatcher(tmp_path, 0.001, warnings.append)
        watcher.watch.look = look  # type: ignore[method-assign]
        await asyncio.to_thread(begun.wait, 10)
        watcher.close()
        goes_on.set()
        await asyncio.to_thread(watcher._thread.shutdown)
        for _ in range(3):
            await asyncio.sleep(0)
        assert watcher._timer.cancelled()

    watcher: IndexWatcher
    asyncio.run(main())
    assert warnings == []
