"""Scoring off the event loop: one thread runs the model, a bounded number of texts wait for it, a cache remembers.

A text's scores never depend on who else is asking, whether it was read alone, together with others, or before.
"""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Final

from aimux.core.reason import Failure, Reason
from aimux.core.scores import Found, Scored
from aimux.intent.limits import ScorerLimits
from aimux.intent.reader import TextReader
from aimux.intent.turns import Job, Result, Turns

_LONGEST_CACHED: Final = 2048
_WAITING_A_RESULT: Final = 4
_MOST_HELD: Final = 8
_LONGEST_HELD: Final = 0.01

_Settled = tuple[asyncio.Future[Found], Result]


class ThreadedScorer:
    """Scores texts in a thread of its own; belongs to the event loop that it was made on."""

    def __init__(self, reader: TextReader, limits: ScorerLimits) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._cache: OrderedDict[str, Found] = OrderedDict()
        self._waiting = 0
        self._arrived: deque[Job] = deque()
        self._turns = Turns(reader, self._note)
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
        job = Job(text, self._loop.create_future(), started + self._limits.max_wait)
        self._waiting += 1
        try:
            with self._wake:
                if self._closed:
                    raise Failure(Reason.NOT_READY, "the model has been shut down")
                self._arrived.append(job)
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
        self._cache.clear()

    def _remember(self, text: str, scores: Found) -> None:
        if len(text) > _LONGEST_CACHED or not self._limits.cache_entries:
            return
        self._cache[text] = scores
        if len(self._cache) > self._limits.cache_entries:
            self._cache.popitem(last=False)

    # In the thread.

    def _run(self) -> None:
        while self._let_in():
            self._turns.take()
            if self._worth_telling():
                self._tell()
        self._turns.join(self._arrived)
        self._turns.leave(Failure(Reason.NOT_READY, "the model has been shut down"))
        self._tell()

    def _let_in(self) -> bool:
        """Let what has arrived stand in line, once there is anything to read; False when the scorer is closed."""
        with self._wake:
            while not self._arrived and not self._turns.waiting and not self._closed:
                self._wake.wait()
            if self._closed:
                return False
            self._turns.join(self._arrived)
            self._arrived.clear()
            return True

    def _note(self, job: Job, result: Result) -> None:
        if not self._settled:
            self._settled_since = time.monotonic()
        self._settled.append((job.future, result))

    def _worth_telling(self) -> bool:
        """Whether the loop should hear of the results now: waking it for each one costs the model its caches.

        The more texts wait, the less a result's own wait matters; where few do, none waits at all.
        """
        if not self._settled:
            return False
        enough = min(1 + self._turns.waiting // _WAITING_A_RESULT, _MOST_HELD)
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
