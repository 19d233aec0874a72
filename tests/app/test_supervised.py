"""A worker that is told something at an awkward moment."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from aimux.app import supervised
from aimux.app.messages import Announce, Drain, Enforce, Measure, Page, Reloaded
from aimux.app.supervised import _Member
from aimux.core.reason import Failure, Reason


class Channel:
    """Keeps what was said to the supervisor."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def send(self, message: Any) -> None:
        self.said.append(message)

    async def close(self) -> None:
        pass


def test_metrics_for_somebody_who_has_left_trouble_nobody() -> None:
    async def main() -> None:
        member = _Member(Channel(), 1, 0, ())  # type: ignore[arg-type]
        asking = asyncio.create_task(member._metrics_of_all())
        for _ in range(3):
            await asyncio.sleep(0)
        ((number, page),) = member._questions.items()
        page.cancel()
        member._do(Page(number, "too late"))
        member._do(Page(number, "twice"))
        assert not member._questions
        await asyncio.wait({asking})

    asyncio.run(main())


def test_a_reload_of_which_nothing_is_heard_is_not_told_as_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "_TAKING_OVER", 0.0)

    async def main() -> Failure:
        member = _Member(Channel(), 1, 0, ())  # type: ignore[arg-type]
        with pytest.raises(Failure) as told:
            await member._take_over(SimpleNamespace(digest="0" * 64))  # type: ignore[arg-type]
        return told.value

    failure = asyncio.run(main())
    assert failure.reason is Reason.NOT_READY
    assert "they may do so yet: look at `workers` in /config" in failure.message


def test_before_its_first_configuration_it_has_nothing_to_say_and_ends_when_told() -> None:
    async def main() -> None:
        channel = Channel()
        member = _Member(channel, 1, 0, ())  # type: ignore[arg-type]
        for message in (Measure(1), Announce(), Reloaded(), Enforce(7), Enforce(8, wanted=False), Drain()):
            member._do(message)
        assert await member.ended == 0
        assert channel.said == []

    asyncio.run(main())


def test_a_worker_that_can_hear_no_more_ends() -> None:
    async def main() -> BaseException | None:
        member = _Member(Channel(), 1, 0, ())  # type: ignore[arg-type]

        async def fails() -> None:
            raise ValueError("no message")

        task = asyncio.create_task(fails())
        task.add_done_callback(member.obeyed)
        await asyncio.wait({member.ended})
        return member.ended.exception()

    assert isinstance(asyncio.run(main()), ValueError)
