"""Clients' connections: kept, closed, pipelined; and nothing that one request leaves behind reaches the next."""

import json

import pytest
from e2e_support.client import Client, chunked, compose
from e2e_support.mesh import Mesh
from e2e_support.upstream import Peer, Received

PLAIN = {"X-AIMux-Route": "plain"}


def echo_line(peer: Peer, request: Received) -> None:
    """Answers with the request's line and body."""
    body = request.line + b"|" + request.body
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def test_a_connection_carries_many_requests(mesh: Mesh) -> None:
    mesh.plain.handler = echo_line
    with Client(mesh.port) as client:
        for number in range(20):
            client.send(compose("POST", f"/{number}", PLAIN, b"%d" % number))
            assert client.read_response().body == b"POST /%d HTTP/1.1|%d" % (number, number)


def test_pipelined_requests_are_answered_in_order_each_with_its_own_answer(mesh: Mesh) -> None:
    mesh.plain.handler = echo_line
    pipeline = [
        (compose("POST", "/0", PLAIN, b"zero"), 200, b"POST /0 HTTP/1.1|zero"),
        (compose("GET", "/1", {"X-AIMux-Route": "vault"}), 403, b"anonymous_forbidden"),
        (
            compose("POST", "/2", {**PLAIN, "Transfer-Encoding": "chunked"}) + chunked(b"t", b"wo"),
            200,
            b"POST /2 HTTP/1.1|two",
        ),
        (compose("GET", "/healthz"), 200, b'"ok"'),
        (compose("GET", "/4", {"X-Source-Agent": "stranger"}), 401, b"unknown_agent"),
        (compose("GET", "/5", PLAIN), 200, b"GET /5 HTTP/1.1|"),
    ]
    with Client(mesh.port) as client:
        client.send(b"".join(request for request, _, _ in pipeline))
        for _, status, mark in pipeline:
            response = client.read_response()
            assert response.status == status
            assert mark in response.body


def test_pipelined_requests_come_through_however_they_are_cut(mesh: Mesh) -> None:
    mesh.plain.handler = echo_line
    stream = b"".join(compose("POST", f"/{n}", PLAIN, b"body%d" % n) for n in range(4))
    with Client(mesh.port) as client:
        for at in range(0, len(stream), 11):
            client.send(stream[at : at + 11])
        for number in range(4):
            assert client.read_response().body == b"POST /%d HTTP/1.1|body%d" % (number, number)


def test_connection_close_is_honoured(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", {**PLAIN, "Connection": "Close"}) + compose("GET", "/never", PLAIN))
        assert client.read_response().header("Connection") == b"close"
        assert client.closed()
    assert len(mesh.plain.requests) == 1


def test_an_old_client_is_answered_and_left(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", PLAIN, version="1.0"))
        response = client.read_response()
        assert (response.body, response.header("Connection")) == (b"ok", b"close")
        assert client.closed()


def test_a_head_request_that_is_refused_has_no_body(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        client.send(compose("HEAD", "/", {"X-Source-Agent": "stranger"}))
        response = client.read_response("HEAD")
        assert (response.status, response.header("Content-Type")) == (401, b"application/json")
        client.send(compose("GET", "/", PLAIN))
        assert client.read_response().status == 200


SMUGGLED = compose("GET", "/smuggled", PLAIN)


def test_the_body_of_a_refused_request_is_not_the_next_request(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", {"X-Source-Agent": "stranger"}, SMUGGLED))
        assert client.read_response().status == 401
        client.send(compose("GET", "/next", PLAIN))
        response = client.read_response()
        assert response.status == 200
    assert [request.line for request in mesh.plain.requests] == [b"GET /next HTTP/1.1"]


@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_the_unread_body_of_a_refused_request_ends_the_connection(mesh: Mesh, framing: str) -> None:
    headers = {"X-Source-Agent": "stranger", "Content-Type": "application/json"}
    framed = {"Content-Length": str(10 * len(SMUGGLED))} if framing == "sized" else {"Transfer-Encoding": "chunked"}
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", {**headers, **framed}))
        response = client.read_response()
        assert (response.status, response.header("Connection")) == (401, b"close")
        client.send(SMUGGLED * 5)
        assert client.closed()
    assert mesh.plain.requests == []


def test_a_body_over_the_limit_is_refused_and_the_connection_closed(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", {**PLAIN, "Transfer-Encoding": "chunked"}))
        piece = b"x" * 1024 * 1024
        for _ in range(11):
            client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        response = client.read_response()
        assert (response.status, json.loads(response.body)["error"]["code"]) == (413, "body_too_large")
        assert client.closed()
    assert mesh.plain.requests == []


def test_an_idle_connection_does_not_keep_the_others_waiting(mesh: Mesh) -> None:
    with Client(mesh.port), Client(mesh.port) as half, Client(mesh.port) as client:
        half.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
        client.send(compose("GET", "/", PLAIN))
        assert client.read_response().status == 200
