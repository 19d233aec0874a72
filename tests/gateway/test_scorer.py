"""Scoring in a thread: a bounded queue, a deadline, long texts that give way, and a cache that forgets the oldest."""

import asyncio
import gc
import threading
import weakref
from collections import deque
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace

import pytest

import aimux.intent.scorer
import aimux.intent.turns
from aimux.core.reason import Failure, Reason
from aimux.core.request import Scores, TextTooLong
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
    with pytest.raises(Failure) as caught:
        await awaitable
    return caught.value.reason


def test_a_text_is_scored_over_all_its_windows():
    async def test():
        async with scoring() as (scorer, reader):
            found = await scorer.score("one two three")
            assert found.scores == Scores((0.3,))
            assert not found.cached
            assert found.seconds >= 0
            assert reader.embedded == ["one", "two", "three"]
            assert scorer.waiting == 0

    run(test)


def test_a_text_seen_before_comes_from_the_cache():
    async def test():
        async with scoring() as (scorer, reader):
            assert scorer.cached("one two") is None
            await scorer.score("one two")
            found = scorer.cached("one two")
            assert (found.scores, found.cached) == (Scores((0.2,)), True)
            assert scorer.cached("one  two") is None
            assert scorer.cached("One two") is None
            assert reader.tokenized == ["one two"]

    run(test)


def test_the_cache_is_bounded_and_forgets_what_was_used_least_recently():
    async def test():
        async with scoring(cache_entries=3) as (scorer, _):
            for text in ("a", "b", "c"):
                await scorer.score(text)
            assert scorer.cached("a")
            await scorer.score("d")
            assert [text for text in "abcd" if scorer.cached(text)] == ["a", "c", "d"]
            await scorer.score("e")
            assert [text for text in "abcde" if scorer.cached(text)] == ["c", "d", "e"]

    run(test)


def test_long_texts_and_without_room_nothing_is_remembered():
    async def test():
        async with scoring() as (scorer, _):
            for size, kept in ((2048, True), (2049, False)):
                await scorer.score("x" * size)
                assert (scorer.cached("x" * size) is not None) is kept
        async with scoring(cache_entries=0) as (scorer, _):
            await scorer.score("a")
            assert scorer.cached("a") is None

    run(test)


def test_a_text_that_is_too_long_is_not_embedded():
    async def test():
        async with scoring() as (scorer, reader):
            assert (await scorer.score("endless text")).scores == TextTooLong(9000, 8192)
            assert reader.embedded == []

    run(test)


@pytest.mark.parametrize("text", ["broken", "faulty", "one faulty two"])
def test_a_fault_of_the_model_is_the_requests_own(text):
    async def test():
        async with scoring() as (scorer, _):
            with pytest.raises(RuntimeError):
                await scorer.score(text)
            assert scorer.cached(text) is None
            assert scorer.waiting == 0
            assert (await scorer.score("fine")).scores == Scores((0.1,))

    run(test)


def test_a_full_queue_refuses_at_once():
    async def test():
        async with scoring(max_waiting=2) as (scorer, reader):
            reader.hold("slow")
            tasks = await begun(scorer, "slow", "next")
            assert await refusal(scorer.score("third")) is Reason.OVERLOADED
            assert scorer.waiting == 2
            reader.let_go("slow")
            assert [(await task).scores for task in tasks] == [Scores((0.1,))] * 2
            assert (await scorer.score("third")).scores == Scores((0.1,))
            assert reader.embedded == ["slow", "next", "third"]

    run(test)


def test_a_text_that_waited_too_long_is_refused_before_it_costs_anything(monkeypatch):
    now = [1000.0]
    for module in (aimux.intent.scorer, aimux.intent.turns):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    async def test():
        async with scoring(max_wait=5.0) as (scorer, reader):
            reader.hold("slow")
            slow, late = await begun(scorer, "slow more", "late")
            await reached(reader)
            now[0] += 5.001
            (in_time,) = await begun(scorer, "in-time")
            reader.let_go("slow")
            assert await refusal(late) is Reason.OVERLOADED
            assert (await in_time).scores == Scores((0.1,))
            assert (await slow).seconds == pytest.approx(5.001)
            assert "late" not in reader.tokenized
            assert sorted(reader.embedded) == ["in-time", "more", "slow"]

    run(test)


def test_a_long_text_gives_way_to_others_after_each_window():
    async def test():
        async with scoring() as (scorer, reader):
            reader.hold("l1")
            tasks = await begun(scorer, "l1 l2 l3", "short", "m1 m2")
            await reached(reader)
            reader.let_go("l1")
            await asyncio.gather(*tasks)
            assert reader.embedded == ["l1", "short", "m1", "l2", "m2", "l3"]

    run(test)


def test_a_request_that_was_given_up_is_skipped():
    async def test():
        async with scoring() as (scorer, reader):
            for word in ("slow", "l1"):
                reader.hold(word)
            slow, gone, last = await begun(scorer, "slow", "gone", "last")
            await reached(reader)
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            assert scorer.waiting == 2
            reader.let_go("slow")
            await asyncio.gather(slow, last)
            assert reader.tokenized == ["slow", "last"]
            (halfway,) = await begun(scorer, "l1 l2 l3")
            await reached(reader, 2)
            halfway.cancel()
            with suppress(asyncio.CancelledError):
                await halfway
            reader.let_go("l1")
            await scorer.score("after")
            assert reader.embedded == ["slow", "last", "l1", "after"]
            assert scorer.cached("gone") is None
            assert scorer.waiting == 0

    run(test)


def test_a_request_that_was_given_up_in_its_last_window_troubles_nobody():
    async def test():
        troubles = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        async with scoring() as (scorer, reader):
            reader.hold("last")
            (gone,) = await begun(scorer, "last")
            await reached(reader)
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone
            reader.let_go("last")
            assert (await scorer.score("after")).scores == Scores((0.1,))
            assert scorer.cached("last") is None
        assert troubles == []

    run(test)


def test_closing_refuses_what_waits_and_what_comes():
    async def test():
        reader = FakeReader()
        scorer = ThreadedScorer(reader, ScorerLimits())
        reader.hold("now")
        now, long, waiting = await begun(scorer, "now", "l1 l2", "waiting")
        await reached(reader)
        closing = asyncio.get_running_loop().run_in_executor(None, scorer.close)
        await until(lambda: scorer._closed)
        reader.let_go("now")
        await closing
        assert (await now).scores == Scores((0.1,))
        for task in (long, waiting):
            assert await refusal(task) is Reason.NOT_READY
        assert await refusal(scorer.score("late")) is Reason.NOT_READY
        assert reader.embedded == ["now"]
        assert scorer.waiting == 0
        assert not [thread for thread in threading.enumerate() if thread.name == "aimux-model"]

    run(test)


def test_what_is_half_read_when_it_closes_is_refused_too():
    async def test():
        reader = FakeReader()
        scorer = ThreadedScorer(reader, ScorerLimits())
        reader.hold("l1")
        (half,) = await begun(scorer, "l1 l2")
        await reached(reader)
        closing = asyncio.get_running_loop().run_in_executor(None, scorer.close)
        await until(lambda: scorer._closed)
        reader.let_go("l1")
        await closing
        assert await refusal(half) is Reason.NOT_READY
        assert reader.embedded == ["l1"]

    run(test)


def test_a_scorer_that_was_closed_is_forgotten_without_a_collection():
    async def test():
        scorer = ThreadedScorer(FakeReader(), ScorerLimits())
        await scorer.score("one two")
        scorer.close()
        left = weakref.ref(scorer)
        del scorer
        await asyncio.sleep(0)
        assert left() is None

    gc.disable()
    try:
        run(test)
    finally:
        gc.enable()


def test_many_texts_at_once_each_get_their_own_scores():
    async def test():
        async with scoring(max_waiting=100) as (scorer, _):
            texts = deque(" ".join(f"w{i}" for _ in range(i % 7 + 1)) for i in range(60))
            found = await asyncio.gather(*(scorer.score(text) for text in texts))
            assert [one.scores for one in found] == [Scores(((i % 7 + 1) / 10,)) for i in range(60)]

    run(test)


def test_where_many_wait_the_loop_hears_of_several_results_at_once(monkeypatch):
    monkeypatch.setattr(aimux.intent.scorer, "_LONGEST_HELD", PATIENCE)

    async def test():
        async with scoring() as (scorer, reader):
            loop, calls = asyncio.get_running_loop(), []
            told = loop.call_soon_threadsafe

            def counted(settle, settled):
                calls.append(len(settled))
                return told(settle, settled)

            scorer._loop = SimpleNamespace(
                call_soon_threadsafe=counted, is_closed=loop.is_closed, create_future=loop.create_future
            )
            reader.hold("first")
            tasks = await begun(scorer, "first", *(f"text-{number}" for number in range(40)))
            await reached(reader)
            reader.let_go("first")
            found = await asyncio.gather(*tasks)
            assert [each.scores for each in found] == [Scores((0.1,))] * 41
            assert sum(calls) == 41
            assert max(calls) == 8
            assert calls[-3:] == [1, 1, 1], "where nobody waits behind a result, it is told at once"

    run(test)


def test_a_result_is_not_held_behind_slow_texts(monkeypatch):
    monkeypatch.setattr(aimux.intent.scorer, "_LONGEST_HELD", 0.0)

    async def test():
        async with scoring() as (scorer, reader):
            for word in ("first", "slow"):
                reader.hold(word)
            quick, *others = await begun(scorer, "first", "slow", *(f"text-{number}" for number in range(20)))
            await reached(reader)
            reader.let_go("first")
            await quick
            assert not any(task.done() for task in others)
            reader.let_go("slow")
            await asyncio.gather(*others)

    run(test)
