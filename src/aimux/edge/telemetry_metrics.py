"""The metrics that /metrics shows, as OpenTelemetry's: the same numbers, counted once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from aimux.edge.metrics_sum import Families

Sample = tuple[str, Mapping[str, str], float]
Data = Sum | Histogram | Gauge

_CUMULATIVE: Final = AggregationTemporality.CUMULATIVE
_BOUND: Final = "le"
_UNITS: Final = {"seconds": "s", "bytes": "By"}


def metrics_of(
    families: Families, resource: Resource, scope: InstrumentationScope, *, began_at: int, now: int
) -> MetricsData:
    """Metrics as they stood at `now`, counted since `began_at`: both in nanoseconds since the epoch."""
    metrics = [
        Metric(name, text, _unit(name), _READ[kind](samples, began_at, now))
        for name, text, kind, samples in families
        if kind in _READ and samples
    ]
    in_scope = ScopeMetrics(scope, metrics, scope.schema_url or "")
    return MetricsData([ResourceMetrics(resource, [in_scope], resource.schema_url)])


def _unit(name: str) -> str:
    return _UNITS.get(name.rsplit("_", 1)[-1], "")


def _counter(samples: Sequence[Sample], began_at: int, now: int) -> Sum:
    points = [NumberDataPoint(dict(labels), began_at, now, value) for _, labels, value in samples]
    return Sum(points, _CUMULATIVE, is_monotonic=True)


def _gauge(samples: Sequence[Sample], began_at: int, now: int) -> Gauge:
    return Gauge([NumberDataPoint(dict(labels), began_at, now, value) for _, labels, value in samples])


def _histogram(samples: Sequence[Sample], began_at: int, now: int) -> Histogram:
    series: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in samples:
        labels = tuple(pair for pair in sample[1].items() if pair[0] != _BOUND)
        series.setdefault(labels, []).append(sample)
    points = [_durations(dict(labels), of, began_at, now) for labels, of in series.items()]
    return Histogram(points, _CUMULATIVE)


def _durations(labels: dict[str, str], samples: Sequence[Sample], began_at: int, now: int) -> HistogramDataPoint:
    """One series. Prometheus counts what is at or below each bound, OpenTelemetry what is between two of them."""
    up_to = sorted((float(of[_BOUND]), int(value)) for _, of, value in samples if _BOUND in of)
    counts = [count - below for (_, count), below in zip(up_to, (0, *(count for _, count in up_to)), strict=False)]
    total = next(value for name, _, value in samples if name.endswith("_sum"))
    bounds = [bound for bound, _ in up_to[:-1]]
    # Nobody keeps the least and the greatest, which the format may do without, though the class does not say so.
    unknown: Any = None
    return HistogramDataPoint(labels, began_at, now, up_to[-1][1], total, counts, bounds, unknown, unknown)


_READ: Final[Mapping[str, Callable[[Sequence[Sample], int, int], Data]]] = {
    "counter": _counter,
    "gauge": _gauge,
    "histogram": _histogram,
}
