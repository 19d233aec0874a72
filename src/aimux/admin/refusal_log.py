"""The log of refused management requests, bounded: nobody can fill the log by being refused."""

import time
from collections.abc import Callable
from typing import Final

from aimux.core.refusal import Refusal
from aimux.edge.exchange import Exchange
from aimux.edge.log import Log

_AT_ONCE: Final = 1000
"""Lines that may come together, after a while without any."""
_A_SECOND: Final = 50.0
"""Lines a second from then on."""


class RefusalLog:
    """Writes a line for each refusal, as long as they are not too many; the next line tells how many had none."""

    def __init__(self, log: Log, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._log = log
        self._clock = clock
        self._allowance = float(_AT_ONCE)
        self._asked = clock()
        self._unlogged = 0

    def note(self, exchange: Exchange, refusal: Refusal) -> None:
        """A request was refused."""
        now = self._clock()
        self._allowance = min(self._allowance + (now - self._asked) * _A_SECOND, _AT_ONCE)
        self._asked = now
        if self._allowance < 1:
            self._unlogged += 1
            return
        self._allowance -= 1
        unlogged, self._unlogged = self._unlogged, 0
        self._log.event.warning(
            "management",
            verdict=refusal.reason.code,
            peer=exchange.origin.peer,
            path=exchange.head.path_text,
            detail=refusal.message,
            request_id=exchange.request_id,
            **({"unlogged": unlogged} if unlogged else {}),
        )
