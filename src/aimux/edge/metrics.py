"""Prometheus metrics, folded over the records. Label values come from the configuration, never from a caller."""

import platform
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from aimux import __version__
from aimux.core.record import Ended, Record
from aimux.gateway.live import Live

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST.encode("ascii")
# No name in a configuration can have parentheses, so that these never collide with one.
ANONYMOUS: Final = "(anonymous)"
UNIDENTIFIED: Final = "(unidentified)"
NO_ROUTE: Final = "(none)"
_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Metrics:
    """The metrics of one process."""

    def __init__(self, live: Live) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "aimux_requests",
            "Requests by route, agent and verdict.",
            ("route", "agent", "verdict"),
            registry=self.registry,
        )
        self._duration = self._histogram("aimux_request_duration_seconds", "Time from a request's head to its end.")
        self._model = self._histogram("aimux_model_duration_seconds", "Time to score a text, the wait included.")
        self._upstream = Histogram(
            "aimux_upstream_duration_seconds",
            "Time from sending a request upstream to its response's head.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._upstream_errors = Counter(
            "aimux_upstream_errors",
            "Failed upstream exchanges by route and code.",
            ("route", "code"),
            registry=self.registry,
        )
        self._hits = Counter("aimux_score_cache_hits", "Texts whose scores were remembered.", registry=self.registry)
        self._misses = Counter("aimux_score_cache_misses", "Texts that the model had to read.", registry=self.registry)
        self._response_bytes = Counter("aimux_response_body_bytes", "Bytes of response bodies.", registry=self.registry)
        in_flight = Gauge("aimux_requests_in_flight", "Requests that are being served.", registry=self.registry)
        in_flight.set_function(lambda: live.in_flight)
        ready = Gauge("aimux_ready", "Whether new requests are taken.", registry=self.registry)
        ready.set_function(lambda: live.refusing is None)
        build = Gauge("aimux_build_info", "The build.", ("version", "python"), registry=self.registry)
        build.labels(__version__, platform.python_version()).set(1)
        # Bound once per set of labels: looking a child up by its labels costs more than counting.
        self._bound: dict[tuple[str, str, str], Counter] = {}
        self._bound_upstream: dict[str, Histogram] = {}

    def configuration(self, digest: str) -> None:
        """Say which configuration is in force."""
        Gauge("aimux_config_info", "The configuration in force.", ("digest",), registry=self.registry).labels(
            digest
        ).set(1)

    def model(self, name: str, digest: str, dimensions: int) -> None:
        """Say which model is in force."""
        info = Gauge("aimux_model_info", "The model.", ("name", "digest", "dimensions"), registry=self.registry)
        info.labels(name, digest, str(dimensions)).set(1)

    def request(self, record: Record) -> None:
        """Count one request."""
        route = record.route or NO_ROUTE
        verdict = record.verdict or record.ended.value
        key = (route, _agent_label(record), verdict)
        counter = self._bound.get(key)
        if counter is None:
            counter = self._bound[key] = self._requests.labels(*key)
        counter.inc()
        self._duration.observe(record.total_seconds)
        self._response_bytes.inc(record.response_bytes)
        if record.cached:
            self._hits.inc()
        elif record.model_seconds is not None:
            self._misses.inc()
            self._model.observe(record.model_seconds)
        if record.upstream_seconds is not None:
            self._observe_upstream(route, record.upstream_seconds)
        if verdict.startswith("upstream_") or record.ended is Ended.UPSTREAM_FAILED:
            self._upstream_errors.labels(route, verdict if verdict.startswith("upstream_") else "truncated").inc()

    def render(self) -> bytes:
        """The metrics as Prometheus reads them."""
        return generate_latest(self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(name, text, buckets=_BUCKETS, registry=self.registry)

    def _observe_upstream(self, route: str, seconds: float) -> None:
        histogram = self._bound_upstream.get(route)
        if histogram is None:
            histogram = self._bound_upstream[route] = self._upstream.labels(route)
        histogram.observe(seconds)


def _agent_label(record: Record) -> str:
    if record.principal is None:
        return UNIDENTIFIED
    return record.principal.name or ANONYMOUS
