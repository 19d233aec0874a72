"""Under overload, the loop takes requests in batches: waking for each one alone costs more than refusing it."""

import asyncio
import time
from typing import Final

from aimux.core.reason import Reason
from aimux.core.record import Record

_REST: Final = 0.004
_OVERLOADED: Final = Reason.OVERLOADED.code


class Pacing:
    """Makes the loop rest for a moment in each of its rounds that refused a request as overloaded.

    What arrives meanwhile is served together afterwards, and the model has the processor to itself.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tired = False

    def request(self, record: Record) -> None:
        """Hear of one request."""
        if record.verdict == _OVERLOADED and not self._tired:
            self._tired = True
            self._loop.call_soon(self._rest)

    def _rest(self) -> None:
        self._tired = False
        time.sleep(_REST)
