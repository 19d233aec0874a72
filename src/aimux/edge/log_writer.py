"""Writes the log's lines, and tells when they cannot be written: a request that leaves no trace must not be served."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aimux.edge.log_output import Output
from aimux.edge.log_thread import WriterThread

Tell = Callable[[str | None], None]


@dataclass(frozen=True, slots=True)
class Bounds:
    """When the log counts as stalled, and how much is kept then.

    It has stalled once lines wait and nothing has been written at `looks` looks, one every `interval` seconds; and once
    `stalled` bytes wait. It has recovered once what waited then is written, and at most `recovered` bytes wait.
    """

    interval: float = 0.5
    looks: int = 10
    stalled: int = 4 * 1024 * 1024
    recovered: int = 1024 * 1024
    kept: int = 8 * 1024 * 1024


BOUNDS: Final = Bounds()


class TickWriter:
    """Collects lines and writes them together once the loop has come round; at once where no loop runs.

    It never waits. What cannot be written at once is kept within bounds and written by a thread. `tell` hears, on the
    loop, why the log cannot be written, and None once it can again; `lost` counts the lines that could not be kept.
    """

    def __init__(self, output: Output, tell: Tell, bounds: Bounds = BOUNDS) -> None:
        self._output = output
        self._tell = tell
        self._bounds = bounds
        self._waiting: list[str] = []
        self._thread = WriterThread(output, self._changed)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._progress = 0
        self._still = 0
        self._mark: int | None = None  # in trouble: so much must be done to be out of it
        self.lost = 0

    def msg(self, line: str) -> None:
        """Take one line."""
        self._waiting.append(line)
        if len(self._waiting) == 1:
            try:
                self._loop = asyncio.get_running_loop()
                self._loop.call_soon(self.flush)
            except RuntimeError:
                self._loop = None
                self.flush()

    log = debug = info = warn = warning = error = critical = msg

    def flush(self) -> None:
        """Hand over what was collected. A log that nobody reads any more stops nothing."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        data = "\n".join((*waiting, "")).encode("utf-8", "backslashreplace")
        taken = 0
        if not self._thread.waiting:
            with suppress(OSError):  # the thread meets it too, and says so
                taken = self._output.write_now(data)
        if taken < len(data):
            self._keep(data[taken:])

    def close(self, patience: float) -> int:
        """Write what is left, for so many seconds at most; the number of lines that are lost."""
        self.flush()
        return self.lost + (0 if self._thread.wait(patience) else self._thread.lines_waiting)

    def _keep(self, data: bytes) -> None:
        room = self._bounds.kept - self._thread.waiting
        if len(data) > room:
            end = data.rfind(b"\n", 0, max(room, 0)) + 1
            self.lost += data.count(b"\n", end)
            data = data[:end]
        if data:
            self._thread.put(data)
        if self._timer is None:
            self._still, self._progress = 0, self._thread.progress
            self._arm()
        if self._thread.waiting > self._bounds.stalled:
            self._look()

    def _arm(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._timer = self._loop.call_later(self._bounds.interval, self._look_again)

    def _changed(self) -> None:
        """In the thread: have the loop look."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(self._look)

    def _look_again(self) -> None:
        self._timer = None
        moved = self._thread.progress != self._progress
        self._progress = self._thread.progress
        self._still = 0 if moved else self._still + 1
        self._look()
        if self._thread.waiting or self._mark is not None:
            self._arm()

    def _look(self) -> None:
        """Find out whether the log is in trouble, and tell where that has changed."""
        thread = self._thread
        if self._mark is None:
            if (why := self._trouble()) is not None:
                self._mark = thread.handed
                self._tell(why)
        elif thread.failure is None and thread.done >= self._mark and thread.waiting <= self._bounds.recovered:
            self._mark = None
            self._tell(None)

    def _trouble(self) -> str | None:
        thread, bounds = self._thread, self._bounds
        if thread.failure is not None:
            return thread.failure
        if thread.waiting > bounds.stalled:
            return f"its reader is slow, and {thread.waiting} bytes wait for it"
        if thread.waiting and self._still >= bounds.looks:
            return f"its reader has taken nothing for {bounds.looks * bounds.interval:g} s"
        return None
