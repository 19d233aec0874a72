"""Metrics of several processes as those of one: what only grows adds up, what must hold of all is the least."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from aimux.edge.metrics_sum import added, growing, page, taken_apart


def process(counts: dict[str, int], seconds: list[float], *, ready: bool = True, in_flight: int = 0) -> Any:
    """The metrics of a process that has counted this."""
    registry = CollectorRegistry()
    counter = Counter("aimux_requests", "Requests.", ["route"], registry=registry)
    for route, count in counts.items():
        counter.labels(route).inc(count)
    histogram = Histogram("aimux_duration_seconds", "Time.", buckets=(0.1, 1.0), registry=registry)
    for value in seconds:
        histogram.observe(value)
    Gauge("aimux_ready", "Ready.", registry=registry).set(ready)
    Gauge("aimux_requests_in_flight", "In flight.", registry=registry).set(in_flight)
    return json.loads(json.dumps(taken_apart(registry.collect())))


def read(families: Any) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples of a page, as Prometheus's own parser reads it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page(families).decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_counters_and_histograms_add_up_and_ready_is_what_all_are() -> None:
    found = read(added([process({"a": 2, "b": 1}, [0.05, 0.5], in_flight=3), process({"b": 4}, [5.0], ready=False)]))
    assert found["aimux_requests_total", (("route", "a"),)] == 2
    assert found["aimux_requests_total", (("route", "b"),)] == 5
    buckets = {le: found["aimux_duration_seconds_bucket", (("le", le),)] for le in ("0.1", "1.0", "+Inf")}
    assert buckets == {"0.1": 1, "1.0": 2, "+Inf": 3}
    assert found["aimux_duration_seconds_sum", ()] == 5.55
    assert found["aimux_ready", ()] == 0
    assert found["aimux_requests_in_flight", ()] == 3


def test_of_a_process_that_has_ended_only_what_grows_counts() -> None:
    past = growing(process({"a": 7}, [0.5], ready=False, in_flight=9))
    found = read(added([past, process({"a": 1}, [])]))
    assert found["aimux_requests_total", (("route", "a"),)] == 8
    assert found["aimux_duration_seconds_count", ()] == 1
    assert found["aimux_ready", ()] == 1
    assert found["aimux_requests_in_flight", ()] == 0


def test_one_process_alone_reads_as_it_would_by_itself() -> None:
    registry = CollectorRegistry()
    Counter("odd", 'A "quoted" help\nof two lines.', ["name"], registry=registry).labels('a"b\\c\nd').inc()
    from prometheus_client.exposition import generate_latest

    assert page(added([taken_apart(registry.collect())])) == generate_latest(registry)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 100)), min_size=1, max_size=5))
def test_the_order_of_processes_does_not_matter(counted: list[dict[str, int]]) -> None:
    processes = [process(counts, []) for counts in counted]
    found = read(added(processes))
    assert found == read(added(reversed(processes)))
    for route in "abc":
        if any(route in counts for counts in counted):
            total = sum(counts.get(route, 0) for counts in counted)
            assert found["aimux_requests_total", (("route", route),)] == total
