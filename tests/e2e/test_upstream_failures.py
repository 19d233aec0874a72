"""An upstream that dies, stalls or talks nonsense, at every stage: the caller learns it, and the next request works."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from e2e_support.client import Client, Response, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import Mesh, NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream, answer_ok
from e2e_support.waiting import DEADLINE

PLAIN = {"X-AIMux-Route": "plain"}
HEAD = b"HTTP/1.1 200 OK\r\n"
Break = Callable[[Peer], None]


def may_repeat(response: Response) -> bool:
    """Whether clients may send the refused request again by themselves."""
    return response.header("x-should-retry") is None


def code_of(response: Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert response.header("Retry-After") is None
    assert response.header("Content-Type") == b"application/json"
    return response.status, json.loads(response.body)["error"]["code"]


@pytest.fixture
def leakless(mesh: Mesh) -> Iterator[Mesh]:
    """The mesh; after the test the next request must work, and nothing may be left behind."""
    mesh.gateway.wait_idle()
    yield mesh
    mesh.plain.handler, mesh.plain.on_connect = answer_ok, None
    response = ask(mesh.port, headers=PLAIN)
    assert (response.status, response.body) == (200, b"ok")
    mesh.plain.forget()
    mesh.gateway.wait_idle()


def test_nobody_listens(leakless: Mesh) -> None:
    response = ask(leakless.port, "POST", "/", {"X-AIMux-Route": "dead"}, b"body")
    assert code_of(response) == (502, "upstream_unreachable")
    assert may_repeat(response)
    assert response.all("X-AIMux-Route") == []
    line = leakless.gateway.request_line(response.header("X-Request-ID"))
    assert (line["verdict"], line["route"], line["status"]) == ("upstream_unreachable", "dead", 502)


@pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_lost_before_the_answer(leakless: Mesh, leave: Break, method: str) -> None:
    leakless.plain.handler = lambda peer, _: leave(peer)
    response = ask(leakless.port, method, headers=PLAIN)
    assert code_of(response) == (502, "upstream_unreachable")
    assert not may_repeat(response), "the upstream has had the request"
    assert len(leakless.plain.requests) == 1


@pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
def test_a_connection_that_is_accepted_and_lost_at_once(leakless: Mesh, leave: Break) -> None:
    leakless.plain.on_connect = leave
    for _ in range(20):
        assert ask(leakless.port, headers=PLAIN).status == 502


@pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
@pytest.mark.parametrize("part", [b"H", b"HTTP/1.1 200", HEAD, HEAD + b"X-A: 1\r\nX-B", HEAD + b"X-A: 1\r\n"])
def test_a_connection_lost_in_the_middle_of_the_head(leakless: Mesh, leave: Break, part: bytes) -> None:
    def handler(peer: Peer, _: Received) -> None:
        peer.send(part)
        leave(peer)

    leakless.plain.handler = handler
    status, code = code_of(ask(leakless.port, headers=PLAIN))
    # A reset may overtake the bytes that were sent before it.
    assert (status, code) == (502, "upstream_invalid") or (leave is Peer.reset and code == "upstream_unreachable")


BROKEN_BODIES = {
    "sized": HEAD + b"Content-Length: 100\r\n\r\nsome",
    "between chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
    "in a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n64\r\nsome",
    "in the last chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n0\r\n",
    "in an event": HEAD
    + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n8\r\ndata",
}


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("leave", [Peer.close, Peer.reset], ids=["close", "reset"])
@pytest.mark.parametrize("part", BROKEN_BODIES.values(), ids=BROKEN_BODIES.keys())
def test_a_connection_lost_in_the_middle_of_the_body_never_looks_complete(
    leakless: Mesh, part: bytes, leave: Break, version: str
) -> None:
    seen = threading.Event()

    def handler(peer: Peer, _: Received) -> None:
        peer.send(part)
        seen.wait(DEADLINE)
        leave(peer)

    leakless.plain.handler = handler
    with Client(leakless.port) as client:
        client.send(compose("GET", "/", PLAIN, version=version))
        head = client.read_head()
        client.read_until(b"some")
        seen.set()
        rest, reset = client.ending()
    assert not rest.endswith(b"0\r\n\r\n")
    # An old client's body ends with the connection unless its length is known: only a reset tells it of the cut.
    assert reset or version == "1.1" or head.header("Content-Length")
    line = leakless.gateway.request_line(head.header("X-Request-ID"))
    assert (line["status"], line["verdict"], line["ended"]) == (200, "forward", "truncated")


def test_a_reset_in_a_body_that_lasts_until_close_is_no_end(leakless: Mesh) -> None:
    seen = threading.Event()

    def handler(peer: Peer, _: Received) -> None:
        peer.send(HEAD + b"\r\nsome")
        seen.wait(DEADLINE)
        peer.reset()

    leakless.plain.handler = handler
    with Client(leakless.port) as client:
        client.send(compose("GET", "/", PLAIN))
        client.read_until(b"some")
        seen.set()
        assert not client.ending()[0].endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("farewell", [True, False])
def test_over_tls_only_a_farewell_ends_a_body_that_lasts_until_close(mesh: Mesh, farewell: bool) -> None:
    def handler(peer: Peer, _: Received) -> None:
        peer.send(HEAD + b"\r\nsome")
        if farewell:
            peer.farewell()
        else:
            peer.close()

    mesh.secure.handler = handler
    with Client(mesh.port) as client:
        client.send(compose("GET", "/", {"X-AIMux-Route": "secure"}))
        if farewell:
            assert client.read_response().body == b"some"
        else:
            rest, _ = client.ending()
            assert not rest.endswith(b"0\r\n\r\n")


def test_a_client_learns_of_a_failure_while_it_still_sends_its_body(leakless: Mesh) -> None:
    def leave(peer: Peer) -> None:
        peer.read_exactly(200_000)
        peer.reset()

    leakless.plain.on_connect = leave
    headers = {**PLAIN, "Content-Type": "application/octet-stream", "Content-Length": "5000000"}
    with Client(leakless.port) as client:
        client.send(compose("POST", "/", headers) + bytes(300_000))
        assert code_of(client.read_response()) == (502, "upstream_unreachable")


@pytest.fixture(scope="module")
def _hasty(start_once: Start, new_upstream_once: NewUpstream) -> tuple[Gateway, Upstream]:
    upstream = new_upstream_once()
    waits = {"response_timeout": 0.4, "idle_timeout": 0.4}
    return start_once({"upstreams": waits, "routes": [{"name": "plain", "upstream": upstream.url}]}), upstream


@pytest.fixture
def hasty(_hasty: tuple[Gateway, Upstream]) -> Iterator[tuple[int, Upstream]]:
    """The port of a gateway that waits for upstreams only briefly, and an upstream."""
    gateway, upstream = _hasty
    yield gateway.port, upstream
    upstream.handler = answer_ok
    assert ask(gateway.port, headers=PLAIN).status == 200
    upstream.forget()
    gateway.wait_idle()


@pytest.mark.parametrize("part", [b"", HEAD + b"X-A: 1\r\n"])
def test_a_head_that_does_not_come_in_time(hasty: tuple[int, Upstream], part: bytes) -> None:
    port, upstream = hasty

    def stall(peer: Peer, _: Received) -> None:
        peer.send(part)
        peer.wait_closed()

    upstream.handler = stall
    response = ask(port, headers=PLAIN)
    assert code_of(response) == (504, "upstream_timeout")
    assert not may_repeat(response), "the upstream may be at it still"


def test_an_upstream_that_takes_no_connection_in_time_has_not_had_the_request(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(4):  # nobody accepts: whoever comes when the kernel's line is full gets no answer
            crowd = waiting.enter_context(socket.socket())
            crowd.setblocking(False)
            crowd.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        gateway = start({"upstreams": {"connect_timeout": 0.2}, "routes": [{"name": "plain", "upstream": url}]})
        response = ask(gateway.port, "POST", "/", PLAIN, b"body")
    assert code_of(response) == (504, "upstream_timeout")
    assert may_repeat(response)


@pytest.mark.parametrize("part", [b"Content-Length: 9\r\n\r\nsome", b"Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"])
def test_a_body_that_stops_is_cut(hasty: tuple[int, Upstream], part: bytes) -> None:
    port, upstream = hasty

    def stall(peer: Peer, _: Received) -> None:
        peer.send(HEAD + part)
        peer.wait_closed()

    upstream.handler = stall
    with Client(port) as client:
        client.send(compose("GET", "/", PLAIN))
        client.read_until(b"some")
        rest, _ = client.ending()
        assert not rest.endswith(b"0\r\n\r\n")
