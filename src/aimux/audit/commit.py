"""Group commit: many requests wait for one turn of the disk, after which what they wrote survives a loss of power."""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final

from aimux.core.reason import Failure, Reason

OBSTACLE: Final = "the gateway cannot write its audit log, and serves nothing that would leave no record"

Written = Callable[[], Sequence[int]]
"""The descriptors of the files that hold what was written so far."""


class GroupCommit:
    """Belongs to the event loop that it was made on. `lost` is called once a disk has not kept what it was given."""

    def __init__(self, disk: Executor, written: Written, lost: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._disk = disk
        self._written = written
        self._lost = lost
        self._waiting: list[asyncio.Future[None]] = []
        self._busy = self._failed = self._closed = False

    def join(self) -> asyncio.Future[None]:
        """Done once what was written so far is safe. It fails with Failure where the disk does not keep it."""
        waiter = self._loop.create_future()
        self._waiting.append(waiter)
        if not self._busy:
            self._turn()
        return waiter

    def fail(self) -> None:
        """Refuse those who wait: what the disk has failed to keep, a later success does not bring back."""
        self._failed = True

    def close(self) -> None:
        """Begin no further turn; who waits for one is refused."""
        self._closed = True

    def _turn(self) -> None:
        self._busy = True
        waiters, self._waiting = self._waiting, []
        turn = self._loop.run_in_executor(self._disk, sync_all, self._written())
        turn.add_done_callback(lambda done: self._ended(waiters, done))

    def _ended(self, waiters: list[asyncio.Future[None]], done: asyncio.Future[None]) -> None:
        self._busy = False
        if done.cancelled() or done.exception() is not None:
            self._failed = True
            self._lost()
        _settle(waiters, kept=not self._failed)
        if self._failed or self._closed:
            waiters, self._waiting = self._waiting, []
            _settle(waiters, kept=False)
        elif self._waiting:
            self._turn()


def _settle(waiters: Sequence[asyncio.Future[None]], *, kept: bool) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if kept:
            waiter.set_result(None)
        else:
            waiter.set_exception(Failure(Reason.NOT_READY, OBSTACLE))


def sync_all(descriptors: Sequence[int]) -> None:
    """Make what was written to these survive a loss of power. Raises OSError."""
    for descriptor in descriptors:
        os.fdatasync(descriptor)
