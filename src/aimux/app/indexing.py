"""The process that keeps the audit log's index up to date: started with the gateway, and again when it ends early."""

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Final

from aimux.config.schema import Config
from aimux.edge.log import Log
from aimux.signals import kept_from_children

_PAUSE: Final = 10.0
_ENDING: Final = 2.0


async def indexing_for(config: Config, log: Log) -> "Indexing | None":
    """Begin to index the log that a configuration names, if it names one."""
    if not config.audit.enabled:
        return None
    event = log.event
    indexing = Indexing(
        config.audit.path,
        lambda what: event.warning("audit", detail=what),
        lambda what: event.info("audit", detail=what),
    )
    await indexing.started.wait()
    return indexing


class Indexing:
    """Runs `aimux.audit.indexing` over a log as long as the gateway runs.

    `warn` hears when it ends early and what stands in its way, `note` when nothing does any more.
    """

    def __init__(self, log: Path, warn: Callable[[str], None], note: Callable[[str], None]) -> None:
        self.started = asyncio.Event()
        self._log = log
        self._warn, self._note = warn, note
        self._process: Popen[bytes] | None = None
        self._ended: asyncio.Future[int] | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            try:
                code = await self._run_once()
                self._warn(f"the process that builds the audit log's index ended ({code}) and is started again")
            except OSError as error:
                self._warn(f"the process that builds the audit log's index cannot be started: {error}")
            finally:
                self.started.set()
            await asyncio.sleep(_PAUSE)

    async def _run_once(self) -> int:
        # It ends when its input does: when this process has, however that came about. Popen, since a child process
        # of uvloop's begins with every signal let in.
        with kept_from_children():
            self._process = Popen(  # noqa: S603, ASYNC220  (our own words; a millisecond, once)
                [sys.executable, "-P", "-m", "aimux.audit.indexing", str(self._log)],
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,  # what a terminal sends to all is the gateway's to judge
            )
        self._ended = _ending(self._process, self._tell)
        self.started.set()
        return await asyncio.shield(self._ended)

    def _tell(self, line: bytes) -> None:
        problem = line.decode("utf-8", "replace").strip()
        if problem:
            self._warn(f"the index of the audit log cannot be brought up to date: {problem}; it is tried again")
        else:
            self._note("the index of the audit log is brought up to date again")

    async def close(self) -> None:
        """End it, and wait for that."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        process, ended = self._process, self._ended
        if process is None or ended is None or ended.done():
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_ENDING):
                await asyncio.shield(ended)
        except TimeoutError:
            process.kill()
            await ended


def _ending(process: "Popen[bytes]", tell: Callable[[bytes], None]) -> asyncio.Future[int]:
    """Its exit code, once it has ended: a thread waits for that, and nobody for the thread. `tell` hears its lines."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def settle(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    def wait() -> None:
        with suppress(RuntimeError):  # the loop is closed
            for line in process.stdout or ():
                loop.call_soon_threadsafe(tell, line)
        code = process.wait()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, code)

    threading.Thread(target=wait, name="aimux-indexing", daemon=True).start()
    return ended
