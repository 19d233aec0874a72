"""Metrics as a collector receives them: the numbers of /metrics, and those of each worker apart."""

from collections.abc import Iterator

import pytest
from e2e_support.client import ask
from e2e_support.gateway import Gateway
from e2e_support.mesh import Start
from e2e_support.receiver import METRICS, Receiver, attributes_of
from e2e_support.upstream import Upstream
from e2e_support.waiting import until
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, Metric
from prometheus_client.parser import text_string_to_metric_families

PLAIN = {"X-AIMux-Route": "plain"}
Key = tuple[str, tuple[tuple[str, str], ...]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver."""
    made = Receiver()
    yield made
    made.close()


def config(upstream: Upstream, **server: object) -> dict[str, object]:
    """A route by name, and one by meaning."""
    routes = [
        {"name": "plain", "upstream": upstream.url},
        {"name": "rain", "upstream": upstream.url, "intents": ["will it rain tomorrow"]},
    ]
    return {"agents": ["bot"], "routes": routes, "server": server}


def shown(page: str) -> dict[Key, float]:
    """Every series of AIMux on a page of /metrics."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if family.name.startswith("aimux_")
    }


def exported(receiver: Receiver) -> dict[Key, float]:
    """The last export as such series, those of all instances added up."""
    series: dict[Key, float] = {}
    for metrics in receiver.metrics.values():
        for metric in metrics.values():
            if metric.name.startswith("aimux_"):
                for key, value in as_prometheus(metric):
                    series[key] = series.get(key, 0) + value
    return series


def as_prometheus(metric: Metric) -> Iterator[tuple[Key, float]]:
    """A metric by the rules by which collectors turn OpenTelemetry's into Prometheus'."""
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    if kind != "gauge":
        assert data.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
    for point in data.data_points:
        labels = attributes_of(point.attributes)
        key = tuple(sorted(labels.items()))
        if kind == "histogram":
            total = 0
            for bound, count in zip([*map(str, point.explicit_bounds), "+Inf"], point.bucket_counts, strict=True):
                total += count
                yield (f"{metric.name}_bucket", tuple(sorted({**labels, "le": bound}.items()))), total
            assert total == point.count
            yield (f"{metric.name}_count", key), point.count
            yield (f"{metric.name}_sum", key), point.sum
        else:
            if kind == "sum":
                assert data.is_monotonic
                assert 0 < point.start_time_unix_nano <= point.time_unix_nano
            yield (f"{metric.name}_total" if kind == "sum" else metric.name, key), point.as_double


def play(gateway: Gateway) -> None:
    """Requests of every kind, each ended when this returns."""
    for _ in range(3):
        assert ask(gateway.port, headers={**PLAIN, "X-Source-Agent": "bot"}).status == 200
        assert ask(gateway.port, target="/?q=will+it+rain+tomorrow").status == 200
    assert ask(gateway.port, headers={"X-Source-Agent": "stranger"}).status == 401
    gateway.wait_served()


def test_what_is_exported_is_what_metrics_shows(start: Start, upstream: Upstream, receiver: Receiver) -> None:
    gateway = start(config(upstream), environment=receiver.environment(OTEL_TRACES_EXPORTER="none"))
    play(gateway)
    page = shown(gateway.metrics())
    assert page["aimux_requests_total", (("agent", "bot"), ("route", "plain"), ("verdict", "forward"))] == 3
    assert sum(name == "aimux_request_duration_seconds_bucket" for name, _ in page) > 10
    until(lambda: exported(receiver) == page, "an export that agrees with the page")
    assert {path for path, _ in receiver.exports} == {METRICS}


def test_units_and_the_process_are_told(start: Start, upstream: Upstream, receiver: Receiver) -> None:
    gateway = start(config(upstream), environment=receiver.environment(OTEL_TRACES_EXPORTER="none"))
    play(gateway)
    receiver.wait(lambda r: any("aimux_requests" in each for each in r.metrics.values()), "the requests' metric")
    (metrics,) = receiver.metrics.values()
    units = {metric.name: metric.unit for metric in metrics.values()}
    assert units["aimux_request_duration_seconds"] == "s"
    assert units["aimux_response_body_bytes"] == "By"
    assert units["aimux_requests"] == ""
    assert metrics["process_resident_memory_bytes"].gauge.data_points[0].as_double > 1e6
    assert metrics["aimux_requests"].description == "Requests by route, agent and verdict."


@pytest.mark.parametrize("said", [{}, {"OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=pod-1"}])
def test_each_worker_exports_for_itself(
    start: Start, upstream: Upstream, receiver: Receiver, said: dict[str, str]
) -> None:
    environment = receiver.environment(OTEL_TRACES_EXPORTER="none", **said)
    gateway = start(config(upstream, workers=2), environment=environment)
    for _ in range(8):
        play(gateway)
    page = shown(gateway.metrics())
    counted = {key: value for key, value in page.items() if "requests_total" in key[0]}
    assert counted

    def agrees() -> bool:
        ours = exported(receiver)
        return {key: ours.get(key, 0) for key in counted} == counted

    until(agrees, "exports that add up to the page")
    assert len(receiver.metrics) == 2
    if said:
        assert set(receiver.metrics) <= {f"pod-1.{pid}" for pid in gateway.workers()}
