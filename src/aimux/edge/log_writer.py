"""Writes the log's lines, and tells when they cannot be written: a request that leaves no trace must not be served."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from typing import Final

_RETRY_SECONDS: Final = 1.0
_MOST_KEPT: Final = 1024 * 1024
_STANDARD_OUTPUT: Final = 1

Write = Callable[[bytes], int]
Tell = Callable[[str | None], None]


def to_standard_output(data: bytes) -> int:
    """Write some of the bytes to standard output; how many. Raises OSError."""
    return os.write(_STANDARD_OUTPUT, data)


def by_turns(write: Write, lock: int) -> Write:
    """The same, while no other process that shares the file `lock` writes: lines of one never part those of another."""

    def write_alone(data: bytes) -> int:
        written = 0
        fcntl.lockf(lock, fcntl.LOCK_EX)
        try:
            while written < len(data):
                written += write(data[written:])
        except OSError:
            if not written:
                raise  # else the next attempt says so
        finally:
            fcntl.lockf(lock, fcntl.LOCK_UN)
        return written

    return write_alone


class TickWriter:
    """Collects lines and writes them together once the loop has come round; at once where no loop runs.

    What cannot be written (a full disk) is kept within bounds, and tried again each second. `tell` hears why it fails,
    and None once it works again; `lost` counts the lines that could not even be kept.
    """

    def __init__(self, write: Write, tell: Tell) -> None:
        self._write = write
        self._tell = tell
        self._waiting: list[str] = []
        self._unwritten = bytearray()
        self._failing = False
        self.lost = 0

    def msg(self, line: str) -> None:
        """Take one line."""
        if self._failing:
            self._keep(line)
            return
        self._waiting.append(line)
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()

    log = debug = info = warn = warning = error = critical = msg

    def flush(self) -> None:
        """Write what was collected. A log that nobody reads any more stops nothing."""
        waiting, self._waiting = self._waiting, []
        for line in waiting:
            self._unwritten += line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            while self._unwritten:
                del self._unwritten[: self._write(bytes(self._unwritten))]
        except BrokenPipeError:
            self._unwritten.clear()
        except OSError as error:
            self._fail(error)
            return
        self._recover()

    def _keep(self, line: str) -> None:
        if len(self._unwritten) < _MOST_KEPT:
            self._unwritten += line.encode("utf-8", "backslashreplace") + b"\n"
        else:
            self.lost += 1

    def _fail(self, error: OSError) -> None:
        if not self._failing:
            self._failing = True
            self._tell(error.strerror or type(error).__name__)
        try:
            asyncio.get_running_loop().call_later(_RETRY_SECONDS, self.flush)
        except RuntimeError:
            return  # no loop runs any more: this was the last attempt

    def _recover(self) -> None:
        if self._failing:
            self._failing = False
            self._tell(None)
