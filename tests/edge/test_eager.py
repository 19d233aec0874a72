"""Eager start: what needs no waiting needs no task, and what waits goes on as in a task of its own."""

import asyncio
import types
from collections.abc import Generator

import pytest

from aimux.edge import eager


def run(main: "types.CoroutineType[object, object, None]") -> None:
    asyncio.run(main)


def test_what_never_waits_is_done_at_once_and_has_no_task() -> None:
    async def main() -> None:
        told: list[str] = []

        async def work() -> None:
            told.append("done")

        assert eager.start(work(), asyncio.get_running_loop()) is None
        assert told == ["done"]

    run(main())


def test_what_waits_goes_on_in_a_task_with_each_result_in_its_place() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in range(3)]
        told: list[object] = []

        async def work() -> None:
            told.append(asyncio.current_task(loop))
            for future in futures:
                result = await future
                told.append(result)
            told.append(asyncio.current_task(loop))

        futures[0].set_result("a")
        task = eager.start(work(), loop)
        assert task is not None
        assert told[1:] == ["a"]  # a result that is there is not waited for
        futures[1].set_result("b")
        futures[2].set_result("c")
        await task
        assert told[1:] == ["a", "b", "c", task]

    run(main())


def test_a_bare_yield_gives_the_others_their_turn() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told: list[str] = []

        async def work() -> None:
            await asyncio.sleep(0)
            async with asyncio.timeout(60):  # needs a task, and has one by now
                told.append("worker")
                await asyncio.sleep(0)

        task = eager.start(work(), loop)
        told.append("caller")
        assert task is not None
        await task
        assert told == ["caller", "worker"]

    run(main())


@pytest.mark.parametrize("waits", [0, 1, 2])
def test_cancelling_reaches_the_coroutine_where_it_waits(waits: int) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told: list[str] = []

        async def work() -> None:
            try:
                for _ in range(waits):
                    await asyncio.sleep(0)
                await loop.create_future()
            except asyncio.CancelledError:
                told.append("cancelled")
                await asyncio.sleep(0)  # cleaning up may wait too
                told.append("cleaned up")
                raise

        task = eager.start(work(), loop)
        assert task is not None
        for _ in range(waits):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert told == ["cancelled", "cleaned up"]
        assert task.cancelled()

    run(main())


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
            await loop.create_future()

        task = eager.start(work(), loop)
        assert task is not None
        future.set_exception(ValueError("broken"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert told == ["broken"]
        task.cancel()

    run(main())


def test_what_fails_before_it_waits_fails_at_the_caller_and_afterwards_in_the_task() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def work(*, wait: bool) -> None:
            if wait:
                await asyncio.sleep(0)
            raise KeyError("x")

        with pytest.raises(KeyError):
            eager.start(work(wait=False), loop)
        task = eager.start(work(wait=True), loop)
        assert task is not None
        with pytest.raises(KeyError):
            await task

    run(main())


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

        task = eager.start(work(), loop)
        assert task is not None
        await task
        assert told == ["back"]

    run(main())
