"""The process that keeps the index up to date while a gateway runs, with what the machine has left over.

It ends when its standard input does: when the gateway that started it is gone. Signals that are sent to all of a
service's processes are the gateway's to judge. On its standard output it says what stands in its way.
"""

import contextlib
import os
import select
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aimux.audit.index import Indexer
from aimux.signals import begin_as_child

_PAUSE: Final = 0.5
_TROUBLED_PAUSE: Final = 5.0
_NICENESS: Final = 19
# A few hundred requests a second.
_BUSY_BYTES_A_SECOND: Final = 500_000
_LITTLE: Final = 100
_MUCH: Final = 1000


def main(arguments: Sequence[str]) -> int:
    """Keep the index of this log up to date; the exit code."""
    begin_as_child(ignored=(signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
    (log,) = arguments
    _stand_back()
    indexer: Indexer | None = None
    pace, pause, said = _Pace(), 0.0, ""
    while not _ends_within(pause):
        pause = _PAUSE
        try:
            indexer = indexer or Indexer(Path(log))
            pause = pace.pause_after(indexer)
            said = _say(said, "")
        except (OSError, sqlite3.Error) as error:
            if indexer is not None:
                indexer.close()
                indexer = None
            if isinstance(error, BlockingIOError | FileNotFoundError):
                continue  # somebody else does it, or there is no log yet
            # A disk that is full has room again one day; an index that is broken is built anew.
            pause = _TROUBLED_PAUSE
            said = _say(said, str(error))
    if indexer is not None:
        indexer.close()
    return 0


def _say(said: str, problem: str) -> str:
    """Tell the gateway, in a line, what stands in the way now, or by an empty one that nothing does any more."""
    if problem != said:
        with contextlib.suppress(OSError):  # the gateway is gone
            sys.stdout.write(" ".join(problem.split()) + "\n")
            sys.stdout.flush()
    return problem


class _Pace:
    """How long to rest between two pieces of work: while many requests come, the index lags rather than slows them."""

    def __init__(self) -> None:
        self._looked_at = time.monotonic()
        self._size: int | None = None

    def pause_after(self, indexer: Indexer) -> float:
        """Do a piece of work; the seconds to rest after it."""
        busy = self._is_busy(indexer.log_bytes)
        read = indexer.advance(_LITTLE if busy else _MUCH)
        return _PAUSE if busy or not read else 0.0

    def _is_busy(self, size: int) -> bool:
        """Whether many requests come. Until there was time to see, a few may come at any moment."""
        now = time.monotonic()
        if self._size is None:
            self._size, self._looked_at = size, now
            return True
        if now - self._looked_at < _PAUSE / 2:
            return False
        rate = (size - self._size) / (now - self._looked_at)
        self._size, self._looked_at = size, now
        return rate > _BUSY_BYTES_A_SECOND


def _stand_back() -> None:
    """Take only what nobody else wants: where a core is fully used, the index waits."""
    os.nice(_NICENESS)
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _ends_within(seconds: float) -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
