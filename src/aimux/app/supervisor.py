"""The supervisor of several workers: one port, one configuration, one set of metrics, one end.

It serves no request itself. A configuration is put in force in two steps, so that all workers have it or none: each
makes it ready, and only when all have done so each is told to serve by it.
"""

import asyncio
import os
import socket
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import astuple, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from aimux.app.errors import CHANGED_MEANWHILE, NOT_TAKEN, ReloadError, RestartNeededError, StartError
from aimux.app.listening import SharedPort
from aimux.app.member import Member, Question, ending
from aimux.app.messages import (
    Announce,
    Drain,
    Draining,
    Enforce,
    Enforced,
    Inquire,
    Measure,
    Page,
    Prepared,
    Reloaded,
    TakenOver,
    TakeOver,
    Workers,
)
from aimux.app.readiness import PREPARING, Answer, model_among, problems_among
from aimux.app.survey import Survey
from aimux.app.wanted import Wanted
from aimux.app.watching import end_if_it_hangs
from aimux.config.lasting import lasting_changes
from aimux.config.load import load
from aimux.config.problem import ConfigError
from aimux.core.fault import fault_of
from aimux.edge.log import Log

_ANSWERING: Final = 5.0
_FLUSHING: Final = 10.0
_SETTLED: Final = 60.0
_OTHER_MODEL: Final = (
    "the model's file is not the one in force any more: reload to take it over, or put the old one back"
)
_PAUSES: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before a worker is replaced: the more, the sooner its predecessors have ended."""


class Supervisor:
    """Starts workers, keeps their number, and speaks to all of them."""

    def __init__(self, wanted: Wanted, log: Log, port: SharedPort, lock: int) -> None:
        """Listen for all workers already: who connects from now on waits for them. Raises StartError."""
        self._in_force = wanted
        self._model_digest: str | None = None
        self._last_reload: Reloaded | None = None
        self._log = log
        self._port = port
        self._first = [port.open(listening=True) for _ in range(wanted.loaded.config.server.workers)]
        self._lock = lock
        self._operators: tuple[socket.socket, ...] = ()
        self._members: list[Member] = []
        self._numbers = count(1)
        self._turn = asyncio.Lock()  # one at a time changes what is in force, or who serves
        self._tasks: set[asyncio.Task[None]] = set()
        self._survey = Survey(self._numbers)
        self._early_ends = 0
        self._started = False
        self._stopping = asyncio.Event()

    def share(self, sockets: Sequence[socket.socket]) -> None:
        """Have every worker that is started from now on accept operators from these: whichever does, answers."""
        self._operators = tuple(sockets)

    async def start(self) -> None:
        """Start every worker, and put the configuration in force once all are ready. Raises StartError."""
        began = asyncio.get_running_loop().time()
        wanted = self._in_force.loaded.config.server.workers
        async with self._turn:
            members = [await self._spawn(index, self._first[index - 1]) for index in range(1, wanted + 1)]
            prepared = await self._prepare(members, self._in_force, accept=True)
            if problems := problems_among(members, prepared):
                raise StartError(problems[0])
            self._started = True  # from here on, whoever ends is replaced
            for member in members:
                if member not in self._members:
                    self._do(self._succeed(member.index, 0.0))
            self._model_digest = model_among(prepared)
            await self._enforce(members)
            self._announce(members)
        first = prepared[0]
        if isinstance(first, Prepared) and first.bundled:
            self._log.event.info("model", detail="model_path does not exist: using the copy inside the package")
        self._log.event.info(
            "ready",
            model=first.model if isinstance(first, Prepared) else None,
            config=self._in_force.loaded.digest[:12],
            seconds=round(asyncio.get_running_loop().time() - began, 3),
            workers=wanted,
        )

    async def reload(self, digest: str | None = None) -> tuple[str, ...]:
        """Read the configuration file again; every worker takes it over or, where anything is wrong, none does.

        Only a configuration of this digest, where one is given; the problems.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with self._turn:
            try:
                problems = await self._take_over(digest)
            except Exception as error:  # whatever it is, what is in force stays
                problems = (f"a fault: {fault_of(error)}",)
            self._last_reload = Reloaded(problems)
            for member in self._members:
                member.send(self._last_reload)
        for problem in problems:
            self._log.event.error("reload", detail=NOT_TAKEN, problem=problem)
        if not problems:
            loaded = self._in_force.loaded
            for warning in loaded.warnings:
                self._log.event.warning("configuration", detail=warning)
            self._log.event.info("reloaded", config=loaded.digest[:12], seconds=round(loop.time() - began, 3))
        return problems

    async def stop(self) -> int:
        """Drain every worker; the exit code."""
        self._stopping.set()
        timeout = self._in_force.loaded.config.server.drain_timeout
        members = list(self._members)
        answers = await asyncio.gather(
            *(member.ask(Drain(), 0, Draining, _ANSWERING) for member in members), return_exceptions=True
        )
        in_flight = sum(answer.in_flight for answer in answers if isinstance(answer, Draining))
        self._log.event.info("draining", in_flight=in_flight, timeout=timeout)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout + _FLUSHING):
                await asyncio.gather(*self._tasks, return_exceptions=True)
        killed = sum(member.served for member in self._members)
        self.kill()
        killed += sum(member.served and member.code is not None and member.code < 0 for member in members)
        cut = sum(member.cut for member in members)
        if not cut and not killed:
            self._log.event.info("stopped", cut=0)
            return 0
        detail = "requests were cut: they outlasted server.drain_timeout"
        self._log.event.warning("stopped", cut=cut, killed=killed, detail=detail)
        return 1

    def kill(self) -> None:
        """End every worker at once."""
        self._stopping.set()
        for member in self._members:
            member.kill()

    # Workers come and go.

    async def _spawn(self, index: int, sockets: Sequence[socket.socket]) -> Member:
        try:
            member = await Member.spawn(index, sockets, self._lock, self._operators)
        finally:
            # They are the worker's alone: when it dies, nobody can connect to nobody.
            for each in sockets:
                each.close()
        self._members.append(member)
        self._do(self._attend(member))
        return member

    async def _attend(self, member: Member) -> None:
        watching = asyncio.get_running_loop().create_task(end_if_it_hangs(member, self._numbers, self._log))
        code = await member.attend(self._asked)
        watching.cancel()
        self._members.remove(member)
        self._survey.keep(member)
        if self._stopping.is_set() or not self._started:
            return
        lived = asyncio.get_running_loop().time() - member.started
        self._early_ends = 0 if lived > _SETTLED else min(self._early_ends + 1, len(_PAUSES))
        pause = _PAUSES[max(self._early_ends - 1, 0)]
        detail = "a new one takes its place" if not pause else f"a new one takes its place in {pause:.0f} s"
        problem = f"{ending(code)}{member.spoilt}"
        self._log.event.error("worker", worker=member.index, pid=member.pid, problem=problem, detail=detail)
        await self._succeed(member.index, pause)

    async def _succeed(self, index: int, pause: float) -> None:
        """Put a new worker in a place, after a pause, however often it takes."""
        while not await self._stops_within(pause):
            try:
                await self._replace(index)
            except (StartError, OSError) as error:
                pause = _PAUSES[-1]
                detail = f"tried again in {pause:.0f} s"
                self._log.event.error("worker", worker=index, problem=str(error), detail=detail)
            else:
                return

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def _replace(self, index: int) -> None:
        async with self._turn:
            if self._stopping.is_set():
                return
            member = await self._spawn(index, self._port.open(listening=False))
            prepared = await self._prepare([member], self._in_force, accept=False)
            problems = problems_among([member], prepared)
            if not problems and model_among(prepared) != self._model_digest:
                problems = (_OTHER_MODEL,)
            if problems or self._stopping.is_set():
                for problem in problems:
                    self._log.event.error("worker", worker=index, pid=member.pid, problem=problem)
                member.kill()
                return
            await self._enforce([member])
            self._announce([member])
            if self._last_reload is not None:
                member.send(self._last_reload)
        self._log.event.info("worker", worker=index, pid=member.pid, detail="serves")

    # All of them have a configuration, or none.

    async def _take_over(self, digest: str | None) -> tuple[str, ...]:
        """Put the configuration file in force as it stands now; the problems where that is not possible."""
        old = self._in_force.loaded
        try:
            loaded = await asyncio.get_running_loop().run_in_executor(None, load, old.path, os.environ)
            if changed := lasting_changes(old.config, loaded.config):
                raise RestartNeededError(changed)
            if digest not in {None, loaded.digest}:
                raise ReloadError(CHANGED_MEANWHILE)
        except ConfigError as error:
            return tuple(map(str, error.problems))
        except ReloadError as error:
            return error.problems
        new = replace(self._in_force, loaded=loaded, loaded_at=datetime.now(UTC))
        members = [each for each in self._members if not each.doomed]
        if not members:
            return ("no worker serves that could try it: see why in the log, and reload again",)
        prepared = await self._prepare(members, new, accept=False)
        if problems := problems_among(members, prepared):
            for member, answer in zip(members, prepared, strict=True):
                member.send(Enforce(self._last, wanted=False))
                if isinstance(answer, TimeoutError):
                    member.kill()  # it is replaced by one that listens
            return problems
        self._in_force, self._model_digest = new, model_among(prepared)
        await self._enforce(members)
        return ()

    async def _prepare(self, members: Sequence[Member], wanted: Wanted, *, accept: bool) -> list[Answer]:
        self._last = next(self._numbers)
        message = wanted.prepare(self._last, accept=accept)
        return await asyncio.gather(
            *(member.ask(message, self._last, Prepared, PREPARING) for member in members), return_exceptions=True
        )

    async def _enforce(self, members: Sequence[Member]) -> None:
        """Put in force what was prepared last. A worker that does not is ended, and replaced by one that does."""
        answers = await asyncio.gather(
            *(member.ask(Enforce(self._last), self._last, Enforced, _ANSWERING) for member in members),
            return_exceptions=True,
        )
        for member, answer in zip(members, answers, strict=True):
            if isinstance(answer, BaseException):
                why = f"it did not put the configuration in force and is ended: {fault_of(answer)}"
                self._log.event.error("worker", worker=member.index, pid=member.pid, problem=why)
                member.kill()
            else:
                member.served = True

    def _announce(self, members: Sequence[Member]) -> None:
        for member in members:
            member.send(Announce())

    # What workers ask.

    def _asked(self, member: Member, question: Question) -> None:
        match question:
            case Measure():
                self._do(self._measure(member, question.number))
            case Inquire():
                self._do(self._inquire(member, question.number))
            case TakeOver():
                self._do(self._obey(member, question))

    async def _obey(self, member: Member, order: TakeOver) -> None:
        member.send(TakenOver(order.number, await self.reload(order.digest)))

    async def _inquire(self, asking: Member, number: int) -> None:
        serving = await self._survey.serving(tuple(self._members))
        asking.send(Workers(number, [astuple(each) for each in serving]))

    async def _measure(self, asking: Member, number: int) -> None:
        asking.send(Page(number, await self._survey.metrics(tuple(self._members))))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._log.event.error("fault", detail="in the supervisor", error=fault_of(error))
