"""Which traces are recorded: decided when a request begins, so that whoever comes behind the gateway is told."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from aimux.core.headers import Trace, trace_from

_SAMPLED = TraceFlags.SAMPLED


class Sampling:
    """Asks a sampler, and writes its answer into the flags that are passed on."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def begin(self, inbound: Sequence[bytes], new_trace_id: str, new_span_id: str) -> Trace:
        """A request's place in a trace; see `trace_from`."""
        trace = trace_from(inbound, new_trace_id, new_span_id)
        trace_id, flags = int(trace.trace_id, 16), int(trace.flags, 16)
        parent = Context() if trace.parent_id is None else _told(trace_id, int(trace.parent_id, 16), flags)
        result = self._sampler.should_sample(parent, trace_id, "request", SpanKind.SERVER)
        is_sampled = result.decision is Decision.RECORD_AND_SAMPLE
        wanted = flags | _SAMPLED if is_sampled else flags & ~_SAMPLED
        if wanted == flags:
            return trace
        return Trace(trace.trace_id, trace.span_id, f"{wanted:02x}", trace.parent_id)


def _told(trace_id: int, span_id: int, flags: int) -> Context:
    parent = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return set_span_in_context(NonRecordingSpan(parent), Context())
