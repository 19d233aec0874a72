"""Looks at the audit log's index every few seconds, in a thread, for `/audit/status`, the metrics and the log."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from aimux.audit.index_watch import IndexWatch

_LEAST_PATIENCE: Final = 5.0
_OVER: Final = "the index of the audit log is well again"

Say = Callable[[str], None]


def _unheard(_: str) -> None:
    """Nobody wants to hear it."""


class IndexWatcher:
    """Belongs to the event loop that it was made on. `warn` and `note` hear of what begins and of what is over."""

    def __init__(self, log: Path, interval: float, warn: Say = _unheard, note: Say = _unheard) -> None:
        """`interval` is the seconds between two looks."""
        self._interval = interval
        self.watch = IndexWatch(log, max(_LEAST_PATIENCE, 2 * interval))
        self._warn, self._note = warn, note
        self._told = self._closed = False
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "aimux-audit-index")
        self._timer = self._loop.call_later(self._interval, self._look)

    def close(self) -> None:
        """Look no more."""
        self._closed = True
        self._timer.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> None:
        self._loop.run_in_executor(self._thread, self.watch.look).add_done_callback(self._looked)

    def _looked(self, done: asyncio.Future[None]) -> None:
        if done.cancelled() or self._closed:
            return
        self._timer = self._loop.call_later(self._interval, self._look)
        problem = self.watch.problem
        if problem is not None and not self._told:
            self._warn(problem)
        elif problem is None and self._told:
            self._note(_OVER)
        self._told = problem is not None
        done.result()
