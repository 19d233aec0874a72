"""The gateway as one process: started, told to reload, told to stop."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import uvloop

from aimux import __version__
from aimux.app.errors import CHANGED_MEANWHILE, NOT_TAKEN, ReloadError, StartError
from aimux.app.everywhere import Everywhere
from aimux.app.indexing import Indexing, indexing_for
from aimux.app.keeping import claimed
from aimux.app.listening import bind, found_at, url_of
from aimux.app.operators_listening import OperatorsSockets, tell_of
from aimux.app.orders import Orders
from aimux.app.settings import log_settings
from aimux.app.worker import Worker, problems_of
from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError
from aimux.edge.descriptors import shortages
from aimux.edge.log import Log
from aimux.gateway.serving import Serving


def run(loaded: Loaded, *, strict: bool) -> int:
    """Run a gateway until it is told to stop; the exit code. Raises StartError, and ModelError for the model.

    The process has to end then: the loop is not closed, since that would wait for whatever a thread still reads.
    """
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_serve(loaded, strict=strict))


async def _serve(loaded: Loaded, *, strict: bool) -> int:
    orders = Orders()

    def trouble(why: str | None) -> None:
        worker.log_trouble(why)

    async def measure() -> bytes:
        return worker.metrics.render()

    async def serving() -> list[Serving]:
        return [worker.serving]

    async def take_over(new: Loaded) -> tuple[str, ...]:
        return await reloading.take_over(new)

    log = Log(log_settings(loaded.config), trouble)
    claim = claimed(loaded.config.state.path)
    everywhere = Everywhere(measure, serving, take_over)
    worker = Worker(loaded, datetime.now(UTC), log, everywhere, strict=strict, claim=claim)
    indexing: Indexing | None = None
    operators = OperatorsSockets()
    try:
        indexing = await indexing_for(loaded.config, log)
        sockets = await bind(loaded.config.server)
        await operators.open(loaded.config)
        reloading = _Reloading(worker, sockets[0])
        await worker.listen(sockets, operators.sockets)
        for warning in (*loaded.warnings, *shortages(loaded.config.server.max_connections)):
            log.event.warning("configuration", detail=warning)
        log.event.info(
            "listening", url=url_of(loaded.config.server.host, sockets[0].getsockname()[1]), version=__version__
        )
        tell_of(operators, log)
        if await orders.unless_stopped(reloading.first()):
            while not await orders.next_is_stop():
                await orders.unless_stopped(reloading.reload())
        return await _stop(worker)
    finally:
        worker.close()
        claim.close()
        operators.close()
        if indexing is not None:
            await indexing.close()


async def _go_live(worker: Worker, loaded: Loaded) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        made = await worker.prepare(loaded, datetime.now(UTC))
    except ReloadError as error:
        raise StartError(error.problems[0]) from error
    worker.enforce(made)
    if made.engine is not None and made.engine.bundled:
        worker.log.event.info("model", detail="model_path does not exist: using the copy inside the package")
    model = None if made.engine is None else made.engine.encoder.name
    seconds = round(loop.time() - started, 3)
    worker.log.event.info("ready", model=model, config=loaded.digest[:12], seconds=seconds)
    worker.look(made)


class _Reloading:
    """Takes configurations over, one at a time, whoever wants it."""

    def __init__(self, worker: Worker, bound: socket.socket) -> None:
        self._worker = worker
        self._bound = bound
        self._turn = asyncio.Lock()

    async def first(self) -> None:
        """Go live. What operators command meanwhile waits, or what the gateway started with would replace it."""
        async with self._turn:
            await _go_live(self._worker, found_at(self._worker.loaded, self._bound))

    async def reload(self) -> None:
        """Read the configuration file again and take it over or, where anything is wrong, leave all as it was."""
        await self._attempt(self._read)

    async def take_over(self, wanted: Loaded) -> tuple[str, ...]:
        """Take over what the file holds, where it is still what is wanted; the problems where that is not possible."""

        async def read() -> Loaded:
            loaded = await self._read()
            if loaded.digest != wanted.digest:
                raise ReloadError(CHANGED_MEANWHILE)
            return loaded

        return await self._attempt(read)

    async def _read(self) -> Loaded:
        return await asyncio.get_running_loop().run_in_executor(None, load, self._worker.loaded.path, os.environ)

    async def _attempt(self, read: Callable[[], Awaitable[Loaded]]) -> tuple[str, ...]:
        worker, loop = self._worker, asyncio.get_running_loop()
        started = loop.time()
        problems: tuple[str, ...] = ()
        async with self._turn:
            try:
                loaded = await read()
                made = await worker.prepare(found_at(loaded, self._bound), datetime.now(UTC))
                worker.enforce(made)
            except ConfigError as error:
                problems = tuple(map(str, error.problems))
            except Exception as error:  # whatever it is, what is in force stays
                problems = problems_of(error)
            worker.note_reload(problems)
        for problem in problems:
            worker.log.event.error("reload", detail=NOT_TAKEN, problem=problem)
        if not problems:
            for warning in loaded.warnings:
                worker.log.event.warning("configuration", detail=warning)
            worker.log.event.info("reloaded", config=loaded.digest[:12], seconds=round(loop.time() - started, 3))
            worker.look(made)
        return problems


async def _stop(worker: Worker) -> int:
    log = worker.log
    log.event.info("draining", in_flight=worker.in_flight, timeout=worker.loaded.config.server.drain_timeout)
    stopped = await worker.drain()
    if stopped.finished:
        log.event.info("stopped", cut=0)
        return 0
    detail = "requests were cut: they outlasted server.drain_timeout"
    log.event.warning("stopped", cut=stopped.cut, detail=detail)
    return 1
