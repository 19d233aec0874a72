"""What the operator orders by signal: SIGHUP to reload, SIGTERM or SIGINT to stop."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


class Orders:
    """The orders that have come. The second one to stop ends the process at once; `at_once` hears of it before."""

    def __init__(self, at_once: Callable[[], None] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._heard = asyncio.Event()
        self._at_once = at_once
        self.stop = asyncio.Event()
        for number in _STOPPING:
            self._loop.add_signal_handler(number, self._stopping)
        self._loop.add_signal_handler(signal.SIGHUP, self._heard.set)

    async def next_is_stop(self) -> bool:
        """Wait for the next order: True to stop, False to reload. Several to reload that come at once are one."""
        await self._heard.wait()
        if not self.stop.is_set():
            self._heard.clear()
        return self.stop.is_set()

    async def unless_stopped(self, work: Coroutine[Any, Any, None]) -> bool:
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

    def _stopping(self) -> None:
        self.stop.set()
        self._heard.set()
        for number in _STOPPING:
            self._loop.remove_signal_handler(number)
            if self._at_once is None:
                signal.signal(number, signal.SIG_DFL)
            else:
                self._loop.add_signal_handler(number, partial(self._end, self._at_once, number))

    def _end(self, at_once: Callable[[], None], number: int) -> None:
        at_once()
        self._loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
