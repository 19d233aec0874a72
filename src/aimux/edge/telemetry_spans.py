"""The spans of one request, folded from its record when it has ended: nothing of this is on the request's way.

They are made as they are exported, with the ids that the trace has and the times that the record has: the SDK's own
tracer would have to be asked while the request is on its way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from aimux.core.headers import Trace
from aimux.core.record import VERDICT_ANSWERED, Record
from aimux.edge.telemetry_attributes import (
    SERVED,
    UNREAD,
    Attributes,
    call,
    judgement,
    request,
    rule,
    server_error,
    server_name,
    upstream_error,
)

_NANO: Final = 1_000_000_000
_BROKEN: Final = Status(StatusCode.ERROR)
_UNSET: Final = Status(StatusCode.UNSET)


@dataclass(frozen=True, slots=True)
class Source:
    """Who says it: the process and the scope that every span of it carries, and where new span ids come from."""

    resource: Resource
    scope: InstrumentationScope
    new_id: Callable[[], int]


def is_sampled(trace: Trace) -> bool:
    """Whether a trace's spans are recorded."""
    return bool(int(trace.flags, 16) & TraceFlags.SAMPLED)


def spans_of(record: Record, source: Source) -> Iterator[ReadableSpan]:
    """A request's spans.

    The upstream was told the trace's span id, so that is the id of the span of the call to it, and the upstream's own
    spans hang below that. The server span, which nobody was told of, gets a new one.
    """
    fold = _Fold(record, source)
    yield fold.server()
    if record.method != UNREAD and record.verdict != VERDICT_ANSWERED:
        yield fold.decision()
    if record.scoring_began is not None:
        yield fold.embedding(record.scoring_began)
    if record.decided_seconds is not None and record.forwarding_began != record.decided_seconds:
        yield fold.recording(record.decided_seconds, record.forwarding_began)
    if record.forwarding_began is not None:
        yield fold.upstream(record.forwarding_began)


class _Fold:
    """One request's spans being made."""

    def __init__(self, record: Record, source: Source) -> None:
        self._record = record
        self._began_at = _nano(record.began)
        self._ended_at = self._began_at + _nano(record.total_seconds)
        self._source = source
        self._server = self._context(source.new_id())

    def server(self) -> ReadableSpan:
        """The whole request."""
        record, parent_id = self._record, self._record.trace.parent_id
        parent = None if parent_id is None else self._context(int(parent_id, 16), is_remote=True)
        error = server_error(record)
        attributes = request(record) | judgement(record)
        if error:
            attributes["error.type"] = error
        times = self._began_at, self._ended_at
        return self._span(
            server_name(record), SpanKind.SERVER, self._server, parent, attributes, times=times, error=error
        )

    def decision(self) -> ReadableSpan:
        """From the head to the decision, what it had to wait for included."""
        ended = self._record.decided_seconds
        attributes: Attributes = rule(self._record)
        return self._child("decide", SpanKind.INTERNAL, attributes, 0.0, ended=ended)

    def embedding(self, began: float) -> ReadableSpan:
        """The wait for the model, and its run."""
        record = self._record
        error = record.verdict if record.model_seconds is None and record.verdict not in SERVED else ""
        ended = None if record.model_seconds is None else began + record.model_seconds
        attributes: Attributes = {"error.type": error} if error else {}
        return self._child("embed", SpanKind.INTERNAL, attributes, began, ended=ended, error=error)

    def recording(self, began: float, ended: float | None) -> ReadableSpan:
        """The wait for the audit log to have the decision; nothing is forwarded where that has no end."""
        error = self._record.verdict if ended is None and self._record.verdict not in SERVED else ""
        attributes: Attributes = {"error.type": error} if error else {}
        return self._child("audit", SpanKind.INTERNAL, attributes, began, ended=ended, error=error)

    def upstream(self, began: float) -> ReadableSpan:
        """The call to the upstream, to its response's last byte."""
        record, error = self._record, upstream_error(self._record)
        attributes = call(record)
        if error:
            attributes["error.type"] = error
        own_id = int(record.trace.span_id, 16)
        return self._child("upstream", SpanKind.CLIENT, attributes, began, error=error, own_id=own_id)

    def _child(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        began: float,
        *,
        ended: float | None = None,
        error: str = "",
        own_id: int | None = None,
    ) -> ReadableSpan:
        """A step, by the seconds since the request began; one without an end lasted as long as the request."""
        context = self._context(self._source.new_id() if own_id is None else own_id)
        began_at = min(self._began_at + _nano(began), self._ended_at)
        ended_at = self._ended_at if ended is None else min(self._began_at + _nano(ended), self._ended_at)
        times = began_at, max(began_at, ended_at)
        return self._span(name, kind, context, self._server, attributes, times=times, error=error)

    def _context(self, span_id: int, *, is_remote: bool = False) -> SpanContext:
        trace = self._record.trace
        return SpanContext(int(trace.trace_id, 16), span_id, is_remote, TraceFlags(int(trace.flags, 16)))

    def _span(
        self,
        name: str,
        kind: SpanKind,
        context: SpanContext,
        parent: SpanContext | None,
        attributes: Attributes,
        *,
        times: tuple[int, int],
        error: str,
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            context,
            parent,
            self._source.resource,
            attributes,
            kind=kind,
            status=_BROKEN if error else _UNSET,
            start_time=times[0],
            end_time=times[1],
            instrumentation_scope=self._source.scope,
        )


def _nano(seconds: float) -> int:
    return round(seconds * _NANO)
