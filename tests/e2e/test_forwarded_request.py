"""What an upstream receives: the request line, the headers that cross and those that the gateway sets, the body."""

import gzip
import json
import re

import pytest
from e2e_support.client import Client, ask, chunked, compose
from e2e_support.mesh import Mesh, NewUpstream, Start
from e2e_support.upstream import Received

PLAIN = {"X-AIMux-Route": "plain"}


def forwarded(mesh: Mesh, *arguments: object, **options: object) -> Received:
    """What the upstream got of a request that the gateway forwards."""
    response = ask(mesh.port, *arguments, **options)  # type: ignore[arg-type]
    assert response.status == 200, response.body
    return mesh.plain.only


def test_the_request_line_is_the_callers_own(mesh: Mesh) -> None:
    request = forwarded(mesh, "DELETE", "/v1/a%20b/../c;d?x=1&x=2&&y=%2F", PLAIN)
    assert request.line == b"DELETE /v1/a%20b/../c;d?x=1&x=2&&y=%2F HTTP/1.1"


@pytest.mark.parametrize("target", ["//evil.example/x", "//evil.example:80", "/\x7e//", "/%2e%2e/a", "/@evil.example/"])
def test_no_path_turns_the_request_elsewhere(mesh: Mesh, target: str) -> None:
    request = forwarded(mesh, "GET", target, PLAIN)
    assert request.line == f"GET {target} HTTP/1.1".encode()
    assert request.all("Host") == [f"127.0.0.1:{mesh.plain.port}".encode()]


def test_an_absolute_target_becomes_a_path(mesh: Mesh) -> None:
    request = forwarded(mesh, "GET", "http://localhost/a?b", PLAIN)
    assert request.line == b"GET /a?b HTTP/1.1"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v1/a?b", "/base/path/v1/a?b"),
        ("/", "/base/path/"),
        ("//evil/x", "/base/path//evil/x"),
        ("/?q", "/base/path/?q"),
    ],
)
def test_the_base_path_stands_before_the_callers(mesh: Mesh, target: str, expected: str) -> None:
    request = forwarded(mesh, "GET", target, {"X-AIMux-Route": "based"})
    assert request.line == f"GET {expected} HTTP/1.1".encode()


@pytest.mark.parametrize("target", ["/../x", "/a/..", "/%2e%2e/x", "/..%2fx", "/%252e%252e/x", "/..;/x"])
def test_no_path_leads_out_of_the_base_path(mesh: Mesh, target: str) -> None:
    response = ask(mesh.port, "GET", target, {"X-AIMux-Route": "based"})
    assert (response.status, json.loads(response.body)["error"]["code"]) == (400, "bad_request")
    assert mesh.plain.requests == []


def test_end_to_end_headers_cross_as_they_are_and_in_order(mesh: Mesh) -> None:
    sent = [
        ("user-AGENT", "probe/1.0"),
        ("Authorization", "Bearer sk-abc"),
        ("X-Source-Agent", "finance-bot"),
        ("Accept", "a/b;q=0.5, */*"),
        ("Cookie", "a=1; b=2"),
        ("X-Twice", "1"),
        ("X-Twice", "2"),
        ("X-Latin", "caf\xe9"),
    ]
    request = forwarded(mesh, "GET", "/", [*sent, *PLAIN.items()])
    crossed = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
    assert crossed[1 : len(sent) + 1] == sent


def test_hop_by_hop_headers_stay_behind(mesh: Mesh) -> None:
    dropped = {
        "Connection": "keep-alive, X-Named, upgrade",
        "X-Named": "1",
        "Keep-Alive": "timeout=5",
        "TE": "trailers",
        "Trailer": "X-Sum",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAMAAABkAAQAAP__",
        "Proxy-Authorization": "Basic Zm9v",
        "Proxy-Connection": "close",
    }
    request = forwarded(mesh, "GET", "/", {**dropped, **PLAIN, "X-Kept": "1"})
    assert request.names.isdisjoint(name.lower().encode() for name in dropped)
    assert request.all("X-Kept") == [b"1"]


@pytest.mark.parametrize("named", ["Host", "X-AIMux-Agent", "Content-Length", "X-Request-ID", "X-Forwarded-For"])
def test_connection_cannot_take_away_what_the_gateway_says(mesh: Mesh, named: str) -> None:
    headers = {"Connection": named, "X-Source-Agent": "admin-bot", **PLAIN}
    request = forwarded(mesh, "POST", "/", headers, b"body")
    assert named.lower().encode() in request.names
    assert request.body == b"body"


def test_the_gateway_says_who_asks_and_where_it_leads(mesh: Mesh) -> None:
    spoofed = {"X-AIMux-Agent": "admin-bot", "X-AIMux-Extra": "1", "x_aimux_agent": "admin-bot", "X-Request-ID": "mine"}
    request = forwarded(mesh, "GET", "/?agent=finance-bot", {**PLAIN, **spoofed})
    assert request.all("X-AIMux-Agent") == [b"finance-bot"]
    assert request.all("X-AIMux-Route") == [b"plain"]
    assert {name for name in request.names if b"aimux" in name} == {b"x-aimux-agent", b"x-aimux-route"}
    assert re.fullmatch(rb"[0-9a-f]{32}", request.header("X-Request-ID") or b"")
    assert request.header("X-Client-Request-ID") == b"mine"


def test_an_anonymous_request_names_no_agent(mesh: Mesh) -> None:
    request = forwarded(mesh, "GET", "/", {**PLAIN, "X-AIMux-Agent": "admin-bot"})
    assert request.all("X-AIMux-Agent") == []


def test_upstream_client_and_log_have_the_same_request_id(mesh: Mesh) -> None:
    response = ask(mesh.port, headers=PLAIN)
    assert response.header("X-Request-ID") == mesh.plain.only.header("X-Request-ID")
    assert mesh.gateway.request_line(response.header("X-Request-ID"))["status"] == 200


def test_a_trace_is_continued_with_its_state(mesh: Mesh) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
    request = forwarded(mesh, "GET", "/", {**PLAIN, "traceparent": trace, "tracestate": "a=1,b=2"})
    continued = re.fullmatch(
        rb"00-4bf92f3577b34da6a3ce929d0e0e4736-([0-9a-f]{16})-00", request.header("traceparent") or b""
    )
    assert continued
    assert continued.group(1) != b"00f067aa0ba902b7"
    assert request.all("tracestate") == [b"a=1,b=2"]


@pytest.mark.parametrize("bad", ["", "00-zz-00f067aa0ba902b7-01", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"])
def test_a_broken_trace_gives_way_to_a_new_one(mesh: Mesh, bad: str) -> None:
    request = forwarded(mesh, "GET", "/", {**PLAIN, "traceparent": bad, "tracestate": "a=1"})
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-01", request.header("traceparent") or b"")
    assert request.all("tracestate") == []


FORWARDING = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "public.example",
    "X-Forwarded-Port": "443",
    "Forwarded": "for=203.0.113.9",
    "X-Real-IP": "203.0.113.9",
}


def test_forwarding_headers_tell_of_the_real_connection(mesh: Mesh) -> None:
    request = forwarded(mesh, "GET", "/", {**PLAIN, **FORWARDING}, host="agents.example:8080")
    assert request.all("X-Forwarded-For") == [b"127.0.0.1"]
    assert request.all("X-Forwarded-Proto") == [b"http"]
    assert request.all("X-Forwarded-Host") == [b"agents.example:8080"]
    assert request.names.isdisjoint({b"forwarded", b"x-real-ip", b"x-forwarded-port"})


def test_a_trusted_proxys_forwarding_headers_are_kept_and_its_address_appended(
    start: Start, new_upstream: NewUpstream
) -> None:
    upstream = new_upstream()
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"server": {"trusted_proxies": ["127.0.0.0/8"]}, "routes": routes})
    ask(gateway.port, "GET", "/", {**PLAIN, **FORWARDING})
    request = upstream.only
    assert request.all("X-Forwarded-For") == [b"203.0.113.9, 127.0.0.1"]
    assert request.all("X-Forwarded-Proto") == [b"https"]
    assert request.all("X-Forwarded-Host") == [b"public.example"]
    assert request.all("Forwarded") == [b"for=203.0.113.9"]


def test_a_sized_body_crosses_byte_for_byte(mesh: Mesh) -> None:
    body = bytes(range(256)) * 300
    request = forwarded(mesh, "POST", "/", {**PLAIN, "Content-Type": "application/octet-stream"}, body)
    assert request.raw_body == body
    assert request.all("Content-Length") == [str(len(body)).encode()]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_empty_body_stays_one(mesh: Mesh, method: str) -> None:
    request = forwarded(mesh, method, "/", PLAIN, b"")
    assert request.all("Content-Length") == [b"0"]
    assert request.all("Transfer-Encoding") == []


@pytest.mark.parametrize("headers", [PLAIN, {"X-Source-Agent": "finance-bot", "Content-Type": "application/json"}])
def test_a_chunked_body_crosses_whether_it_is_read_or_streamed(mesh: Mesh, headers: dict[str, str]) -> None:
    body = json.dumps({"query": "analyze the budget", "pad": "x" * 5000}).encode()
    pieces = (body[:1], body[1:70], body[70:])
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", {**headers, "Transfer-Encoding": "chunked"}) + chunked(*pieces))
        assert client.read_response().status == 200
    assert mesh.plain.only.body == body


def test_a_streamed_chunked_body_is_chunked_at_the_upstream(mesh: Mesh) -> None:
    headers = {**PLAIN, "Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", headers) + b"5\r\nhello\r\n")
        mesh.plain.wait_peers(1)
        client.send(b"6;ext=1\r\n world\r\n0\r\nX-Source-Agent: admin-bot\r\n\r\n")
        assert client.read_response().status == 200
    request = mesh.plain.only
    assert (request.header("Transfer-Encoding"), request.header("Content-Length")) == (b"chunked", None)
    assert request.body == b"hello world"
    assert b"admin-bot" not in request.peer.recorded


@pytest.mark.parametrize("coding", ["gzip", "chunked gzip"])
def test_an_encoded_body_is_read_and_forwarded_as_it_came(mesh: Mesh, coding: str) -> None:
    body = gzip.compress(json.dumps({"query": "analyze the budget", "agent": "finance-bot"}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    with Client(mesh.port) as client:
        if coding == "gzip":
            client.send(compose("POST", "/", headers, body))
        else:
            client.send(compose("POST", "/", {**headers, "Transfer-Encoding": "chunked"}) + chunked(body[:9], body[9:]))
        response = client.read_response()
    assert response.header("X-AIMux-Route") == b"finance"
    request = mesh.plain.only
    assert (request.header("Content-Encoding"), request.body) == (b"gzip", body)
    assert request.header("X-AIMux-Agent") == b"finance-bot"


def test_the_quick_starts_curl_with_json_under_a_form_content_type(mesh: Mesh) -> None:
    body = b'{"query": "forecast revenue"}'
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Source-Agent": "finance-bot"}
    request = forwarded(mesh, "POST", "/", headers, body)
    assert (request.body, request.header("X-AIMux-Route")) == (body, b"finance")


def test_an_upstream_is_reached_over_ipv6(mesh: Mesh) -> None:
    response = ask(mesh.port, headers={"X-AIMux-Route": "six"})
    assert (response.status, response.body) == (200, b"ok")
    assert mesh.six.only.header("Host") == f"[::1]:{mesh.six.port}".encode()


def test_an_upstream_is_reached_over_verified_tls(mesh: Mesh) -> None:
    response = ask(mesh.port, "POST", "/x", {"X-AIMux-Route": "secure"}, b"body")
    assert (response.status, response.body) == (200, b"ok")
    request = mesh.secure.only
    assert (request.line, request.body) == (b"POST /x HTTP/1.1", b"body")
    assert request.header("Host") == f"localhost:{mesh.secure.port}".encode()
    assert request.header("X-Forwarded-Proto") == b"http"


def test_an_upstream_whose_certificate_is_not_trusted_gets_nothing(mesh: Mesh) -> None:
    response = ask(mesh.port, headers={"X-AIMux-Route": "distrusted"})
    error = json.loads(response.body)["error"]
    assert (response.status, error["code"]) == (502, "upstream_unreachable")
    assert "certificate" in error["message"]
    assert response.header("x-should-retry") == b"false"
    assert mesh.secure.requests == []
