"""Whose turn it is: which of the waiting texts the model reads next, and which of them together.

First come, first served: whoever is first in the line is read now, and those whose next windows are as long come along
as far as the model reads them together. Nothing waits for company, and a text of which more is to be read goes to the
end of the line after each run.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aimux.core.reason import Failure, Reason
from aimux.core.scores import Found
from aimux.intent.encoder import Vectors
from aimux.intent.reader import Plan, TextReader

_LOOK_AHEAD: Final = 64

Result = Found | Exception

_Turn = list[tuple["Job", Sequence[int]]]


@dataclass(slots=True, eq=False)
class Job:
    """A text that waits. `deadline` is when its wait for the first window has been too long, on the monotonic clock."""

    text: str
    future: asyncio.Future[Found]
    deadline: float
    plan: Plan | None = None
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
        turn = self._chosen()
        failed: dict[int, Exception] = {}
        for (job, _), vector in zip(turn, self._read([window for _, window in turn]), strict=True):
            if isinstance(vector, Exception):
                failed.setdefault(id(job), vector)
            else:
                job.rows.append(vector)
        for job in {id(job): job for job, _ in turn}.values():
            if id(job) in failed:
                self._settle(job, failed[id(job)])
            else:
                self._advance(job)

    def leave(self, why: Failure) -> None:
        """Send everybody away."""
        self.join(())
        for job in self._line:
            self._settle(job, why)
        self._line.clear()
        self._settle = _hear_nothing  # whoever listened may be forgotten

    def _chosen(self) -> _Turn:
        """The first in the line, with what else of it and of those behind it the model can read in the same run."""
        chosen: _Turn = []
        passed: list[Job] = []
        room = length = 0
        for _ in range(min(len(self._line), _LOOK_AHEAD)):
            job = self._line.popleft()
            if not self._ready(job):
                continue
            if not chosen:
                room, length = self._reader.room(job.windows[0]), len(job.windows[0])
            if len(job.windows[0]) != length:
                passed.append(job)
                continue
            while job.windows and len(job.windows[0]) == length and len(chosen) < room:
                chosen.append((job, job.windows.popleft()))
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
            plan = self._reader.plan(job.text)
        except Exception as error:  # whatever the tokenizer raises refuses the request that it was raised for
            self._settle(job, error)
            return False
        if not isinstance(plan, Plan):
            self._settle(job, plan)
            return False
        job.plan = plan
        job.windows.extend(plan.windows)
        return True

    def _read(self, windows: Sequence[Sequence[int]]) -> list[Vectors | Exception]:
        """The vector of each window, as a row of its own, or what the model raised for it."""
        if not windows:
            return []
        try:
            rows = self._reader.embed(windows)
        except Exception as error:  # whatever the model raises refuses the request that it was raised for
            return [error] if len(windows) == 1 else [each for window in windows for each in self._read([window])]
        return [rows[place : place + 1] for place in range(len(windows))]

    def _advance(self, job: Job) -> None:
        """Let a job of which everything was read have its scores, and put any other back in line."""
        if job.windows or job.plan is None:
            self._unfinished.append(job)
            return
        result: Result
        try:
            result = self._reader.scores(job.plan, job.rows)
        except Exception as error:  # a vector that holds no numbers refuses the request that it was made for
            result = error
        self._settle(job, result)
