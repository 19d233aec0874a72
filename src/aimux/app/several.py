"""The gateway as several processes: the supervisor started, told to reload, told to stop."""

import asyncio
import os
import sys
import tempfile
from datetime import UTC, datetime
from typing import IO

from aimux import __version__
from aimux.app.indexing import Indexing, indexing_for
from aimux.app.keeping import claimed, held
from aimux.app.listening import SharedPort, StartingHere, url_of
from aimux.app.operators_listening import OperatorsSockets, tell_of
from aimux.app.orders import Orders
from aimux.app.supervisor import Supervisor
from aimux.app.telemetry_wanted import log_missing, telemetry_wanted
from aimux.app.wanted import Wanted
from aimux.config.load import Loaded
from aimux.edge.descriptors import shortages
from aimux.edge.log import Log, LogSettings
from aimux.edge.log_output import Descriptor, SharedOutput


def run(loaded: Loaded, *, strict: bool) -> int:
    """Run a gateway of several workers until it is told to stop; the exit code. Raises StartError.

    The process has to end then, as in `alone.run`.
    """
    return asyncio.Runner().run(_supervise(loaded, strict=strict))


async def _supervise(loaded: Loaded, *, strict: bool) -> int:
    config = loaded.config

    supervisor: Supervisor | None = None
    indexing: Indexing | None = None
    operators = OperatorsSockets()

    def end_at_once() -> None:
        if supervisor is not None:
            supervisor.kill()

    def tell(why: str | None) -> None:
        """The supervisor serves nothing that its own log would have to tell of; the workers say what is wrong."""
        lost, log.writer.lost = log.writer.lost, 0
        if why is None and lost:
            log.event.warning("log", detail="the supervisor's log can be written again", lost=lost)

    orders = Orders(at_once=end_at_once)
    with _lock() as lock:
        output = SharedOutput(Descriptor(), lock.fileno())
        log = Log(LogSettings(config.logging.level, config.logging.timestamp, config.logging.format), tell, output)
        asyncio.get_running_loop().set_exception_handler(log.fault)
        with StartingHere(config.server):
            port = await SharedPort.take(config.server)
            claim = claimed(config.state.path)
            state = held(config.state.path, claim, log)
            wanted = Wanted(loaded, datetime.now(UTC), strict, state.place)
            supervisor = Supervisor(wanted, log, port, lock.fileno())
        try:
            await operators.open(config)
            supervisor.share(operators.sockets)
            log_missing(log, telemetry_wanted(required=config.telemetry.required).missing)
            for warning in (*loaded.warnings, *shortages(config.server.max_connections)):
                log.event.warning("configuration", detail=warning)
            url = url_of(config.server.host, port.number)
            log.event.info("listening", url=url, version=__version__, workers=config.server.workers)
            tell_of(operators, log)
            indexing = await indexing_for(config, log)
            if await orders.unless_stopped(supervisor.start()):
                while not await orders.next_is_stop():
                    await orders.unless_stopped(supervisor.reload())
            return await supervisor.stop()
        finally:
            supervisor.kill()
            state.close()
            claim.close()
            operators.close()
            log.close()
            if indexing is not None:
                await indexing.close()


def _lock() -> IO[bytes]:
    """A file that the workers lock by turns. It needs no place on a disk, which may not be had."""
    return os.fdopen(os.memfd_create("aimux-log"), "w+b") if sys.platform == "linux" else tempfile.TemporaryFile()
