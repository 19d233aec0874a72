"""The composition root: configuration in, running gateway out. The only module that knows everything."""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import uvloop

from aimux import __version__
from aimux.config.load import Loaded
from aimux.config.schema import Config
from aimux.core.snapshot import Route, Snapshot
from aimux.edge.connection import Connection
from aimux.edge.deadlines import Deadlines, interval_for
from aimux.edge.log import Log, LogSettings
from aimux.edge.management import InForce, Management
from aimux.edge.metrics import Metrics
from aimux.edge.pacing import Pacing
from aimux.edge.pool import Upstreams
from aimux.edge.server import Server, ServerLimits
from aimux.edge.site import Site
from aimux.edge.upstream import UpstreamLimits
from aimux.gateway.handle import Gateway, Limits
from aimux.gateway.live import Generation, Live
from aimux.intent.model import locate
from aimux.intent.reader import load_reader
from aimux.intent.scorer import ScorerLimits, ThreadedScorer
from aimux.wire.http1 import HeadLimits
from aimux.wire.response import ResponseHeadLimits

_BACKLOG: Final = 2048
_FLUSH: Final = 5.0
_MOST_UNSENT: Final = 128 * 1024


class StartError(Exception):
    """The gateway cannot start. The message is one line for the operator and says what to do."""


@dataclass(slots=True)
class _Running:
    """The parts of a gateway that runs."""

    live: Live
    server: Server
    upstreams: Upstreams
    deadlines: Deadlines
    metrics: Metrics
    log: Log


def run(loaded: Loaded) -> int:
    """Run a gateway until it is told to stop; the exit code. Raises StartError, and ModelError for the model."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(loaded))


async def _serve(loaded: Loaded) -> int:
    stop = _stop_signals()
    parts = _assemble(loaded)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: _report(parts.log, context))
    listener = await _listen(parts.server, loaded.config)
    scorer = None
    try:
        port = listener.sockets[0].getsockname()[1]
        for warning in loaded.warnings:
            parts.log.event.warning("configuration", detail=warning)
        parts.log.event.info("listening", url=_url(loaded.config.server.host, port), version=__version__)
        scorer = await _go_live(parts, loaded)
        await stop.wait()
        return await _drain(parts, loaded.config.server.drain_timeout)
    finally:
        listener.close()
        parts.server.abort()
        parts.upstreams.close()
        parts.deadlines.close()
        if scorer is not None:
            scorer.close()
        parts.log.writer.flush()


def _report(log: Log, context: Mapping[str, object]) -> None:
    """A fault in a callback, where no request is at hand to refuse."""
    error = context.get("exception")
    log.event.error("fault", detail=str(context.get("message")), error=f"{type(error).__name__}: {error}")


def _log_trouble(why: str | None, live: Live, log: Log) -> None:
    """The log cannot be written, or can again: meanwhile nothing is served, since nothing would tell of it."""
    if why is None:
        live.obstacle = None
        log.event.warning("log", detail="the log can be written again, and requests are served", lost=log.writer.lost)
        return
    live.obstacle = "the gateway cannot write its log, and serves nothing that would leave no trace"
    with contextlib.suppress(OSError):
        sys.stderr.write(f"aimux: cannot write the log: {why}; requests are refused until it can be written\n")
        sys.stderr.flush()


def _stop_signals() -> asyncio.Event:
    """Set by the first SIGTERM or SIGINT; the second one is left to do what it does."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def heard() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard)
    return stop


def _assemble(loaded: Loaded) -> _Running:
    config = loaded.config
    live = Live()
    deadlines = Deadlines(interval_for(*_timeouts(config)))
    metrics = Metrics(live)
    log = Log(
        LogSettings(config.logging.level, config.logging.timestamp, config.logging.format),
        lambda why: _log_trouble(why, live, log),
    )
    upstreams = Upstreams(_routes_of(loaded.snapshot), _upstream_limits(config), deadlines)
    gateway = Gateway(
        live, upstreams, (log.request, metrics.request, Pacing().request), Limits(config.server.max_body_bytes)
    )
    token = config.server.admin_token
    management = Management(
        live,
        metrics,
        InForce(loaded.snapshot, loaded.display, datetime.now(UTC)),
        token.get_secret_value() if token else None,
    )
    server = Server(Site(management, gateway, log), _server_limits(config), deadlines)
    return _Running(live, server, upstreams, deadlines, metrics, log)


async def _listen(server: Server, config: Config) -> asyncio.Server:
    host, port = config.server.host, config.server.port
    try:
        listener = await server.loop.create_server(lambda: Connection(server), host, port, backlog=_BACKLOG)
    except OSError as error:
        why = error.strerror or str(error)
        raise StartError(
            f"cannot listen on {host} port {port}: {why}; stop what uses it, or choose another with "
            "server.port or AIMUX_SERVER__PORT=9000"
        ) from error
    for listening in listener.sockets:
        # Connections inherit it: a client that does not read keeps this much waiting in the kernel and no megabytes.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
    return listener


async def _go_live(parts: _Running, loaded: Loaded) -> ThreadedScorer | None:
    """Load the model, embed the intents, and put the generation in force."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    engine = loaded.config.semantic_engine
    parts.metrics.configuration(loaded.digest[:12])
    scorer = None
    model = None
    if loaded.snapshot.needs_scores:
        files = locate(engine.model_path)
        if files.bundled:
            parts.log.event.info("model", detail="model_path does not exist: using the copy inside the package")
        reader = await loop.run_in_executor(None, load_reader, loaded.snapshot, files, engine.max_tokens)
        scorer = ThreadedScorer(reader, ScorerLimits(engine.cache_entries, engine.max_waiting, engine.max_wait))
        model = reader.encoder.name
        parts.metrics.model(model, reader.encoder.digest[:12], reader.encoder.dimensions)
    parts.live.generation = Generation(loaded.snapshot, scorer)
    _spare_the_collector()
    parts.log.event.info("ready", model=model, config=loaded.digest[:12], seconds=round(loop.time() - started, 3))
    return scorer


def _spare_the_collector() -> None:
    # What is loaded now stays. Requests leave next to no cycles, so that looking for them seldom is often enough.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


async def _drain(parts: _Running, drain_timeout: float) -> int:
    parts.log.event.info("draining", in_flight=parts.live.in_flight, timeout=drain_timeout)
    try:
        async with asyncio.timeout(drain_timeout):
            await parts.live.drain()
    except TimeoutError:
        cut = parts.server.abort()
        parts.log.event.warning("stopped", cut=cut, detail="requests were cut: they outlasted server.drain_timeout")
        return 1
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FLUSH):
            await parts.server.finish()
    parts.log.event.info("stopped", cut=0)
    return 0


def _routes_of(snapshot: Snapshot) -> tuple[Route, ...]:
    return snapshot.routes if snapshot.fallback is None else (*snapshot.routes, snapshot.fallback)


def _timeouts(config: Config) -> tuple[float, ...]:
    server, upstreams = config.server, config.upstreams
    return (
        server.header_timeout,
        server.body_timeout,
        server.send_timeout,
        server.idle_timeout,
        upstreams.response_timeout,
        upstreams.idle_timeout,
        upstreams.keepalive_timeout,
    )


def _server_limits(config: Config) -> ServerLimits:
    server = config.server
    return ServerLimits(
        head=HeadLimits(server.max_header_bytes, server.max_headers, server.max_target_bytes),
        max_body=server.max_body_bytes,
        max_connections=server.max_connections,
        header_timeout=server.header_timeout,
        body_timeout=server.body_timeout,
        send_timeout=server.send_timeout,
        idle_timeout=server.idle_timeout,
        trusted_proxies=server.trusted_proxies,
    )


def _upstream_limits(config: Config) -> UpstreamLimits:
    upstreams = config.upstreams
    return UpstreamLimits(
        connect_timeout=upstreams.connect_timeout,
        response_timeout=upstreams.response_timeout,
        idle_timeout=upstreams.idle_timeout,
        keepalive_timeout=upstreams.keepalive_timeout,
        head=ResponseHeadLimits(upstreams.max_header_bytes, upstreams.max_headers),
    )


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
