"""Which workers are taken to hang."""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from aimux.app.member import MemberEndedError
from aimux.app.messages import Message, Ping, Pong
from aimux.app.watching import until_it_hangs


class Worker:
    """Answers, or does not, as told; then it has ended. Keeps how long it was given."""

    def __init__(self, answers: Sequence[bool]) -> None:
        self._answers = list(answers)
        self.given: list[float] = []

    async def ask(self, message: Message, number: int, answer: type[Any], patience: float) -> Any:
        assert message == Ping(number)
        assert answer is Pong
        self.given.append(patience)
        if not self._answers:
            raise MemberEndedError("ended")
        if not self._answers.pop(0):
            raise TimeoutError
        return Pong(number)


def watched(answers: Sequence[bool]) -> Worker:
    """A worker that was watched until it hung."""
    worker = Worker(answers)
    asyncio.run(until_it_hangs(worker, count(1), starting=120, patience=0, most_missed=3))
    return worker


def test_one_that_answers_nothing_any_more_hangs() -> None:
    assert watched([True, True, False, False, False]).given == [120, 0, 0, 0, 0]


def test_one_that_answers_again_does_not() -> None:
    answers = [False, False, True, False, False, True, True]
    with pytest.raises(MemberEndedError):
        watched(answers)
    assert len(watched([*answers, False, False, False]).given) == len(answers) + 3
