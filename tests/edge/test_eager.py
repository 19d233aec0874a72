"""Eager start: what needs no waiting needs no task, and what waits goes on as in a task of its own."""

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

from aimux.edge import eager

Main = Callable[[], Coroutine[Any, Any, None]]


def run(main: Main) -> list[dict[str, Any]]:
    """Run it; what was reported to the loop."""
    reported: list[dict[str, Any]] = []

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        await main()

    asyncio.run(whole())
    return reported


async def others(times: int = 3) -> None:
    """Let the others have their turn."""
    for _ in range(times):
        await asyncio.sleep(0)


def test_what_never_waits_is_done_at_once() -> None:
    async def main() -> None:
        told: list[str] = []

        async def work() -> None:
            told.append("done")

        assert eager.start(work(), asyncio.get_running_loop()) is None
        assert told == ["done"]

    assert run(main) == []


def test_what_waits_for_futures_goes_on_with_each_result_in_its_place_and_has_no_task() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in range(3)]
        told: list[object] = []

        async def work() -> None:
            for future in futures:
                result = await future
                told.append((result, asyncio.current_task(loop)))

        futures[0].set_result("a")
        tasks = asyncio.all_tasks()
        assert eager.start(work(), loop) is not None
        assert [result for result, _ in told] == ["a"]  # type: ignore[misc]  # one that is there is not waited for
        for place, result in ((1, "b"), (2, "c")):
            await others()
            assert len(told) == place
            futures[place].set_result(result)
        await others()
        assert [result for result, _ in told] == ["a", "b", "c"]  # type: ignore[misc]
        assert [task for _, task in told[1:]] == [None, None]  # type: ignore[misc]
        assert asyncio.all_tasks() == tasks

    assert run(main) == []


def test_a_bare_yield_gives_the_others_their_turn_and_a_task_from_there_on() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told: list[str] = []
        future = loop.create_future()

        async def work() -> None:
            await future
            await asyncio.sleep(0)
            async with asyncio.timeout(60):  # needs a task, and has one by now
                told.append("worker")
                await asyncio.sleep(0)
            told.append("end")

        assert eager.start(work(), loop) is not None
        told.append("caller")
        future.set_result(None)
        await others(6)
        assert told == ["caller", "worker", "end"]

    assert run(main) == []


@pytest.mark.parametrize("waits", [0, 1, 2])
@pytest.mark.parametrize("bare", [True, False], ids=["after yields", "after futures"])
def test_cancelling_reaches_the_coroutine_where_it_waits(waits: int, bare: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told: list[str] = []
        futures = [loop.create_future() for _ in range(waits)]

        async def work() -> None:
            try:
                for future in futures:
                    await (asyncio.sleep(0) if bare else future)
                await loop.create_future()
            except asyncio.CancelledError:
                told.append("cancelled")
                await asyncio.sleep(0)  # cleaning up may wait too
                told.append("cleaned up")
                raise

        waiting = eager.start(work(), loop)
        assert waiting is not None
        for future in futures:
            future.set_result(None)
            await others(2)
        waiting.cancel()
        await others(5)
        assert told == ["cancelled", "cleaned up"]

    assert run(main) == []


def test_cancelling_reaches_it_too_when_what_it_waits_for_is_done_in_the_same_moment() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told: list[str] = []
        future = loop.create_future()

        async def work() -> None:
            try:
                await future
                told.append("went on")
            except asyncio.CancelledError:
                told.append("cancelled")
                raise

        waiting = eager.start(work(), loop)
        assert waiting is not None
        future.set_result(None)
        waiting.cancel()
        await others()
        assert told == ["cancelled"]

    assert run(main) == []


def test_who_takes_a_cancellation_for_an_answer_goes_on() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told: list[str] = []
        second = loop.create_future()

        async def work() -> None:
            try:
                await loop.create_future()
            except asyncio.CancelledError:
                told.append("cancelled")
            told.append(await second)

        waiting = eager.start(work(), loop)
        assert waiting is not None
        waiting.cancel()
        await others()
        second.set_result("went on")
        await others()
        assert told == ["cancelled", "went on"]

    assert run(main) == []


def test_a_failed_future_is_raised_where_it_is_awaited() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        told: list[str] = []

        async def work() -> None:
            try:
                await future
            except ValueError as error:
                told.append(str(error))

        assert eager.start(work(), loop) is not None
        future.set_exception(ValueError("broken"))
        await others()
        assert told == ["broken"]

    assert run(main) == []


def test_what_fails_before_it_waits_fails_at_the_caller() -> None:
    async def main() -> None:
        async def work() -> None:
            raise KeyError("x")

        with pytest.raises(KeyError):
            eager.start(work(), asyncio.get_running_loop())

    assert run(main) == []


def test_what_fails_after_it_has_waited_is_reported_to_the_loop() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        async def work() -> None:
            await future
            raise KeyError("x")

        assert eager.start(work(), loop) is not None
        future.set_result(None)
        await others()

    (context,) = run(main)
    assert isinstance(context["exception"], KeyError)


def test_it_waits_for_anything_that_a_task_can_wait_for() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        @types.coroutine
        def twice() -> Generator[None, None, str]:
            yield
            yield
            return "back"

        told: list[str] = []

        async def work() -> None:
            told.append(await twice())
            await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0))
            told.append(await loop.run_in_executor(None, lambda: "thread"))

        assert eager.start(work(), loop) is not None
        while len(told) < 2:  # noqa: ASYNC110  (a thread takes its time)
            await asyncio.sleep(0)
        assert told == ["back", "thread"]

    assert run(main) == []
