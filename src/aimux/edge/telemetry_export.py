"""What leaves by OTLP: spans in batches and metrics at intervals, in threads of their own, never in a request's way."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from aimux import __version__
from aimux.core.headers import Trace
from aimux.core.record import Record
from aimux.edge.metrics_sum import Families
from aimux.edge.telemetry_health import Health
from aimux.edge.telemetry_metrics import metrics_of
from aimux.edge.telemetry_sampling import Sampling
from aimux.edge.telemetry_spans import Source, is_sampled, spans_of

SCOPE: Final = InstrumentationScope("aimux", __version__)
_INSTANCE: Final = "service.instance.id"


def resource_of(*, shared: bool) -> Resource:
    """This process, as OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say, and as is so where they say nothing.

    Where the variables are `shared` with other processes, an instance that they name is told apart by the process id:
    otherwise the counters of all would be taken for one that jumps back and forth.
    """
    said = OTELResourceDetector().detect().attributes
    own: dict[str, str | int] = {
        "service.name": "aimux",
        "service.version": __version__,
        _INSTANCE: str(uuid4()),
        "process.pid": os.getpid(),
    }
    missing = {name: value for name, value in own.items() if name not in said}
    if shared and _INSTANCE in said:
        missing[_INSTANCE] = f"{said[_INSTANCE]!s}.{os.getpid()}"
    return Resource.create(missing)


class _Watched(SpanExporter):
    """The exporter, and whether it gets through."""

    def __init__(self, exporter: SpanExporter, health: Health) -> None:
        self._exporter = exporter
        self._health = health

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        succeeded = self._health.of(lambda: self._exporter.export(spans) is SpanExportResult.SUCCESS)
        return SpanExportResult.SUCCESS if succeeded else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self._exporter.shutdown()


class SpanExport:
    """Exports the spans of the requests that are sampled. Raises ValueError for variables that make no sense."""

    def __init__(self, resource: Resource, health: Health) -> None:
        self._exporter = OTLPSpanExporter()
        self._processor = BatchSpanProcessor(_Watched(self._exporter, health))
        self._sampling = Sampling(TracerProvider(resource=resource, shutdown_on_exit=False).sampler)
        self._source = Source(resource, SCOPE, RandomIdGenerator().generate_span_id)

    def begin_trace(self, inbound: Sequence[bytes], new_trace_id: str, new_span_id: str) -> Trace:
        """A request's place in a trace, and whether it is sampled."""
        return self._sampling.begin(inbound, new_trace_id, new_span_id)

    def request(self, record: Record) -> None:
        """Put the spans of a request that has ended in line."""
        if is_sampled(record.trace):
            for span in spans_of(record, self._source):
                self._processor.on_end(span)

    def finish(self) -> None:
        """Export what is in line. Takes as long as the receiver lets it: call `give_up` when that is too long."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    def give_up(self) -> None:
        """Try no more."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


class MetricsExport:
    """Exports the metrics of this process at intervals, as `read` gives them on the event loop.

    Metrics are sums since the start: where the receiver is slow, one export takes the place of those that were due.
    """

    def __init__(self, resource: Resource, health: Health, read: Callable[[], Families], interval: float) -> None:
        self._resource = resource
        self._health = health
        self._read = read
        self._interval = interval
        self._began_at = time.time_ns()
        self._exporter = OTLPMetricExporter()
        self._due: SimpleQueue[Families | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="aimux-metrics", daemon=True)
        self._thread.start()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(interval, self._tick)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._interval, self._tick)
        self._due.put(self._read())

    def stop(self) -> None:
        """Export once more, and no more after that."""
        self._timer.cancel()
        self._due.put(self._read())
        self._due.put(None)

    def finish(self) -> None:
        """Wait for the last export, after `stop`."""
        self._thread.join()

    def give_up(self) -> None:
        """Try no more."""
        self._exporter.shutdown()

    # In the thread.

    def _run(self) -> None:
        going_on = True
        while going_on:
            newest = self._due.get()
            with suppress(Empty):
                while newest is not None and (newer := self._due.get_nowait()) is not None:
                    newest = newer
                going_on = False
            if newest is not None:
                self._export(newest)

    def _export(self, families: Families) -> None:
        def export() -> bool:
            metrics = metrics_of(
                families, self._resource, SCOPE, began_at=self._began_at, now=max(time.time_ns(), self._began_at)
            )
            return self._exporter.export(metrics) is MetricExportResult.SUCCESS

        self._health.of(export)
