"""Scoring in a thread: a bounded queue, a deadline, long texts that give way, and a cache that forgets the oldest."""

import asyncio
from collections import deque
from types import SimpleNamespace

import pytest
from gateway_support.scoring import PATIENCE, begun, reached, refusal, run, scoring

import aimux.intent.scorer
import aimux.intent.turns
from aimux.core.reason import Reason
from aimux.core.scores import Scores, TextTooLong


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
