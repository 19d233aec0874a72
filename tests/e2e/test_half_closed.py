"""Clients that close their side behind the request: who waits for the answer gets it, who has left is given up."""

import http.client
import socket
import threading
from collections.abc import Callable

import httpx2
import openai
import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.mesh import Mesh
from e2e_support.upstream import OK, Peer, Received
from e2e_support.waiting import DEADLINE

PLAIN = {"X-AIMux-Route": "plain"}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
GATES = pytest.mark.parametrize(
    ("version", "headers"),
    [("1.1", {}), ("1.1", {"Connection": "close"}), ("1.0", {}), ("1.0", {"Connection": "keep-alive"})],
)


class Gate:
    """Answers in two parts, each once it is let through."""

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts
        self._open = [threading.Event() for _ in parts]

    def let(self, number: int) -> None:
        self._open[number].set()

    def __call__(self, peer: Peer, _: Received) -> None:
        for part, opened in zip(self._parts, self._open, strict=True):
            assert opened.wait(DEADLINE)
            peer.send(part)


def half_close(mesh: Mesh, client: Client) -> None:
    """Close the client's side, and wait until the gateway has seen it."""
    client.socket.shutdown(socket.SHUT_WR)
    ask(mesh.port, target="/healthz")


@GATES
def test_the_answer_comes_and_then_the_end(mesh: Mesh, version: str, headers: dict[str, str]) -> None:
    gate = mesh.plain.handler = Gate(OK)
    with Client(mesh.port) as client:
        client.send(compose("POST", "/half", {**PLAIN, **headers}, b"{}", version=version))
        mesh.plain.wait_requests(1)
        half_close(mesh, client)
        gate.let(0)
        response = client.read_response()
        assert (response.status, response.body) == (200, b"ok")
        assert response.header("Connection") == b"close"
        assert client.closed()
    line = mesh.gateway.request_line(response.header("X-Request-ID"))
    assert (line["status"], line.get("ended")) == (200, None)


@GATES
def test_a_streamed_answer_comes_whole(mesh: Mesh, version: str, headers: dict[str, str]) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    gate = mesh.plain.handler = Gate(head + b"4\r\nsome\r\n", b"4\r\nmore\r\n", b"0\r\n\r\n")
    with Client(mesh.port) as client:
        client.send(compose("GET", "/half", {**PLAIN, **headers}, version=version))
        gate.let(0)
        assert client.read_until(b"\r\n\r\n")
        half_close(mesh, client)
        gate.let(1)
        gate.let(2)
        if version == "1.1":
            assert [client.read_chunk() for _ in range(3)] == [b"some", b"more", b""]
        assert client.read_to_end() == (b"somemore" if version == "1.0" else b"")


def test_a_client_that_waits_long_reads_on_over_what_it_is_asked_by(mesh: Mesh) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    gate = mesh.plain.handler = Gate(head + b"4\r\nsome\r\n", b"4\r\nmore\r\n", b"0\r\n\r\n")
    with Client(mesh.port) as client:
        client.send(compose("GET", "/half", PLAIN))
        half_close(mesh, client)
        assert client.read_until(b"\r\n\r\n") == CONTINUE
        gate.let(0)
        assert client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert client.read_chunk() == b"some"
        assert client.read_exactly(1) == b"0"
        gate.let(1)
        assert client.read_chunk() == b"more"
        gate.let(2)
        assert client.read_chunk() == b""
        assert client.closed()


def test_pythons_own_client_reads_on_too(mesh: Mesh) -> None:
    gate = mesh.plain.handler = Gate(OK)
    connection = http.client.HTTPConnection("127.0.0.1", mesh.port, timeout=DEADLINE)
    connection.request("GET", "/half", headers=PLAIN)
    connection.sock.shutdown(socket.SHUT_WR)
    connection.sock.recv(1, socket.MSG_PEEK)  # what it is asked by
    gate.let(0)
    assert connection.getresponse().read() == b"ok"
    connection.close()


def test_all_that_was_asked_before_is_answered_in_order(mesh: Mesh) -> None:
    mesh.plain.handler = lambda peer, request: peer.send(OK[:-2] + request.line[5:7])
    with Client(mesh.port) as client:
        refused = compose("GET", "/", {"X-Source-Agent": "stranger"})
        client.send(b"".join((compose("GET", "/ab", PLAIN), refused, refused, compose("GET", "/yz", PLAIN))))
        client.socket.shutdown(socket.SHUT_WR)
        got = [client.read_response() for _ in range(4)]
        assert [response.status for response in got] == [200, 401, 401, 200]
        assert [got[0].body, got[3].body] == [b"ab", b"yz"]
        assert client.closed()


@pytest.mark.parametrize(
    "part", [b"GET /left HT", compose("GET", "/left", PLAIN) + b"GET /left HT"], ids=["alone", "behind"]
)
def test_half_a_request_is_not_waited_for(mesh: Mesh, part: bytes) -> None:
    with Client(mesh.port) as client:
        client.send(part)
        client.socket.shutdown(socket.SHUT_WR)
        if b"\r\n\r\n" in part:
            assert client.read_response().status == 200
        assert client.closed()


def test_a_body_that_cannot_be_completed_is_given_up(mesh: Mesh) -> None:
    with Client(mesh.port) as client:
        client.send(compose("POST", "/half-body", {**PLAIN, "Content-Length": "100"}) + b"half")
        ask(mesh.port, target="/healthz")
        client.socket.shutdown(socket.SHUT_WR)
        assert client.closed()
    line = mesh.gateway.wait_line(lambda line: line.get("path") == "/half-body", "its line")
    assert line["ended"] == "client_left"


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["close", "reset"])
def test_one_that_leaves_while_it_waits_lets_the_upstream_go(mesh: Mesh, leave: Callable[[Client], None]) -> None:
    mesh.plain.handler = lambda peer, _: peer.wait_closed()
    client = Client(mesh.port)
    client.send(compose("GET", f"/half-{leave.__name__}", PLAIN))
    mesh.plain.wait_requests(1)
    half_close(mesh, client)
    assert client.read_until(b"\r\n\r\n") == CONTINUE
    leave(client)
    mesh.plain.wait_served(1)
    line = mesh.gateway.wait_line(lambda line: line.get("path") == f"/half-{leave.__name__}", "its line")
    assert (line["ended"], line["status"]) == ("client_left", 499)


@pytest.mark.parametrize("stream", [False, True])
def test_an_sdk_that_loses_patience_lets_the_upstream_go(mesh: Mesh, stream: bool) -> None:
    def hang(peer: Peer, _: Received) -> None:
        if stream:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.wait_closed()

    mesh.plain.handler = hang
    url = f"http://127.0.0.1:{mesh.port}/v1"
    client = openai.OpenAI(base_url=url, api_key="k", default_headers=PLAIN, max_retries=0, timeout=0.3)
    with client, pytest.raises((openai.APITimeoutError, httpx2.ReadTimeout)):
        list(client.chat.completions.create(model="m", messages=[], stream=stream))
    mesh.plain.wait_served(1)
