"""Traces as a collector receives them: whose they are, what they say, and what must never be in them."""

import json
from collections.abc import Iterator

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import NewUpstream, Start
from e2e_support.receiver import Receiver, Span
from e2e_support.telemetry import PARENT, PLAIN, TRACE, config
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE

SECRET = "tell nobody about the weather tomorrow"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A receiver for the tests that share a gateway."""
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
        "aimux.rule_id": "access.open",
        "aimux.route": "plain",
        "aimux.agent": "bot",
        "aimux.identity": "claimed",
    }
    assert spans["decide"].attributes == {"aimux.rule": "route 'plain' is open", "aimux.rule_id": "access.open"}
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
