"""How traces leave the gateway: which are sampled, what a receiver that fails does, and how it is switched off."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support.client import ask
from e2e_support.gateway import Gateway, run_to_end, write_config
from e2e_support.mesh import Start
from e2e_support.receiver import METRICS, TRACES, Receiver
from e2e_support.telemetry import PARENT, PLAIN, TRACE, config, stop
from e2e_support.upstream import Upstream


@pytest.fixture
def own_receiver() -> Iterator[Receiver]:
    """A receiver of this test's own."""
    made = Receiver()
    yield made
    made.close()


def test_a_caller_that_does_not_record_is_not_recorded(
    start: Start, upstream: Upstream, own_receiver: Receiver, dead_port: int
) -> None:
    gateway = start(config(upstream, dead_port), environment=own_receiver.environment())
    ask(gateway.port, headers={**PLAIN, "traceparent": f"00-{TRACE}-{PARENT}-00"})
    ask(gateway.port, headers=PLAIN)
    stop(gateway)
    assert {span.trace_id == TRACE for span in own_receiver.spans} == {False}
    flags = [request.header("traceparent")[-2:] for request in upstream.wait_requests(2)]  # type: ignore[index]
    assert flags == [b"00", b"01"]


def test_what_the_sampler_leaves_out_upstreams_leave_out_too(
    start: Start, upstream: Upstream, own_receiver: Receiver, dead_port: int
) -> None:
    environment = own_receiver.environment(OTEL_TRACES_SAMPLER="parentbased_always_off")
    gateway = start(config(upstream, dead_port), environment=environment)
    ask(gateway.port, headers=PLAIN)
    response = ask(gateway.port, headers={**PLAIN, "traceparent": f"00-{TRACE}-{PARENT}-01"})
    own_receiver.wait_request(response.header("X-Request-ID"))
    stop(gateway)
    assert {span.trace_id for span in own_receiver.spans} == {TRACE}
    flags = [request.header("traceparent")[-2:] for request in upstream.wait_requests(2)]  # type: ignore[index]
    assert flags == [b"00", b"01"]


def test_what_waits_is_exported_before_the_end(
    start: Start, upstream: Upstream, own_receiver: Receiver, dead_port: int
) -> None:
    hour = str(60 * 60 * 1000)
    environment = own_receiver.environment(OTEL_BSP_SCHEDULE_DELAY=hour, OTEL_METRIC_EXPORT_INTERVAL=hour)
    gateway = start(config(upstream, dead_port), environment=environment)
    ask(gateway.port, headers=PLAIN)
    gateway.wait_served()
    assert own_receiver.exports == []
    stop(gateway)
    assert [span.name for span in own_receiver.spans] == ["GET plain", "decide", "upstream"]
    (metrics,) = own_receiver.metrics.values()
    assert [point.as_double for point in metrics["aimux_requests"].sum.data_points] == [1]


def test_the_process_says_who_it_is(start: Start, upstream: Upstream, own_receiver: Receiver, dead_port: int) -> None:
    said = {"OTEL_SERVICE_NAME": "front-door", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"}
    gateway = start(config(upstream, dead_port), environment=own_receiver.environment(**said))
    response = ask(gateway.port, headers=PLAIN)
    resource = own_receiver.wait_request(response.header("X-Request-ID"))["SERVER"].resource
    assert (resource["service.name"], resource["deployment.environment.name"]) == ("front-door", "test")
    assert resource["process.pid"] == gateway.pid
    assert resource["service.instance.id"]


def test_a_receiver_that_refuses_is_told_of_once_and_so_is_its_return(
    start: Start, upstream: Upstream, own_receiver: Receiver, dead_port: int
) -> None:
    own_receiver.status = 400
    gateway = start(config(upstream, dead_port), environment=own_receiver.environment())
    served = 0
    while own_receiver.count(TRACES) < 3 or own_receiver.count(METRICS) < 3:
        assert ask(gateway.port, headers=PLAIN).status == 200
        served += 1
    gateway.wait_line(lambda line: line["event"] == "telemetry" and "traces cannot" in line.get("detail", ""))
    gateway.wait_line(lambda line: line["event"] == "telemetry" and "metrics cannot" in line.get("detail", ""))
    own_receiver.status = 200
    ask(gateway.port, headers=PLAIN)
    gateway.wait_line(lambda line: line.get("detail") == "traces can be exported again")
    gateway.wait_line(lambda line: line.get("detail") == "metrics can be exported again")
    stop(gateway)
    told = [line for line in gateway.lines if line["event"] == "telemetry"]
    assert [line["level"] for line in told] == ["info", "error", "error", "info", "info"]
    assert "400" in told[1]["detail"]
    assert sum(line["event"] == "request" for line in gateway.lines) == served + 1


def test_without_a_receiver_requests_are_served(start: Start, upstream: Upstream, dead_port: int) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{dead_port}",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
        "OTEL_METRICS_EXPORTER": "none",
    }
    gateway = start(config(upstream, dead_port), environment=environment)
    assert ask(gateway.port, headers=PLAIN).status == 200
    line = gateway.wait_line(lambda line: line["event"] == "telemetry" and line["level"] == "error")
    assert line["detail"].startswith("traces cannot be exported, requests are served: ")
    assert str(dead_port) in line["detail"]
    assert [ask(gateway.port, headers=PLAIN).status for _ in range(20)] == [200] * 20
    stop(gateway)
    assert sum(line["event"] == "telemetry" and line["level"] == "error" for line in gateway.lines) == 1


def test_a_receiver_that_hangs_does_not_hold_up_the_end(start: Start, upstream: Upstream, dead_port: int) -> None:
    with Silent() as silent:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": silent.url, "OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}
        gateway = start(config(upstream, dead_port), environment=environment)
        assert ask(gateway.port, headers=PLAIN).status == 200
        stop(gateway)  # which waits no longer than its deadline
    (line,) = [line for line in gateway.lines if line["event"] == "telemetry" and line["level"] == "warning"]
    assert "did not take all that was left" in line["detail"]


class Silent:
    """A port that takes connections and never answers."""

    def __enter__(self) -> "Silent":
        import socket

        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.mark.parametrize(
    "off",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "prometheus"},
    ],
)
def test_it_can_be_switched_off(
    start: Start, upstream: Upstream, own_receiver: Receiver, dead_port: int, off: dict[str, str]
) -> None:
    gateway = start(config(upstream, dead_port), environment=own_receiver.environment(**off))
    assert ask(gateway.port, headers=PLAIN).status == 200
    stop(gateway)
    assert own_receiver.exports == []
    assert not any(line["event"] == "telemetry" for line in gateway.lines)


COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
WORKERS = pytest.mark.parametrize("workers", [1, 2])
REQUIRED = {"required": True}
UNAVAILABLE = pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin"),
        ({"OTEL_METRIC_EXPORT_INTERVAL": "soon"}, "OTEL_METRIC_EXPORT_INTERVAL=soon"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "1"}, "max_export_batch_size"),
        # The SDK reads this one while it is loaded, and raises another exception for that one.
        ({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "-3"}, "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
        ({"OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER": "ours"}, "component 'ours' not found"),
    ],
)


@pytest.fixture
def uninstalled(tmp_path: Path) -> dict[str, str]:
    """Variables that ask for telemetry where OpenTelemetry is not installed."""
    shadow = tmp_path / "shadow" / "opentelemetry"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text('"""Nothing is in here: as if it were not installed."""\n')
    return {**COLLECTOR, "PYTHONPATH": str(shadow.parent)}


def warnings(gateway: Gateway) -> list[str]:
    """What was warned of telemetry, but for what a receiver did not take."""
    said = [line["detail"] for line in gateway.lines if (line["event"], line["level"]) == ("telemetry", "warning")]
    return [detail for detail in said if "did not take all" not in detail]


@WORKERS
def test_what_is_not_installed_is_warned_of_once(
    start: Start, upstream: Upstream, uninstalled: dict[str, str], workers: int
) -> None:
    gateway = start(config(upstream, 1, server={"workers": workers}), environment=uninstalled)
    assert ask(gateway.port, headers=PLAIN).status == 200
    stop(gateway)
    (warning,) = warnings(gateway)
    assert "OpenTelemetry is not installed" in warning
    assert "pip install 'aimux-mesh[otel]'" in warning


@WORKERS
def test_what_is_not_installed_and_required_is_not_begun(
    tmp_path: Path, upstream: Upstream, uninstalled: dict[str, str], workers: int
) -> None:
    file = write_config(tmp_path / "aimux.yaml", config(upstream, 1, server={"workers": workers}, telemetry=REQUIRED))
    code, _, errors = run_to_end(file, environment=uninstalled)
    assert code == 1
    assert "OpenTelemetry is not installed" in errors
    assert "aimux-mesh[otel]" in errors
    assert "Traceback" not in errors


@WORKERS
@UNAVAILABLE
def test_what_cannot_be_done_is_warned_of_once(
    start: Start, upstream: Upstream, workers: int, variables: dict[str, str], said: str
) -> None:
    gateway = start(config(upstream, 1, server={"workers": workers}), environment={**COLLECTOR, **variables})
    assert ask(gateway.port, headers=PLAIN).status == 200
    stop(gateway)
    (warning,) = warnings(gateway)
    assert said in warning


@WORKERS
@UNAVAILABLE
def test_what_cannot_be_done_and_is_required_is_not_begun(
    tmp_path: Path, upstream: Upstream, workers: int, variables: dict[str, str], said: str
) -> None:
    file = write_config(tmp_path / "aimux.yaml", config(upstream, 1, server={"workers": workers}, telemetry=REQUIRED))
    code, _, errors = run_to_end(file, environment={**COLLECTOR, **variables})
    assert code == 1
    assert said in errors
    assert "Traceback" not in errors


def test_one_signal_is_exported_where_the_other_cannot_be(
    start: Start, upstream: Upstream, own_receiver: Receiver, dead_port: int
) -> None:
    environment = own_receiver.environment(OTEL_METRICS_EXPORTER="console")
    gateway = start(config(upstream, dead_port), environment=environment)
    assert ask(gateway.port, headers=PLAIN).status == 200
    stop(gateway)
    assert own_receiver.spans
    assert len(warnings(gateway)) == 1


def test_this_suite_itself_is_not_told_to_export() -> None:
    assert not [name for name in os.environ if name.startswith("OTEL_")]
