"""Under overload the loop rests between its rounds; at any other time it never does."""

import asyncio

import pytest

from aimux.core.headers import Trace
from aimux.core.reason import Reason
from aimux.core.record import Record
from aimux.edge import pacing
from aimux.edge.pacing import Pacing


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The rests that were taken, in seconds."""
    taken: list[float] = []
    monkeypatch.setattr(pacing.time, "sleep", taken.append)
    return taken


def told(*verdicts: str) -> None:
    async def run() -> None:
        pace = Pacing()
        for verdict in verdicts:
            pace.request(Record("r", Trace("f" * 32, "e" * 16), "127.0.0.1", verdict=verdict))
        await asyncio.sleep(0)

    asyncio.run(run())


def test_a_round_that_refused_as_overloaded_rests_once(rests: list[float]) -> None:
    told(*[Reason.OVERLOADED.code] * 5)
    assert len(rests) == 1
    assert 0 < rests[0] < 0.02, "management must answer within a tenth of a second"


def test_every_such_round_rests(rests: list[float]) -> None:
    async def run() -> None:
        pace = Pacing()
        for _ in range(3):
            pace.request(Record("r", Trace("f" * 32, "e" * 16), "127.0.0.1", verdict=Reason.OVERLOADED.code))
            await asyncio.sleep(0)

    asyncio.run(run())
    assert len(rests) == 3


def test_nothing_else_rests(rests: list[float]) -> None:
    told("forward", "fallback", *(reason.code for reason in Reason if reason is not Reason.OVERLOADED))
    assert rests == []
