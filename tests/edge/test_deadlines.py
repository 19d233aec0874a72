"""Deadlines: each is kept, and many that are due together leave room for others in between."""

import asyncio
from dataclasses import dataclass, field

from aimux.edge.deadlines import NEVER, Deadlines


@dataclass(eq=False)
class Held:
    """Something that is watched, and tells when it is over."""

    told: list[object]
    deadline: float = 0.0
    then: list["Held"] = field(default_factory=list)

    def expire(self) -> None:
        self.told.append(self)
        self.deadline = NEVER
        for other in self.then:
            other.deadline = NEVER


async def swept(deadlines: Deadlines, told: list[object], count: int) -> None:
    """Wait until so many were told of their deadline."""
    async with asyncio.timeout(20):
        while len([one for one in told if isinstance(one, Held)]) < count:  # noqa: ASYNC110  (it is told in callbacks)
            await asyncio.sleep(0.001)


def test_many_that_are_due_together_are_told_in_turns_with_everybody_else() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        told: list[object] = []
        deadlines = Deadlines(0.001)
        for _ in range(1000):
            deadlines.watch(Held(told))

        def other() -> None:
            told.append("another")
            loop.call_soon(other)

        loop.call_soon(other)
        await swept(deadlines, told, 1000)
        deadlines.close()
        longest, since = 0, 0
        for one in told:
            since = since + 1 if isinstance(one, Held) else 0
            longest = max(longest, since)
        assert longest <= 20

    asyncio.run(main())


def test_what_is_no_longer_due_when_its_turn_comes_is_left_alone() -> None:
    async def main() -> None:
        told: list[object] = []
        deadlines = Deadlines(0.001)
        spared = Held(told)
        forgotten = Held(told)
        first = [Held(told, then=[spared]) for _ in range(100)]
        for one in (spared, forgotten, *first):
            one.deadline = asyncio.get_running_loop().time() + 0.01
            deadlines.watch(one)
        deadlines.forget(forgotten)
        late = Held(told, NEVER)
        deadlines.watch(late)
        await swept(deadlines, told, 100)
        deadlines.close()
        assert forgotten not in told
        assert late not in told

    asyncio.run(main())


def test_looking_more_often_begins_at_once_and_not_behind_the_look_that_was_due() -> None:
    async def main() -> None:
        told: list[object] = []
        deadlines = Deadlines(1000.0)
        deadlines.watch(Held(told))
        deadlines.look_every(0.001)
        await swept(deadlines, told, 1)
        deadlines.close()
        deadlines.look_every(0.002)  # a gateway that ends looks no more

    asyncio.run(main())
