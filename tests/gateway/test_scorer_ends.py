"""Texts that are given up and scorers that are closed: what waits is refused, and nobody else is troubled."""

import asyncio
import gc
import threading
import weakref
from contextlib import suppress

from gateway_support.scoring import FakeReader, begun, reached, refusal, run, scoring, until

from aimux.core.reason import Reason
from aimux.core.scores import Scores
from aimux.intent.limits import ScorerLimits
from aimux.intent.scorer import ThreadedScorer


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
