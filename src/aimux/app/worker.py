"""One process that serves: its parts put together, the configuration that it serves by, and its end."""

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from aimux.admin.audit_pages import AuditPages
from aimux.admin.commands import Commands, log_command
from aimux.admin.dashboard import dashboard_files
from aimux.admin.dashboard_pages import DashboardPages
from aimux.admin.dispatcher import Dispatcher, OperatorsDispatcher
from aimux.admin.management import Management
from aimux.admin.policy_pages import InForce, Reloading
from aimux.admin.refusal_log import RefusalLog
from aimux.admin.reload_command import ReloadCommand
from aimux.app.auditing import Auditing
from aimux.app.errors import ReloadError, RestartNeededError, StartError
from aimux.app.everywhere import Everywhere
from aimux.app.generations import Generations, Made
from aimux.app.keeping import Keeping
from aimux.app.listening import BACKLOG, listen
from aimux.app.looking import log_findings, refuse_errors
from aimux.app.settings import audit_settings, cors, operators_of, server_limits, timeouts, upstream_limits
from aimux.app.telemetry import telemetry_for
from aimux.audit.errors import AuditError
from aimux.config.lasting import lasting_changes
from aimux.config.load import Loaded
from aimux.core.fault import fault_of
from aimux.core.operator import Command
from aimux.edge.connection import Connection
from aimux.edge.deadlines import Deadlines, interval_for
from aimux.edge.descriptors import Descriptors
from aimux.edge.log import Log
from aimux.edge.metrics import Metrics
from aimux.edge.pacing import Pacing
from aimux.edge.pool import Upstreams
from aimux.edge.server import Server
from aimux.gateway.handle import Gateway, Limits
from aimux.gateway.live import Live
from aimux.gateway.serving import Serving
from aimux.intent.model import ModelError
from aimux.state.folder import FolderClaim
from aimux.state.places import StatePlace

_FLUSH: Final = 5.0
_CUTTING: Final = 1.0


@dataclass(frozen=True, slots=True)
class Stopped:
    """The end of serving: whether every request could finish, else how many were cut."""

    finished: bool
    cut: int = 0


class Worker:
    """Serves requests by one configuration after the other."""

    def __init__(
        self,
        loaded: Loaded,
        loaded_at: datetime,
        log: Log,
        everywhere: Everywhere,
        *,
        index: int = 1,
        strict: bool = False,
        place: StatePlace | None = None,
        claim: FolderClaim | None = None,
    ) -> None:
        """`index` is its place among the workers. A strict one takes no configuration with errors in its routes.

        `place` is where all workers keep the state; where it is the only one, it has the `claim` to the folder.

        Raises AuditError where requests could not be recorded, and StartError for telemetry that cannot be had.
        """
        config = loaded.config
        self.loaded = loaded
        self.log = log
        self._strict = strict
        self._place = index
        self._looking: asyncio.Task[None] | None = None
        self._live = live = Live()
        self.state = Keeping(config.state.path, live, log, place=place, claim=claim)
        self._auditing = Auditing(config, live, log, index)
        self.audit = self._auditing.log
        index_watch = self._auditing.index_watch
        self.metrics = Metrics(live, lambda: self.serving, self.audit, index_watch if index == 1 else None)
        self._deadlines = Deadlines(interval_for(*timeouts(config)))
        descriptors = Descriptors.of_this_process()
        upstreams = Upstreams(upstream_limits(config), self._deadlines, descriptors)
        self._generations = Generations(upstreams)
        live.retire = self._generations.retire
        audited = () if self.audit is None else (self.audit.request,)
        self._telemetry = telemetry_for(
            *(log, self.metrics.families),
            required=config.telemetry.required,
            workers=config.server.workers,
            index=index,
        )
        observers = (*audited, log.request, self.metrics.request, *self._telemetry.observers, Pacing().request)
        gateway = Gateway(live, upstreams, observers, Limits(config.server.max_body_bytes), self.audit)
        self.management = self._manage(everywhere, loaded_at)
        refusals = RefusalLog(log)
        dispatcher = Dispatcher(self.management, gateway, refusals, cors(config))
        limits, begin_trace = server_limits(config), self._telemetry.begin_trace
        self._server, self._operators_server = (
            Server(handler, limits, self._deadlines, descriptors, reclaim=upstreams.close_idle, begin_trace=begin_trace)
            for handler in (dispatcher, OperatorsDispatcher(self.management, refusals))
        )
        self._listeners: list[asyncio.Server] = []
        self._server.loop.set_exception_handler(log.fault)

    def _manage(self, everywhere: Everywhere, loaded_at: datetime) -> Management:
        """The pages and commands of operators."""
        config, live = self.loaded.config, self._live
        audit = AuditPages(
            audit_settings(config) if config.audit.enabled else None,
            live,
            self._auditing.standing,
            self._auditing.index_watch,
        )
        dashboard = DashboardPages(live, self._generations.index_of, lambda: self.management.in_force)
        management = Management(
            live,
            everywhere.measure,
            InForce(self.loaded.policy, self.loaded.display, loaded_at),
            operators_of(config),
            serving=everywhere.serving,
            state=lambda: self.state.shown,
            more={**audit.endpoints, **dashboard.endpoints},
            files=dashboard_files(),
            have_own_listener=config.admin.listen is not None,
            count_wrong_token=self.metrics.wrong_token,
        )
        management.commands = Commands(
            {"reload": ReloadCommand(lambda: self.loaded, everywhere.take_over)},
            management.who,
            None if self.audit is None else self.audit.command,
            self._tell_command,
            lambda: live.draining,
        )
        return management

    @property
    def serving(self) -> Serving:
        """The configuration and the standing of this process."""
        generation = self._live.generation
        config = None if generation is None else generation.policy.digest
        return Serving(self._place, os.getpid(), config, self._live.standing.version)

    @property
    def in_flight(self) -> int:
        """How many requests are being served."""
        return self._live.in_flight

    async def listen(self, sockets: Sequence[socket.socket], operators: Sequence[socket.socket] = ()) -> None:
        """Listen on these bound sockets, and accept connections from them: of agents, and of operators only."""
        for server, several in ((self._server, sockets), (self._operators_server, operators)):
            for each in several:
                listen(each)
                self._listeners.append(await _accept(server, each))

    async def prepare(self, loaded: Loaded, loaded_at: datetime) -> Made:
        """Make a configuration ready to be put in force, while the one before it serves.

        Raises ModelError and ReloadError; nothing has changed then.
        """
        if lasting := lasting_changes(self.loaded.config, loaded.config):
            raise RestartNeededError(lasting)
        await self.state.ready()
        made = await self._generations.make(loaded, loaded_at)
        if self._strict:
            try:
                await refuse_errors(made)
            except BaseException:
                self.discard(made)
                raise
        return made

    def discard(self, made: Made) -> None:
        """Give up what was prepared."""
        self._generations.retire(made.generation)

    def enforce(self, made: Made) -> None:
        """Put what was prepared in force: every request from now on is served by it."""
        self.loaded = made.loaded
        self._deadlines.look_every(interval_for(*timeouts(made.loaded.config)))
        self.management.in_force = InForce(made.loaded.policy, made.loaded.display, made.loaded_at)
        self.management.know(operators_of(made.loaded.config))
        self.metrics.configuration(made.loaded.digest[:12])
        if made.engine is not None:
            encoder = made.engine.encoder
            self.metrics.model(encoder.name, encoder.digest[:12], encoder.dimensions)
        if self.audit is not None:
            self.audit.configuration(made.loaded.digest, made.generation.model)
        self._live.replace(made.generation)
        _spare_the_collector()

    def look(self, made: Made) -> None:
        """Log what is wrong with the routes of what is in force, as soon as that is known."""
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.get_running_loop().create_task(log_findings(made, self.log))

    def note_reload(self, problems: tuple[str, ...]) -> None:
        """Remember how an attempt to take a new configuration over ended."""
        self.management.reloading = Reloading(datetime.now(UTC), problems)
        self.metrics.reloaded(successful=not problems)

    def _tell_command(self, given: Command) -> None:
        self.metrics.command(given)
        log_command(given, self.log)

    def log_trouble(self, why: str | None) -> None:
        """The log cannot be written, or can again: meanwhile nothing is served, since nothing would tell of it."""
        if why is None:
            self._live.obstacles.pop("log", None)
            lost, self.log.writer.lost = self.log.writer.lost, 0
            self.log.event.warning("log", detail="the log can be written again, and requests are served", lost=lost)
            return
        self._live.obstacles["log"] = (
            f"the gateway cannot write its log ({why}), and serves nothing that would leave no trace"
        )
        self.log.complain(f"cannot write the log: {why}; requests are refused until it can be written")

    async def drain(self) -> Stopped:
        """Refuse new requests, and wait for those under way to end, at most `server.drain_timeout`."""
        try:
            async with asyncio.timeout(self.loaded.config.server.drain_timeout):
                await self._live.drain()
        except TimeoutError:
            stopped = Stopped(finished=False, cut=self._server.abort() + self._operators_server.abort())
            with contextlib.suppress(TimeoutError):  # what was cut leaves its records
                async with asyncio.timeout(_CUTTING):
                    await self._live.drain()
        else:
            stopped = Stopped(finished=True)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH):
                    await asyncio.gather(self._server.finish(), self._operators_server.finish())
        await self._telemetry.finish()
        await self.state.close()
        return stopped

    def accept_no_more(self) -> None:
        """Leave new connections to others."""
        for listener in self._listeners:
            listener.close()

    def close(self) -> None:
        """Close everything at once."""
        self.accept_no_more()
        if self._looking is not None:
            self._looking.cancel()
        self._server.abort()
        self._operators_server.abort()
        self._generations.close()
        self._deadlines.close()
        self._auditing.close()
        self.log.close()


async def _accept(server: Server, listening: socket.socket) -> asyncio.Server:
    create = server.loop.create_unix_server if listening.family == socket.AF_UNIX else server.loop.create_server
    return await create(lambda: Connection(server), sock=listening, backlog=BACKLOG)


def problems_of(error: Exception) -> tuple[str, ...]:
    """What an operator is told of a configuration that cannot be used."""
    if isinstance(error, ReloadError):
        return error.problems
    return (str(error) if isinstance(error, ModelError | AuditError | StartError) else f"a fault: {fault_of(error)}",)


def _spare_the_collector() -> None:
    # What is loaded now stays. Requests leave next to no cycles, so that looking for them seldom is often enough.
    gc.unfreeze()  # what an earlier configuration left
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
