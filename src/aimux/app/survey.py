"""Questions to all workers of a supervisor at once: their metrics, added up, and the configuration of each."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector

from aimux.app.member import Member
from aimux.app.messages import Acknowledged, Inquire, Measure, Measured
from aimux.edge.metrics_sum import added, growing, page, taken_apart
from aimux.gateway.serving import Serving

_PATIENCE: Final = 2.0


class Survey:
    """Asks, and keeps the counts of workers that have ended."""

    def __init__(self, numbers: Iterator[int]) -> None:
        """`numbers` are those of questions, which no other question has."""
        self._numbers = numbers
        self._past = taken_apart([])
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)

    def keep(self, ended: Member) -> None:
        """Count from now on as well what a worker counted that has ended, as it last said."""
        self._past = added([self._past, growing(ended.families)])

    async def metrics(self, members: Sequence[Member]) -> str:
        """The metrics of all, as Prometheus reads them. One that does not answer in time counts as it last said."""
        number = next(self._numbers)
        await asyncio.gather(
            *(member.ask(Measure(number), number, Measured, _PATIENCE) for member in members), return_exceptions=True
        )
        own = taken_apart(self._registry.collect())
        return page(added([*(member.families for member in members), self._past, own])).decode("utf-8")

    async def serving(self, members: Sequence[Member]) -> list[Serving]:
        """The configuration and the standing of each. One that does not answer in time is left out."""
        number = next(self._numbers)
        answers = await asyncio.gather(
            *(member.ask(Inquire(number), number, Acknowledged, _PATIENCE) for member in members),
            return_exceptions=True,
        )
        return [
            Serving(member.index, member.pid, answer.config, answer.standing)
            for member, answer in zip(members, answers, strict=True)
            if isinstance(answer, Acknowledged)
        ]
