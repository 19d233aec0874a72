"""Whose turn it is: which of the waiting texts the model reads next, and which of them together.

First come, first served: whoever is first in the line is read now, and those whose next windows are as long come along
as far as the model reads them together. Nothing waits for company, and a text of many windows goes to the end of the
line after each.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aimux.core.reason import Failure, Reason
from aimux.core.request import Scores, TextTooLong
from aimux.intent.encoder import Vectors
from aimux.intent.reader import TextReader

_LOOK_AHEAD: Final = 64

Result = Scores | TextTooLong | Exception


@dataclass(slots=True, eq=False)
class Job:
    """A text that waits. `deadline` is when its wait for the first window has been too long, on the monotonic clock."""

    text: str
    future: asyncio.Future[Scores | TextTooLong]
    deadline: float
    windows: deque[Sequence[int]] = field(default_factory=deque)
    rows: list[Vectors] = field(default_factory=list)


def _hear_nothing(_: Job, __: Result) -> None:
    """Nobody listens any more."""


class Turns:
    """The line of texts before one model; `settle` hears the result of each, unless it was given up before."""

    def __init__(self, reader: TextReader, settle: Callable[[Job, Result], None]) -> None:
        self._reader = reader
        self._settle = settle
        self._line: deque[Job] = deque()
        self._unfinished: list[Job] = []

    @property
    def waiting(self) -> int:
        """How many texts are in the line."""
        return len(self._line) + len(self._unfinished)

    def join(self, arrived: Iterable[Job]) -> None:
        """Put new texts behind those that wait, and texts that have had their turn behind these."""
        self._line.extend(arrived)
        self._line.extend(self._unfinished)
        self._unfinished.clear()

    def take(self) -> None:
        """Let the model read the windows whose turn it is, in one run."""
        jobs = self._chosen()
        for job, vector in zip(jobs, self._read(jobs), strict=True):
            if isinstance(vector, Exception):
                self._settle(job, vector)
            else:
                self._advance(job, vector)

    def leave(self, why: Failure) -> None:
        """Send everybody away."""
        self.join(())
        for job in self._line:
            self._settle(job, why)
        self._line.clear()
        self._settle = _hear_nothing  # whoever listened may be forgotten

    def _chosen(self) -> list[Job]:
        """The first in the line, with those behind it that the model can read in the same run."""
        chosen: list[Job] = []
        passed: list[Job] = []
        room = length = 0
        for _ in range(min(len(self._line), _LOOK_AHEAD)):
            job = self._line.popleft()
            if not self._ready(job):
                continue
            window = job.windows[0]
            if not chosen:
                room, length = self._reader.room(window), len(window)
            (chosen if len(window) == length else passed).append(job)
            if len(chosen) == room:
                break
        self._line.extendleft(reversed(passed))
        return chosen

    def _ready(self, job: Job) -> bool:
        """Whether a job has a window to be read. One that has not has come to its end."""
        if job.future.cancelled():
            return False
        if not job.rows and time.monotonic() > job.deadline:
            late = "the model could not get to this text in time: try again soon"
            self._settle(job, Failure(Reason.OVERLOADED, late))
            return False
        if job.windows:
            return True
        try:
            windows = self._reader.windows(job.text)
        except Exception as error:  # whatever the tokenizer raises refuses the request that it was raised for
            self._settle(job, error)
            return False
        if isinstance(windows, TextTooLong):
            self._settle(job, windows)
            return False
        job.windows.extend(windows)
        return True

    def _read(self, jobs: Sequence[Job]) -> list[Vectors | Exception]:
        """The vector of each job's next window, as a row of its own, or what the model raised for it."""
        if not jobs:
            return []
        try:
            rows = self._reader.embed([job.windows[0] for job in jobs])
        except Exception as error:  # whatever the model raises refuses the request that it was raised for
            return [error] if len(jobs) == 1 else [each for job in jobs for each in self._read([job])]
        return [rows[place : place + 1] for place in range(len(jobs))]

    def _advance(self, job: Job, vector: Vectors) -> None:
        job.windows.popleft()
        job.rows.append(vector)
        if job.windows:
            self._unfinished.append(job)
            return
        result: Result
        try:
            result = self._reader.scores(job.rows)
        except Exception as error:  # a vector that holds no numbers refuses the request that it was made for
            result = error
        self._settle(job, result)
