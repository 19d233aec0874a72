"""Watchdog of workers: one whose event loop stands still keeps the connections that the kernel goes on giving it."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, Protocol

from aimux.app.member import A, Member, MemberEndedError
from aimux.app.messages import Message, Ping, Pong
from aimux.app.readiness import PREPARING
from aimux.edge.log import Log

PATIENCE: Final = 5.0
"""Seconds that an answer may take, and between two questions."""
MOST_MISSED: Final = 4
"""So many answers in a row: one is missed by a whole machine that was stopped for a while, and goes on."""


class Watched(Protocol):
    """A worker that can be asked."""

    async def ask(self, message: Message, number: int, answer: type[A], patience: float) -> A:
        """Ask, and wait for the answer. Raises MemberEndedError, and TimeoutError."""


async def until_it_hangs(
    member: Watched,
    numbers: Iterator[int],
    *,
    starting: float,
    patience: float = PATIENCE,
    most_missed: int = MOST_MISSED,
) -> None:
    """Return once a worker has left `most_missed` questions in a row unanswered. Raises MemberEndedError.

    `starting` is what the first answer may take: the process has to start before.
    """
    missed, may_take = 0, starting
    while missed < most_missed:
        number = next(numbers)
        try:
            await member.ask(Ping(number), number, Pong, may_take)
        except TimeoutError:
            missed += 1
        else:
            missed = 0
            await asyncio.sleep(patience)
        may_take = patience


async def end_if_it_hangs(member: Member, numbers: Iterator[int], log: Log) -> None:
    """End a worker once it hangs, and say so; the supervisor replaces it like any that ends."""
    with suppress(MemberEndedError):
        await until_it_hangs(member, numbers, starting=PREPARING)
        problem = f"its event loop has not turned for {PATIENCE * MOST_MISSED:.0f} s"
        log.event.error("worker", worker=member.index, pid=member.pid, problem=problem, detail="it is ended")
        member.kill()
