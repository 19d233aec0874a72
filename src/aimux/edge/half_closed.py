"""A client that has closed its side of the connection while it waits for an answer: is it there still?

One that only sends no more (`shutdown`) and one that has left (`close`) look the same: the kernel gets a FIN of either.
The difference shows once something is sent, which the system of a client that has left answers with a reset. So
something is written that a client passes over, a few times.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Final

# Most answers are there before the first probe, and then none is needed.
_PAUSES: Final = (0.1, 1.0, 2.0, 4.0, 8.0, 16.0, 16.0, 16.0)
_RESET_WITHIN: Final = 0.05


class HalfClosed:
    """Watches one such connection: `probe` writes to it, `gone` is called once it is reset."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        probe: Callable[[], None],
        gone: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._probe = probe
        self._gone = gone
        self._pauses = iter(_PAUSES)
        self._ended = select.poll()
        self._ended.register(transport.get_extra_info("socket").fileno(), 0)  # errors and hang-ups are always told
        self._timer = loop.call_later(next(self._pauses), self._ask)

    def stop(self) -> None:
        """The connection is closed."""
        self._timer.cancel()

    def _ask(self) -> None:
        self._probe()
        self._timer = self._loop.call_later(_RESET_WITHIN, self._look)

    def _look(self) -> None:
        if self._ended.poll(0):
            self._gone()
            return
        pause = next(self._pauses, None)
        self._timer = self._loop.call_later(pause or _PAUSES[-1], self._look if pause is None else self._ask)
