"""The thread that writes what cannot be written at once: it may wait for a reader, the event loop never does."""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Final

from aimux.edge.log_output import Output

_RETRY_SECONDS: Final = 1.0
_PIECE: Final = 8 * 1024
"""Bytes of one write: a slow reader takes them often enough to be told from one that has stalled."""
_BATCH: Final = 16 * 1024
_SLOW: Final = 0.001
_PAUSE: Final = 0.002
"""Seconds in which lines gather, so that the thread wakes once for many, and in which other processes get the lock."""
_POLL: Final = 0.005


class WriterThread:
    """Writes bytes in order. `changed` is called in the thread when writing begins to fail and when it works again.

    It is a daemon: where it waits for a reader, the process can end all the same.
    """

    def __init__(self, output: Output, changed: Callable[[], None]) -> None:
        self.failure: str | None = None
        self.progress = 0
        self._output = output
        self._changed = changed
        self._handed = self._done = 0
        self._lines_handed = self._lines_done = 0
        self._queue: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._run, name="aimux-log", daemon=True).start()

    @property
    def waiting(self) -> int:
        """The bytes that are still to be written; 0 where the thread has nothing in its hands either."""
        return self._handed - self._done

    @property
    def handed(self) -> int:
        """The bytes that the thread was given since its start."""
        return self._handed

    @property
    def done(self) -> int:
        """How many of them it is done with."""
        return self._done

    @property
    def lines_waiting(self) -> int:
        """How many lines are still to be written, one that is written in part included."""
        return self._lines_handed - self._lines_done

    def put(self, data: bytes) -> None:
        """Write these complete lines, or the rest of some, behind all that was put before."""
        self._handed += len(data)
        self._lines_handed += data.count(b"\n")
        self._queue.put(data)

    def wait(self, seconds: float) -> bool:
        """Wait until everything has been written, at most so long; whether it has."""
        end = time.monotonic() + seconds
        while self.waiting and time.monotonic() < end:
            time.sleep(_POLL)
        return not self.waiting

    # In the thread.

    def _run(self) -> None:
        while True:
            batch = self._next()
            began = time.monotonic()
            self._write(memoryview(batch))
            self._done += len(batch)  # with the lock given back: from here on the loop may write at once
            if self._queue.empty() or time.monotonic() - began > _SLOW:
                time.sleep(_PAUSE)

    def _next(self) -> bytes:
        parts = [self._queue.get()]
        size = len(parts[0])
        try:
            while size < _BATCH:
                parts.append(self._queue.get_nowait())
                size += len(parts[-1])
        except Empty:
            pass
        return b"".join(parts)

    def _write(self, left: memoryview) -> None:
        whole = True
        while left:
            try:
                taken = self._output.write(left[:_PIECE])
            except BrokenPipeError:
                taken = len(left)  # nobody reads it any more: that stops nothing
            except OSError as error:
                if whole:
                    self._output.release()
                self._report(error.strerror or type(error).__name__)
                time.sleep(_RETRY_SECONDS)
                continue
            self._report(None)
            self.progress += taken
            self._lines_done += bytes(left[:taken]).count(b"\n")
            whole = left[taken - 1] == ord("\n")
            left = left[taken:]
        self._output.release()

    def _report(self, failure: str | None) -> None:
        if failure != self.failure:
            self.failure = failure
            self._changed()
