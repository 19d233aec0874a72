"""OpenTelemetry in a worker, where the OTEL_* variables ask for it; elsewhere nothing of it is loaded."""

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from aimux.app.errors import StartError
from aimux.app.telemetry_wanted import log_missing, telemetry_wanted
from aimux.core.headers import trace_from
from aimux.edge.log import Log
from aimux.edge.metrics_sum import Families
from aimux.edge.server import BeginTrace
from aimux.edge.telemetry import Signals
from aimux.gateway.ports import Observer

_FLUSH: Final = 3.0
_LONGEST_TURN: Final = 0.001
_SENSELESS: Final = "the OTEL_* variables make no sense together"


class Export(Protocol):
    """What is exported of one signal."""

    def finish(self) -> None:
        """Export what is left, in a thread."""

    def give_up(self) -> None:
        """Let go of what could not be exported."""


class Telemetry:
    """What telemetry needs of a worker: without exports it is nothing at all."""

    def __init__(self, log: Log) -> None:
        self.begin_trace: BeginTrace = trace_from
        self.observers: tuple[Observer, ...] = ()
        self.before_end: list[Callable[[], None]] = []
        self.exports: list[Export] = []
        self._log = log

    async def finish(self) -> None:
        """Export what is left, once no request is served any more, within a few seconds."""
        if not self.exports:
            return
        for each in self.before_end:
            each()
        _, late = await asyncio.wait([_apart(export.finish) for export in self.exports], timeout=_FLUSH)
        for export in self.exports:
            export.give_up()
        if late:
            detail = f"the receiver did not take all that was left within {_FLUSH:.0f} s"
            self._log.event.warning("telemetry", detail=detail)


def telemetry_for(log: Log, read: Callable[[], Families], *, required: bool, workers: int, index: int) -> Telemetry:
    """Begin to export what the variables ask for. `read` gives the metrics of this process, one of `workers`.

    What cannot be had is a warning of the first of them. Raises StartError where it is `required`.
    """
    telemetry = Telemetry(log)
    wanted = telemetry_wanted(required=required)
    missing = [] if workers > 1 else list(wanted.missing)  # a supervisor has said it
    if wanted.signals:
        try:
            missing += _begin(telemetry, wanted.signals, _saying(log), read, shared=workers > 1)
        except Exception as error:  # the SDK reads some of the variables while it is loaded
            missing.append(f"{_SENSELESS}: {error}: nothing can be exported")
    if missing and required:
        raise StartError(missing[0])
    if index == 1:
        log_missing(log, missing)
    if telemetry.exports:
        log.event.info("telemetry", traces=bool(telemetry.observers), metrics=bool(telemetry.before_end))
    return telemetry


def _begin(
    telemetry: Telemetry,
    signals: Signals,
    say: Callable[[str, str], None],
    read: Callable[[], Families],
    *,
    shared: bool,
) -> list[str]:
    """Begin; what cannot be begun, since the SDK finds variables that make no sense together."""
    from aimux.edge.telemetry_export import MetricsExport, SpanExport, resource_of  # noqa: PLC0415
    from aimux.edge.telemetry_health import Health, Overheard  # noqa: PLC0415

    # Writing spans is Python: the loop, back from waiting, would have to let it go on for five milliseconds each time.
    sys.setswitchinterval(_LONGEST_TURN)
    overheard = Overheard(say)
    overheard.listen()
    resource = resource_of(shared=shared)

    def traces() -> None:
        spans = SpanExport(resource, Health("traces", overheard, say))
        telemetry.begin_trace, telemetry.observers = spans.begin_trace, (spans.request,)
        telemetry.exports.append(spans)

    def metrics() -> None:
        exported = MetricsExport(resource, Health("metrics", overheard, say), read, signals.metrics_interval)
        telemetry.before_end.append(exported.stop)
        telemetry.exports.append(exported)

    problems = []
    for begin in [traces] * signals.traces + [metrics] * signals.metrics:
        try:
            begin()
        except Exception as error:  # whatever the SDK raises: agents are served without it
            problems.append(f"{_SENSELESS}: {error}: {begin.__name__} cannot be exported")
    return problems


def _saying(log: Log) -> Callable[[str, str], None]:
    """Says it in the log, which belongs to the event loop, from whichever thread."""
    loop = asyncio.get_running_loop()

    def write(level: str, detail: str) -> None:
        getattr(log.event, level)("telemetry", detail=detail)

    def say(level: str, detail: str) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to read it
            loop.call_soon_threadsafe(write, level, detail)

    return say


def _apart(work: Callable[[], None]) -> asyncio.Future[None]:
    """Do it in a thread that nobody waits for at the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    def run() -> None:
        try:
            work()
        finally:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle)

    threading.Thread(target=run, name="aimux-telemetry", daemon=True).start()
    return done
