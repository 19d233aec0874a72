"""A worker as its supervisor sees it: a process, the line to it, and what was asked of it."""

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from aimux.app.messages import Channel, Drained, Inquire, Measure, Measured, Message, TakeOver
from aimux.edge.metrics_sum import Families
from aimux.signals import kept_from_children

_GRACE: Final = 5.0


class Answering(Protocol):
    """A message that answers one with a number."""

    @property
    def number(self) -> int:
        """That of the question."""


A = TypeVar("A", bound=Answering)
Question = Measure | TakeOver | Inquire
"""A worker's question to its supervisor."""


class MemberEndedError(Exception):
    """The worker's process has ended. The message says how."""


class Member:
    """One worker's process. `families` are its metrics as it last sent them, `cut` the requests that it had to cut.

    It has `served` once a configuration was put in force in it. One that is `doomed` was told to end by its supervisor,
    and counts no more. `spoilt` says so where that was because its messages could not be read.
    """

    def __init__(self, index: int, process: Process, channel: Channel) -> None:
        self.index = index
        self.started = asyncio.get_running_loop().time()
        self.families: Families = []
        self.cut = 0
        self.served = False
        self.doomed = False
        self.spoilt = ""
        self._process = process
        self._channel = channel
        self.code: int | None = None
        self._questions: dict[tuple[type[Answering], int], asyncio.Future[Answering]] = {}

    @classmethod
    async def spawn(
        cls, index: int, listening: Sequence[socket.socket], lock: int, operators: Sequence[socket.socket] = ()
    ) -> "Member":
        """Start a worker's process, which listens on sockets of its own, and on those for operators that all share."""
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = [theirs.fileno(), lock, *(each.fileno() for each in (*listening, *operators))]
            numbers = [index, len(operators), *descriptors]
            with kept_from_children():
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "aimux.app.supervised", *map(str, numbers)),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=descriptors,
                    process_group=0,  # what a terminal sends to all, the supervisor alone hears
                )
        return cls(index, process, await Channel.over(ours))

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    async def attend(self, asked: Callable[["Member", Question], None]) -> int:
        """Take its messages until it has ended; its exit code. `asked` hears what it asks of the supervisor."""
        try:
            async for message in self._channel.messages():
                self._take(message, asked)
        except ValueError as error:
            self.spoilt = f", since it sent what cannot be read: {error}"
            self.kill()
        try:
            async with asyncio.timeout(_GRACE):
                code = await self._process.wait()
        except TimeoutError:
            self.kill()
            code = await self._process.wait()
        self.code = code
        await self._channel.close()
        for question in self._questions.values():
            if not question.done():
                question.set_exception(self._ended(code))
        return code

    def send(self, message: Message) -> None:
        """Tell it something."""
        self._channel.send(message)

    async def ask(self, message: Message, number: int, answer: type[A], patience: float) -> A:
        """Tell it something and wait for the answer. Raises MemberEndedError, and TimeoutError."""
        if self.code is not None:
            raise self._ended(self.code)
        future: asyncio.Future[Answering] = asyncio.get_running_loop().create_future()
        self._questions[answer, number] = future
        self._channel.send(message)
        try:
            async with asyncio.timeout(patience):
                found = await future
        finally:
            del self._questions[answer, number]
        if not isinstance(found, answer):
            raise TypeError(f"{type(found).__name__} answers nothing that was asked")
        return found

    def _ended(self, code: int) -> MemberEndedError:
        return MemberEndedError(f"worker {self.index} (pid {self.pid}) {ending(code)}")

    def kill(self) -> None:
        """End it at once."""
        self.doomed = True
        if self._process.returncode is None:
            self._process.kill()

    def _take(self, message: Message, asked: Callable[["Member", Question], None]) -> None:
        match message:
            case Measure() | TakeOver() | Inquire():
                asked(self, message)
                return
            case Measured():
                self.families = message.families
            case Drained():
                self.cut = message.cut
            case _:
                pass
        number = getattr(message, "number", 0)
        question = self._questions.get((type(message), number))  # type: ignore[arg-type]
        if question is not None and not question.done():
            question.set_result(message)  # type: ignore[arg-type]


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    known = {number.value: number.name for number in signal.Signals}
    return f"was killed by {known.get(-code, f'signal {-code}')}"
