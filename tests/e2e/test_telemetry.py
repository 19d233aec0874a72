"""Traces as a collector receives them: whose they are, what they say, and what must never be in them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import Gateway, run_to_end, write_config
from e2e_support.mesh import NewUpstream, Start
from e2e_support.receiver import METRICS, TRACES, Receiver, Span
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PLAIN = {"X-AIMux-Route": "plain"}
SECRET = "tell nobody about the weather tomorrow"


def config(upstream: Upstream, dead_port: int, **more: object) -> dict[str, object]:
    """A mesh with a route by name, one by meaning that not everybody may use, and one that is broken."""
    rain = {"name": "rain", "upstream": upstream.url, "intents": ["will it rain tomorrow"], "allowed": ["bot"]}
    return {
        "agents": ["bot", "other"],
        "routes": [
            {"name": "plain", "upstream": upstream.url},
            {"name": "dead", "upstream": f"http://127.0.0.1:{dead_port}"},
            rain,
        ],
        **more,
    }


def stop(gateway: Gateway) -> None:
    """Have the gateway end, all that it has to say being said."""
    gateway.signal()
    assert gateway.exited() == 0
    assert gateway.stderr == ""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A receiver for the tests that share a gateway."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def own_receiver() -> Iterator[Receiver]:
    """A receiver of this test's own."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_upstream(new_upstream_once: NewUpstream) -> Upstream:
    """The upstream of the shared gateway."""
    return new_upstream_once()


@pytest.fixture(scope="module")
def shared(start_once: Start, shared_upstream: Upstream, receiver: Receiver, dead_port: int) -> Gateway:
    """A gateway that exports to the shared receiver."""
    return start_once(config(shared_upstream, dead_port), environment=receiver.environment())


@pytest.fixture
def gateway(shared: Gateway, shared_upstream: Upstream) -> Iterator[Gateway]:
    """The shared gateway, its upstream as new."""
    yield shared
    shared_upstream.forget()


def test_a_callers_trace_goes_on_through_the_gateway(
    gateway: Gateway, shared_upstream: Upstream, receiver: Receiver
) -> None:
    headers = {**PLAIN, "X-Source-Agent": "bot", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    response = ask(gateway.port, "POST", "/v1/things?x=1", headers, b"body")
    spans = receiver.wait_request(response.header("X-Request-ID"))
    assert set(spans) == {"SERVER", "decide", "upstream"}
    server, upstream = spans["SERVER"], spans["upstream"]
    assert {span.trace_id for span in spans.values()} == {TRACE}
    assert server.parent_id == PARENT
    assert shared_upstream.only.header("traceparent") == f"00-{TRACE}-{upstream.span_id}-01".encode()
    assert len({span.span_id for span in spans.values()}) == 3
    assert spans["decide"].within(server)
    assert upstream.within(server)
    assert spans["decide"].wire.end_time_unix_nano <= upstream.wire.start_time_unix_nano


def test_the_spans_say_what_was_asked_and_decided(
    gateway: Gateway, shared_upstream: Upstream, receiver: Receiver
) -> None:
    response = ask(gateway.port, "POST", "/v1/things", {**PLAIN, "X-Source-Agent": "bot"}, b"body")
    spans = receiver.wait_request(response.header("X-Request-ID"))
    server, upstream = spans["SERVER"], spans["upstream"]
    assert (server.name, server.wire.kind) == ("POST plain", server.wire.SPAN_KIND_SERVER)
    assert server.parent_id == ""
    assert server.attributes == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "url.path": "/v1/things",
        "client.address": "127.0.0.1",
        "http.response.status_code": 200,
        "http.response.body.size": 2,
        "aimux.request_id": response.header("X-Request-ID").decode(),  # type: ignore[union-attr]
        "aimux.verdict": "forward",
        "aimux.rule": "route 'plain' is open",
        "aimux.route": "plain",
        "aimux.agent": "bot",
        "aimux.identity": "claimed",
    }
    assert spans["decide"].attributes == {"aimux.rule": "route 'plain' is open"}
    assert upstream.wire.kind == upstream.wire.SPAN_KIND_CLIENT
    assert 0 < upstream.attributes.pop("aimux.upstream.seconds_to_head") < DEADLINE
    assert upstream.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "server.port": shared_upstream.port,
        "url.full": f"{shared_upstream.url}/v1/things",
        "aimux.route": "plain",
    }
    assert not any(span.failed for span in spans.values())


def test_a_text_is_embedded_once_and_its_scores_are_told(gateway: Gateway, receiver: Receiver) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "will it rain tomorrow, in my trace"}]}).encode()
    headers = {"X-Source-Agent": "bot", "Content-Type": "application/json"}

    def spans() -> dict[str, Span]:
        response = ask(gateway.port, "POST", "/v1/chat/completions", headers, body)
        assert response.status == 200
        return receiver.wait_request(response.header("X-Request-ID"))

    first, second = spans(), spans()
    assert set(first) == {"SERVER", "decide", "embed", "upstream"}
    assert set(second) == {"SERVER", "decide", "upstream"}
    assert first["embed"].within(first["decide"])
    attributes = first["SERVER"].attributes
    assert (attributes["aimux.score_cached"], second["SERVER"].attributes["aimux.score_cached"]) == (False, True)
    assert (attributes["aimux.best"], attributes["aimux.route"]) == ("rain", "rain")
    assert 0.4 < attributes["aimux.score"] <= 1
    assert (attributes["gen_ai.operation.name"], attributes["gen_ai.agent.name"]) == ("chat", "bot")
    assert first["upstream"].attributes["gen_ai.operation.name"] == "chat"


def test_a_refused_request_never_called_anybody(
    gateway: Gateway, shared_upstream: Upstream, receiver: Receiver
) -> None:
    response = ask(gateway.port, "GET", "/?q=will+it+rain+tomorrow,+perhaps", {"X-Source-Agent": "other"})
    assert response.status == 403
    spans = receiver.wait_request(response.header("X-Request-ID"))
    assert set(spans) == {"SERVER", "decide", "embed"}
    assert shared_upstream.requests == []
    attributes = spans["SERVER"].attributes
    assert (attributes["aimux.verdict"], attributes["aimux.route"]) == ("route_forbidden", "rain")
    assert attributes["http.response.status_code"] == 403
    assert not spans["SERVER"].failed  # the caller's fault, not the server's


def test_what_could_not_be_read_has_a_span_too(gateway: Gateway, receiver: Receiver) -> None:
    with Client(gateway.port) as client:
        client.send(b"what is this\r\n\r\n")
        response = client.read_response()
    spans = receiver.wait_request(response.header("X-Request-ID"))
    assert set(spans) == {"SERVER"}
    assert spans["SERVER"].name == "HTTP"
    assert spans["SERVER"].attributes["http.request.method"] == "_OTHER"
    assert spans["SERVER"].attributes["aimux.verdict"] == "bad_request"


def test_an_upstream_that_fails_is_an_error_of_both(gateway: Gateway, receiver: Receiver) -> None:
    response = ask(gateway.port, headers={"X-AIMux-Route": "dead"})
    assert response.status == 502
    spans = receiver.wait_request(response.header("X-Request-ID"))
    assert spans["upstream"].failed
    assert spans["SERVER"].failed
    assert not spans["decide"].failed
    for name in ("upstream", "SERVER"):
        assert spans[name].attributes["error.type"] == "upstream_unreachable"
    assert "http.response.status_code" not in spans["upstream"].attributes


def test_a_response_that_breaks_off_is_an_error(
    gateway: Gateway, shared_upstream: Upstream, receiver: Receiver
) -> None:
    def broken(peer: object, _: object) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 70_000)  # type: ignore[attr-defined]
        peer.close()  # type: ignore[attr-defined]

    shared_upstream.handler = broken
    with Client(gateway.port) as client:
        client.send(compose("GET", "/", PLAIN))
        request_id = client.read_head().header("X-Request-ID")
        client.ending()
    spans = receiver.wait_request(request_id)
    assert [spans[name].attributes["error.type"] for name in ("SERVER", "upstream")] == ["truncated", "truncated"]


def test_nothing_that_a_caller_says_is_ever_exported(gateway: Gateway, receiver: Receiver) -> None:
    query, headers = SECRET.replace(" ", "+"), {"Authorization": "Bearer sesame-open", "X-Secret": "header-secret"}
    body = json.dumps({"messages": [{"role": "user", "content": SECRET}], "agent": "bot"}).encode()
    asked = [
        ask(gateway.port, "GET", f"/?q={query}&token=query-secret", {**headers, "X-Source-Agent": "bot"}),
        ask(gateway.port, "POST", "/", {**headers, "Content-Type": "application/json"}, body),
        ask(gateway.port, "GET", f"/?q={query}", {**headers, "X-Source-Agent": "stranger-secret"}),
        ask(gateway.port, "GET", "/", {**headers, **PLAIN, "traceparent": f"00-{TRACE}-{PARENT}-01"}),
    ]
    for response in asked:
        receiver.wait_request(response.header("X-Request-ID"))
    receiver.wait(lambda r: bool(r.metrics), "metrics")
    everything = b"".join(body for _, body in receiver.exports)
    assert b"/v1/" in everything or b"aimux.verdict" in everything
    for secret in (SECRET, query, "sesame-open", "header-secret", "query-secret", "stranger-secret", "Bearer"):
        assert secret.encode() not in everything, secret


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


def test_who_asks_for_traces_without_what_exports_them_is_told(tmp_path: Path, upstream: Upstream) -> None:
    shadow = tmp_path / "shadow" / "opentelemetry"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text('"""Nothing is in here: as if it were not installed."""\n')
    file = write_config(tmp_path / "aimux.yaml", config(upstream, 1))
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "PYTHONPATH": str(shadow.parent)}
    code, _, errors = run_to_end(file, environment=environment)
    assert code == 1
    assert "OpenTelemetry is not installed" in errors
    assert "aimux-mesh[otel]" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "1"}, "max_export_batch_size"),
    ],
)
def test_what_cannot_be_done_is_not_begun(
    tmp_path: Path, upstream: Upstream, workers: int, variables: dict[str, str], said: str
) -> None:
    file = write_config(tmp_path / "aimux.yaml", config(upstream, 1, server={"workers": workers}))
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", **variables}
    code, _, errors = run_to_end(file, environment=environment)
    assert code == 1
    assert said in errors
    assert "Traceback" not in errors


def test_this_suite_itself_is_not_told_to_export() -> None:
    assert not [name for name in os.environ if name.startswith("OTEL_")]
