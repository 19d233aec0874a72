"""A worker under a supervisor: it does what it is told over the channel, and ends when that is gone."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import uvloop

from aimux.app.errors import ReloadError
from aimux.app.everywhere import Everywhere
from aimux.app.generations import Made
from aimux.app.listening import found_at
from aimux.app.member import Question
from aimux.app.messages import (
    Acknowledged,
    Announce,
    Channel,
    Drain,
    Drained,
    Draining,
    Enforce,
    Enforced,
    Inquire,
    Measure,
    Measured,
    Message,
    Page,
    Ping,
    Pong,
    Prepare,
    Prepared,
    Reloaded,
    TakenOver,
    TakeOver,
    Workers,
)
from aimux.app.readiness import PREPARING
from aimux.app.settings import log_settings
from aimux.app.worker import Worker, problems_of
from aimux.config.load import Loaded, load_text
from aimux.config.problem import ConfigError
from aimux.core.reason import Failure, Reason
from aimux.edge.log import Log
from aimux.edge.log_output import Descriptor, SharedOutput
from aimux.gateway.serving import Serving
from aimux.signals import begin_as_child
from aimux.state.places import StatePlace

T = TypeVar("T", Page, Workers, TakenOver)
_PATIENCE: Final = 5.0
_TOGETHER: Final = 0.5
"""Seconds for which a SIGTERM waits: the supervisor may have had it too, and says that all drain."""
_TAKING_OVER: Final = 2 * PREPARING
_UNANSWERED: Final = "the other workers could not be asked in time: try again"
_UNKNOWN: Final = (
    "it is not known in time whether all workers take the configuration over, and they may do so yet: look at "
    "`workers` in /config before you try again"
)
_STARTING: Final = "the other workers are starting"


class _Member:
    """This process, and what it was told so far. `ended` has the exit code once there is nothing left to do."""

    def __init__(
        self,
        channel: Channel,
        index: int,
        lock: int,
        sockets: Sequence[socket.socket],
        operators: Sequence[socket.socket] = (),
    ) -> None:
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._channel = channel
        self._index = index
        self._lock = lock
        self._sockets = sockets
        self._operators = operators
        self._accepting = False
        self._worker: Worker | None = None
        self._made: dict[int, Made] = {}
        self._unwanted: set[int] = set()  # given up before it was made
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._numbers = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._draining = False
        self._looks = False

    async def obey(self) -> None:
        """Do what the messages say, until the supervisor has nothing more to say; then finish."""
        async for message in self._channel.messages():
            self._do(message)
        self.drain()

    def obeyed(self, task: asyncio.Task[None]) -> None:
        """End where obeying has failed: a worker that is deaf could never be told of another configuration."""
        if not task.cancelled() and (error := task.exception()) and not self.ended.done():
            self.ended.set_exception(error)

    def drain(self, *, accept: bool = False) -> None:
        """Refuse new requests, finish those under way, and end.

        Where the others go on, connections are left to them; where all drain, new ones are told so.
        """
        if not self._draining:
            self._draining = True
            if self._worker is not None and not accept:
                self._worker.accept_no_more()
            self._start(self._drain())

    def close(self) -> None:
        """End at once."""
        if self._worker is not None:
            self._worker.close()

    def _do(self, message: Message) -> None:
        worker = self._worker
        match message:
            case Prepare():
                self._start(self._prepare(message))
            case Enforce():
                self._start(self._enforce(message))
            case Drain():
                self.drain(accept=True)
            case Measure() if worker is not None:
                self._channel.send(Measured(message.number, worker.metrics.families()))
            case Inquire() if worker is not None:
                serving = worker.serving
                self._channel.send(Acknowledged(message.number, serving.config, serving.standing))
            case Page() | Workers() | TakenOver():
                self._hand_over(message)
            case Ping():
                self._channel.send(Pong(message.number))
            case Announce() if worker is not None:
                worker.management.awaiting = None
            case Reloaded() if worker is not None:
                worker.note_reload(message.problems)
            case _:
                pass

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and not self.ended.done():
            self.ended.set_exception(error)

    def _hand_over(self, message: Page | Workers | TakenOver) -> None:
        question = self._questions.pop(message.number, None)
        if question is not None and not question.done():  # who asked may have left
            question.set_result(message)

    async def _prepare(self, message: Prepare) -> None:
        try:
            loaded_at = datetime.fromisoformat(message.loaded_at)
            loaded = await self._loaded(message)
            # One of all tells what is wrong with the routes, and not again where it takes another one's place.
            self._looks = self._index == 1 and (message.accept or self._worker is not None)
            if self._worker is None:
                self._worker = self._new_worker(loaded, loaded_at, message)
            if message.accept:
                await self._accept(self._worker)
            made = await self._worker.prepare(loaded, loaded_at)
        except ConfigError as error:
            return self._channel.send(Prepared(message.number, tuple(map(str, error.problems))))
        except Exception as error:  # whatever it is, what is in force stays
            return self._channel.send(Prepared(message.number, problems_of(error)))
        if message.number in self._unwanted:
            return self._worker.discard(made)
        self._made[message.number] = made
        if made.engine is None:
            return self._channel.send(Prepared(message.number))
        encoder = made.engine.encoder
        return self._channel.send(
            Prepared(message.number, model=encoder.name, model_digest=encoder.digest, bundled=made.engine.bundled)
        )

    async def _loaded(self, message: Prepare) -> Loaded:
        loop = asyncio.get_running_loop()
        home = Path(message.home)
        loaded = await loop.run_in_executor(None, load_text, message.text, message.source, os.environ, home)
        if loaded.digest != message.digest:
            raise ReloadError("worker and supervisor read the same configuration differently: restart the gateway")
        return found_at(loaded, self._sockets[0])

    def _new_worker(self, loaded: Loaded, loaded_at: datetime, message: Prepare) -> Worker:
        def trouble(why: str | None) -> None:
            worker.log_trouble(why)

        log = Log(log_settings(loaded.config), trouble, SharedOutput(Descriptor(), self._lock))
        everywhere = Everywhere(self._metrics_of_all, self._serving_of_all, self._take_over)
        index, strict, place = self._index, message.strict, StatePlace(**message.place)
        worker = Worker(loaded, loaded_at, log, everywhere, index=index, strict=strict, place=place)
        worker.management.awaiting = Failure(Reason.NOT_READY, _STARTING)
        return worker

    async def _accept(self, worker: Worker) -> None:
        if not self._accepting:
            self._accepting = True
            await worker.listen(self._sockets, self._operators)

    async def _enforce(self, message: Enforce) -> None:
        made = self._made.pop(message.number, None)
        if made is None or self._worker is None:
            if not message.wanted:
                self._unwanted.add(message.number)
            return
        if not message.wanted:
            self._worker.discard(made)
            return
        self._worker.enforce(made)
        await self._accept(self._worker)
        self._channel.send(Enforced(message.number))
        if self._looks:
            self._worker.look(made)

    async def _metrics_of_all(self) -> bytes:
        page = await self._ask(Measure(next(self._numbers)), Page, _PATIENCE)
        return page.text.encode("utf-8")

    async def _serving_of_all(self) -> list[Serving]:
        found = await self._ask(Inquire(next(self._numbers)), Workers, _PATIENCE)
        return [Serving(*each) for each in found.workers]

    async def _take_over(self, loaded: Loaded) -> tuple[str, ...]:
        """Have the supervisor put this configuration in force everywhere; the problems where it cannot."""
        order = TakeOver(next(self._numbers), loaded.digest)
        return (await self._ask(order, TakenOver, _TAKING_OVER, _UNKNOWN)).problems

    async def _ask(self, question: Question, answer: type[T], patience: float, unanswered: str = _UNANSWERED) -> T:
        """Ask the supervisor. Raises Failure where it does not answer in time."""
        await asyncio.sleep(0)  # a timeout needs a task, which a request has only once it has waited
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._questions[question.number] = future
        self._channel.send(question)
        try:
            async with asyncio.timeout(patience):
                found = await future
        except TimeoutError as error:
            raise Failure(Reason.NOT_READY, unanswered) from error
        finally:
            self._questions.pop(question.number, None)
        if not isinstance(found, answer):
            raise TypeError(f"{type(found).__name__} answers nothing that was asked")
        return found

    async def _drain(self) -> None:
        if self._worker is None:
            self.ended.set_result(0)
            return
        self._channel.send(Draining(self._worker.in_flight))
        stopped = await self._worker.drain()
        self._channel.send(Measured(0, self._worker.metrics.families()))
        self._channel.send(Drained(stopped.cut))
        await self._channel.close()
        self.ended.set_result(0 if stopped.finished else 1)


async def _serve(index: int, control: int, lock: int, listening: Sequence[int], shared: Sequence[int]) -> int:
    loop = asyncio.get_running_loop()
    channel = await Channel.over(socket.socket(fileno=control))
    own, operators = ([socket.socket(fileno=number) for number in numbers] for numbers in (listening, shared))
    member = _Member(channel, index, lock, own, operators)

    def drain_soon() -> None:
        loop.call_later(_TOGETHER, member.drain)

    def stop(_: int, __: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and so will the process
            loop.call_soon_threadsafe(drain_soon)

    signal.signal(signal.SIGTERM, stop)
    obeying = loop.create_task(member.obey())
    obeying.add_done_callback(member.obeyed)
    try:
        return await member.ended
    finally:
        obeying.cancel()
        member.close()


def main(arguments: Sequence[str]) -> int:
    """Run a worker with its index and the descriptors that it was given; the exit code.

    The descriptors of sockets come last, and of these the `shared` ones for operators.
    """
    # A terminal sends these to all; the supervisor says what follows.
    begin_as_child(ignored=(signal.SIGHUP, signal.SIGINT))
    index, shared, control, lock, *listening = map(int, arguments)
    own = len(listening) - shared
    # Not closed, as in `alone.run`.
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(
        _serve(index, control, lock, listening[:own], listening[own:])
    )


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # whatever a thread still reads is not waited for
