"""A scorer over a reader whose windows are words, which are held and let go."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from aimux.core.reason import Failure
from aimux.core.scores import Scores, TextTooLong
from aimux.intent.limits import ScorerLimits
from aimux.intent.reader import Plan
from aimux.intent.scorer import ThreadedScorer

PATIENCE = 20.0


class FakeReader:
    """A reader whose windows are words. Those in `held` wait to be let go; `embedded` are those that were read."""

    def __init__(self):
        self.held = {}
        self.embedded = []
        self.tokenized = []
        self.reached = threading.Semaphore(0)

    def hold(self, word):
        self.held[word] = threading.Event()

    def let_go(self, word):
        self.held[word].set()

    def plan(self, text):
        self.tokenized.append(text)
        if text.startswith("endless"):
            return TextTooLong(9000, 8192)
        if text == "broken":
            raise RuntimeError("no tokens")
        words = tuple(text.split())
        return Plan(words, len(words))

    def room(self, _):
        return 1

    def embed(self, windows):
        (window,) = windows
        self.embedded.append(window)
        self.reached.release()
        if window in self.held:
            assert self.held[window].wait(PATIENCE)
        if window == "faulty":
            raise RuntimeError("no vector")
        return windows

    def scores(self, _, rows):
        return Scores((len(rows) / 10,))


@asynccontextmanager
async def scoring(reader=None, **limits):
    """A scorer over a fake reader, closed at the end."""
    reader = reader or FakeReader()
    scorer = ThreadedScorer(reader, ScorerLimits(**limits))
    try:
        yield scorer, reader
    finally:
        for event in reader.held.values():
            event.set()
        scorer.close()


def run(test):
    """Run a test in a loop of its own, for as long as patience lasts."""
    asyncio.run(asyncio.wait_for(test(), PATIENCE))


async def until(condition):
    """Let others run until the condition holds."""
    while not condition():  # noqa: ASYNC110  (a thread changes it)
        await asyncio.sleep(0.001)


async def reached(reader, times=1):
    """Wait until the model has begun to read so many windows more."""
    for _ in range(times):
        await asyncio.get_running_loop().run_in_executor(None, reader.reached.acquire, True, PATIENCE)


async def begun(scorer, *texts):
    """Begin to score texts, one after the other."""
    tasks = []
    for text in texts:
        waiting = scorer.waiting
        tasks.append(asyncio.create_task(scorer.score(text)))
        await until(lambda waiting=waiting: scorer.waiting == waiting + 1)
    return tasks


async def refusal(awaitable):
    """The reason of a refusal that has to come."""
    with pytest.raises(Failure) as caught:
        await awaitable
    return caught.value.reason
