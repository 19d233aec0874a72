"""Scoring off the event loop: one thread runs the model, a bounded number of texts wait for it, a cache remembers.

Texts are embedded one window at a time, so that a text's scores never depend on who else is asking, with any model. A
long text gives way to others after each window.
"""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aimux.core.reason import Failure, Reason
from aimux.core.request import Scored, Scores, TextTooLong
from aimux.intent.encoder import Vectors
from aimux.intent.reader import TextReader

_LONGEST_CACHED: Final = 2048
_WAITING_A_RESULT: Final = 4
_MOST_HELD: Final = 8
_LONGEST_HELD: Final = 0.01

_Settled = tuple[asyncio.Future[Scores | TextTooLong], Scores | TextTooLong | Exception]


@dataclass(frozen=True, slots=True)
class ScorerLimits:
    """How many texts' scores are remembered, how many texts may wait for the model, and how long, in seconds."""

    cache_entries: int = 4096
    max_waiting: int = 256
    max_wait: float = 5.0


@dataclass(slots=True)
class _Job:
    text: str
    future: asyncio.Future[Scores | TextTooLong]
    deadline: float
    windows: deque[Sequence[int]] | None = None
    rows: list[Vectors] = field(default_factory=list)


class ThreadedScorer:
    """Scores texts in a thread of its own; belongs to the event loop that it was made on."""

    def __init__(self, reader: TextReader, limits: ScorerLimits) -> None:
        self._reader = reader
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._cache: OrderedDict[str, Scores | TextTooLong] = OrderedDict()
        self._waiting = 0
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._settled: list[_Settled] = []
        self._settled_since = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="aimux-model", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many texts wait for the model or are being read by it."""
        return self._waiting

    def cached(self, text: str) -> Scored | None:
        """The scores of a text seen before."""
        scores = self._cache.get(text)
        if scores is None:
            return None
        self._cache.move_to_end(text)
        return Scored(scores, cached=True)

    async def score(self, text: str) -> Scored:
        """The scores of a text. Raises Failure where too many wait already, or the wait was too long."""
        if self._waiting >= self._limits.max_waiting:
            raise Failure(Reason.OVERLOADED, "too many texts wait for the model: try again soon")
        started = time.monotonic()
        job = _Job(text, self._loop.create_future(), started + self._limits.max_wait)
        self._waiting += 1
        try:
            with self._wake:
                if self._closed:
                    raise Failure(Reason.NOT_READY, "the model has been shut down")
                self._jobs.append(job)
                self._wake.notify()
            scores = await job.future
        finally:
            self._waiting -= 1
        self._remember(text, scores)
        return Scored(scores, seconds=time.monotonic() - started)

    def close(self) -> None:
        """Stop the thread; what still waits is refused."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _remember(self, text: str, scores: Scores | TextTooLong) -> None:
        if len(text) > _LONGEST_CACHED or not self._limits.cache_entries:
            return
        self._cache[text] = scores
        if len(self._cache) > self._limits.cache_entries:
            self._cache.popitem(last=False)

    # In the thread.

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._jobs and not self._closed:
                    self._wake.wait()
                if self._closed:
                    break
                job = self._jobs.popleft()
            if not job.future.cancelled():
                self._step(job)
            if self._worth_telling():
                self._tell()
        for job in self._jobs:
            self._settled.append((job.future, Failure(Reason.NOT_READY, "the model has been shut down")))
        self._tell()

    def _step(self, job: _Job) -> None:
        result: Scores | TextTooLong | Exception | None
        try:
            result = self._advance(job)
        except Exception as error:  # whatever the model raises refuses the request that it was raised for
            result = error
        if result is None:
            with self._wake:
                self._jobs.append(job)
            return
        if not self._settled:
            self._settled_since = time.monotonic()
        self._settled.append((job.future, result))

    def _advance(self, job: _Job) -> Scores | TextTooLong | Failure | None:
        """Read one window more of a job's text; the result once all are read."""
        if job.windows is None:
            if time.monotonic() > job.deadline:
                return Failure(Reason.OVERLOADED, "the model could not get to this text in time: try again soon")
            windows = self._reader.windows(job.text)
            if isinstance(windows, TextTooLong):
                return windows
            job.windows = deque(windows)
        job.rows.append(self._reader.embed(job.windows.popleft()))
        return None if job.windows else self._reader.scores(job.rows)

    def _worth_telling(self) -> bool:
        """Whether the loop should hear of the results now: waking it for each one costs the model its caches.

        The more texts wait, the less a result's own wait matters; where few do, none waits at all.
        """
        if not self._settled:
            return False
        enough = min(1 + len(self._jobs) // _WAITING_A_RESULT, _MOST_HELD)
        return len(self._settled) >= enough or time.monotonic() - self._settled_since > _LONGEST_HELD

    def _tell(self) -> None:
        settled, self._settled = self._settled, []
        if settled and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, settled)


def _settle(settled: Sequence[_Settled]) -> None:
    for future, result in settled:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
