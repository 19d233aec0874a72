"""What the operator orders by signal: SIGHUP to reload, SIGTERM or SIGINT to stop."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from aimux.signals import STOPPING, handle


class Orders:
    """The orders that have come. The second one to stop ends the process at once; `at_once` hears of it before."""

    def __init__(self, at_once: Callable[[], None] | None = None) -> None:
        """A SIGHUP that came earlier is the first order. The handlers outlast the loop, so that SIGHUP never kills."""
        self._loop = asyncio.get_running_loop()
        self._heard = asyncio.Event()
        self._at_once = at_once
        self.stop = asyncio.Event()
        handle(self._reload, self._stop)

    async def next_is_stop(self) -> bool:
        """Wait for the next order: True to stop, False to reload. Several to reload that come at once are one."""
        await self._heard.wait()
        if not self.stop.is_set():
            self._heard.clear()
        return self.stop.is_set()

    async def unless_stopped(self, work: Coroutine[Any, Any, object]) -> bool:
        """Do something, unless the order to stop comes meanwhile; whether it was done."""
        doing = asyncio.create_task(work)
        stopping = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if not doing.done():
            doing.cancel()
            return False
        await doing
        return True

    # In a signal's handler: between any two instructions of the main thread.

    def _reload(self) -> None:
        with suppress(RuntimeError):  # the loop has ended, and so will the process
            self._loop.call_soon_threadsafe(self._heard.set)

    def _stop(self, _: int) -> None:
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL if self._at_once is None else self._end)
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopping)

    def _stopping(self) -> None:
        self.stop.set()
        self._heard.set()

    def _end(self, number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        if self._at_once is not None:
            self._at_once()
        os.kill(os.getpid(), number)
