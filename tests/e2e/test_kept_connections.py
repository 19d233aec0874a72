"""Connections to upstreams are kept and used again, and never where that could lose, double or mix up a request."""

import threading

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.mesh import Mesh, NewUpstream, Start
from e2e_support.upstream import OK, Peer, Received, answer_ok
from e2e_support.waiting import DEADLINE

PLAIN = {"X-AIMux-Route": "plain"}
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


def test_one_connection_carries_many_requests(mesh: Mesh) -> None:
    for number in range(10):
        response = ask(mesh.port, "POST", f"/{number}", PLAIN, b"x" * number)
        assert response.body == b"ok"
    assert len(mesh.plain.requests) == 10
    assert len(mesh.plain.peers) == 1


def test_routes_with_the_same_upstream_share_no_answer(mesh: Mesh) -> None:
    mesh.plain.handler = lambda peer, request: peer.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request.line), request.line)
    )
    for route, line in (("plain", b"GET /1 HTTP/1.1"), ("based", b"GET /base/path/1 HTTP/1.1")) * 2:
        assert ask(mesh.port, "GET", "/1", {"X-AIMux-Route": route}).body == line


def _close_on_second_request(mesh: Mesh, leave: object = Peer.close) -> None:
    """Answers the first request on each connection; leaves without an answer once the second has come in."""
    seen: set[int] = set()

    def handler(peer: Peer, request: Received) -> None:
        if id(peer) in seen:
            leave(peer)  # type: ignore[operator]
        else:
            seen.add(id(peer))
            answer_ok(peer, request)

    mesh.plain.handler = handler


@pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_an_idempotent_request_that_met_a_closing_connection_is_sent_again(
    mesh: Mesh, method: str, leave: object
) -> None:
    _close_on_second_request(mesh, leave)
    assert ask(mesh.port, method, "/first", PLAIN).status == 200
    assert ask(mesh.port, method, "/second", PLAIN).status == 200
    lines = [request.line for request in mesh.plain.requests]
    assert lines == [f"{method} /{name} HTTP/1.1".encode() for name in ("first", "second", "second")]
    assert len(mesh.plain.peers) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_another_request_is_never_received_twice(mesh: Mesh, method: str) -> None:
    _close_on_second_request(mesh)
    assert ask(mesh.port, method, "/first", PLAIN, b"1").status == 200
    refused = ask(mesh.port, method, "/second", PLAIN, b"2")
    assert (refused.status, refused.header("x-should-retry")) == (502, None)
    assert [request.body for request in mesh.plain.requests] == [b"1", b"2"]
    assert ask(mesh.port, method, "/third", PLAIN, b"3").status == 200


def test_a_streamed_body_is_never_sent_twice(mesh: Mesh) -> None:
    _close_on_second_request(mesh)
    assert ask(mesh.port, headers=PLAIN).status == 200
    headers = {**PLAIN, "Content-Type": "audio/wav", "Content-Length": "4"}
    with Client(mesh.port) as client:
        client.send(compose("PUT", "/", headers))
        client.send(b"wave")
        status = client.read_response().status
    # Where the body had come whole by the time of forwarding, nothing was streamed and PUT may go again.
    bodies = [request.body for request in mesh.plain.requests]
    assert (status, bodies) in [(502, [b"", b"wave"]), (200, [b"", b"wave", b"wave"])]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("framing", [{"Content-Length": "4"}, {"Transfer-Encoding": "chunked"}])
def test_a_request_of_whose_body_nothing_had_come_is_sent_again(
    mesh: Mesh, method: str, framing: dict[str, str]
) -> None:
    def converse(peer: Peer) -> None:
        if len(mesh.plain.peers) == 1:
            answer_ok(peer, peer.read_head())
            peer.read_head()
            return  # which closes the connection
        mesh.plain.requests.append(peer.read_request())
        peer.send(OK)

    mesh.plain.on_connect = converse
    assert ask(mesh.port, headers=PLAIN).status == 200
    with Client(mesh.port) as client:
        client.send(compose(method, "/", {**PLAIN, "Content-Type": "audio/wav", **framing}))
        mesh.plain.wait_peers(2)
        client.send(b"wave" if "Content-Length" in framing else b"4\r\nwave\r\n0\r\n\r\n")
        assert client.read_response().status == 200
    assert mesh.plain.only.body == b"wave"


def test_a_request_is_sent_again_once_only(mesh: Mesh) -> None:
    _close_on_second_request(mesh)
    assert ask(mesh.port, headers=PLAIN).status == 200
    before = len(mesh.plain.requests)
    mesh.plain.handler = lambda peer, _: peer.close()
    assert ask(mesh.port, headers=PLAIN).status == 502
    assert len(mesh.plain.requests) == before + 2


def test_a_connection_that_the_upstream_closed_in_between_is_not_used(mesh: Mesh) -> None:
    for number in range(5):
        assert ask(mesh.port, "POST", "/", PLAIN, b"x").status == 200
        mesh.plain.peers[number].close()
    assert len(mesh.plain.requests) == 5
    assert len(mesh.plain.peers) == 5


def test_a_connection_with_unasked_bytes_is_not_used(mesh: Mesh) -> None:
    assert ask(mesh.port, headers=PLAIN).body == b"ok"
    mesh.plain.peers[0].send(EVIL)
    assert ask(mesh.port, headers=PLAIN).body == b"ok"
    assert len(mesh.plain.peers) == 2


@pytest.mark.parametrize("extra", [EVIL, b"x", b"\r\n\r\n" + EVIL])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_bytes_behind_a_response_are_no_next_response(mesh: Mesh, extra: bytes, method: str) -> None:
    def handler(peer: Peer, _: Received) -> None:
        peer.send((OK if method == "GET" else OK[:-2]) + extra)

    mesh.plain.handler = handler
    with Client(mesh.port) as client:
        client.send(compose(method, "/", PLAIN))
        assert client.read_response(method).status == 200
        mesh.plain.handler = answer_ok
        client.send(compose("GET", "/", PLAIN))
        assert client.read_response().body == b"ok"
    assert len(mesh.plain.peers) == 2


@pytest.mark.parametrize("rest", [b"evil" + EVIL, EVIL])
def test_a_body_behind_the_head_that_answers_head_is_no_next_response(mesh: Mesh, rest: bytes) -> None:
    mesh.plain.handler = lambda peer, _: peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + rest)
    assert ask(mesh.port, "HEAD", "/", PLAIN).status == 200
    mesh.plain.handler = answer_ok
    assert ask(mesh.port, headers=PLAIN).body == b"ok"
    assert len(mesh.plain.peers) == 2


@pytest.mark.parametrize(
    "closing", [b"HTTP/1.1 200 OK\r\nConnection: close", b"HTTP/1.0 200 OK", b"HTTP/1.1 200 OK\r\nConnection: x, CLOSE"]
)
def test_a_connection_that_the_upstream_means_to_close_is_not_used(mesh: Mesh, closing: bytes) -> None:
    mesh.plain.handler = lambda peer, _: peer.send(closing + b"\r\nContent-Length: 2\r\n\r\nok")
    assert ask(mesh.port, headers=PLAIN).body == b"ok"
    mesh.plain.peers[0].wait_closed()
    assert ask(mesh.port, headers=PLAIN).body == b"ok"
    assert len(mesh.plain.peers) == 2


def test_requests_at_the_same_time_have_connections_of_their_own(mesh: Mesh) -> None:
    together = threading.Barrier(8, timeout=DEADLINE)

    def handler(peer: Peer, request: Received) -> None:
        together.wait()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request.line), request.line))

    mesh.plain.handler = handler
    clients = [Client(mesh.port) for _ in range(8)]
    for number, client in enumerate(clients):
        client.send(compose("GET", f"/{number}", PLAIN))
    for number, client in enumerate(clients):
        assert client.read_response().body == b"GET /%d HTTP/1.1" % number
        client.close()
    assert len(mesh.plain.peers) == 8


def test_an_unused_connection_is_closed_after_a_while(start: Start, new_upstream: NewUpstream) -> None:
    upstream = new_upstream()
    upstreams = {"keepalive_timeout": 0.2}
    gateway = start({"upstreams": upstreams, "routes": [{"name": "plain", "upstream": upstream.url}]})
    assert ask(gateway.port, headers=PLAIN).status == 200
    upstream.peers[0].socket.settimeout(DEADLINE)
    gateway.wait_idle()
