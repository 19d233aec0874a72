"""Clients that leave, stall or talk nonsense: the upstream is let go, nothing is left behind, others are served."""

import json
import signal
import threading
from collections.abc import Callable, Iterator

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import Gateway
from e2e_support.mesh import Mesh, NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import DEADLINE

PLAIN = {"X-AIMux-Route": "plain"}
STREAMED = {**PLAIN, "Content-Type": "application/octet-stream"}
Leave = Callable[[Client], None]
LEAVING = pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["close", "reset"])


@pytest.fixture
def leakless(mesh: Mesh) -> Iterator[Mesh]:
    """The mesh; after the test the next request must work, and nothing may be left behind."""
    mesh.gateway.wait_idle()
    before = len(mesh.gateway.lines)
    yield mesh
    assert ask(mesh.port, target="/healthz").status == 200
    mesh.plain.forget()
    mesh.gateway.wait_idle()
    lines = [line for line in mesh.gateway.lines[before:] if line["event"] not in {"request", "routes"}]
    assert lines == []


def _left(mesh: Mesh, path: str) -> dict[str, object]:
    return mesh.gateway.wait_line(lambda line: line.get("path") == path, f"the line of {path}")


@LEAVING
def test_leaving_while_the_upstream_works_lets_the_upstream_go(leakless: Mesh, leave: Leave) -> None:
    leakless.plain.handler = lambda peer, _: peer.wait_closed()
    client = Client(leakless.port)
    path = f"/left-waiting-{leave.__name__}"
    client.send(compose("GET", path, PLAIN))
    leakless.plain.wait_requests(1)
    leave(client)
    leakless.plain.wait_served(1)
    line = _left(leakless, path)
    assert (line["ended"], line["status"], line["verdict"], line["route"]) == ("client_left", 499, "forward", "plain")


@LEAVING
@pytest.mark.parametrize("framing", [{"Content-Length": "100"}, {"Transfer-Encoding": "chunked"}])
def test_leaving_in_a_streamed_body_never_completes_the_request(
    leakless: Mesh, leave: Leave, framing: dict[str, str]
) -> None:
    recorded: list[bytes] = []

    def listen(peer: Peer) -> None:
        peer.wait_closed()
        recorded.append(bytes(peer.recorded))

    leakless.plain.on_connect = listen
    client = Client(leakless.port)
    client.send(compose("POST", "/", {**STREAMED, **framing}))
    client.send(b"4\r\nhalf" if "Transfer-Encoding" in framing else b"half")
    leakless.plain.wait_recorded(b"half")
    leave(client)
    leakless.plain.wait_served(1)
    body = recorded[0].split(b"\r\n\r\n", 1)[1]
    assert b"half" in body
    assert not body.endswith(b"0\r\n\r\n")


@LEAVING
def test_leaving_in_a_body_that_is_read_first_reaches_nobody(leakless: Mesh, leave: Leave) -> None:
    client = Client(leakless.port)
    path = f"/left-in-body-{leave.__name__}"
    client.send(compose("POST", path, {"Content-Type": "application/json", "Content-Length": "100"}) + b'{"query": "')
    ask(leakless.port, target="/healthz")
    leave(client)
    assert _left(leakless, path)["ended"] == "client_left"
    assert leakless.plain.requests == []


@LEAVING
@pytest.mark.parametrize("content", ["application/octet-stream", "text/event-stream"])
def test_leaving_in_a_download_lets_the_upstream_go(leakless: Mesh, leave: Leave, content: str) -> None:
    left = threading.Event()

    def pour(peer: Peer, _: Received) -> None:
        peer.send(f"HTTP/1.1 200 OK\r\nContent-Type: {content}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        peer.send(b"4\r\nsome\r\n")
        if "event" not in content:
            while True:
                peer.send(b"10000\r\n" + bytes(65536) + b"\r\n")
        peer.wait_closed()
        left.set()

    leakless.plain.handler = pour
    client = Client(leakless.port)
    client.send(compose("GET", "/", PLAIN))
    head = client.read_head()
    assert client.read_chunk() == b"some"
    leave(client)
    leakless.plain.wait_served(1)
    assert left.is_set() or "event" not in content
    line = leakless.gateway.request_line(head.header("X-Request-ID"))
    assert (line["ended"], line["status"]) == ("client_left", 200)


@LEAVING
def test_leaving_while_a_text_is_scored(leakless: Mesh, leave: Leave) -> None:
    client = Client(leakless.port)
    path = f"/left-scoring-{leave.__name__}"
    client.send(compose("POST", path, {"Content-Type": "text/plain"}, b"quite another word " * 1500))
    ask(leakless.port, target="/healthz")
    leave(client)
    assert _left(leakless, path)["ended"] == "client_left"
    assert leakless.plain.requests == []


JUNK = {
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(range(200)),
    "binary": bytes(range(256)) * 4 + b"\r\n\r\n",
    "lines": b"hello\r\nworld\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\nHost: localhost\n\nGET / HTTP/1.1\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n 2\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "length and chunked": compose("POST", "/", {**PLAIN, "Transfer-Encoding": "chunked"}, b"0\r\n\r\n"),
    "two lengths": compose("POST", "/", {**PLAIN, "Content-Length": "4"}, b"x"),
    "a bad chunk": compose("POST", "/", {**STREAMED, "Transfer-Encoding": "chunked"}) + b"zz\r\n",
    "a null in the path": b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_junk_is_refused_and_the_connection_closed(leakless: Mesh, junk: bytes) -> None:
    with Client(leakless.port) as client:
        client.send(junk)
        response = client.read_response()
        error = json.loads(response.body)["error"]
        assert (response.status, error["code"], error["status"]) == (400, "bad_request", 400)
        assert response.header("Connection") == b"close"
        assert client.closed()
    assert leakless.plain.requests == []


@pytest.fixture(scope="module")
def _impatient(start_once: Start, new_upstream_once: NewUpstream) -> tuple[Gateway, Upstream]:
    upstream = new_upstream_once()
    waits = {"header_timeout": 0.3, "body_timeout": 0.3, "idle_timeout": 0.3}
    return start_once({"server": waits, "routes": [{"name": "plain", "upstream": upstream.url}]}), upstream


@pytest.fixture
def impatient(_impatient: tuple[Gateway, Upstream]) -> Iterator[tuple[Gateway, Upstream]]:
    """A gateway that waits for clients only briefly, and an upstream."""
    yield _impatient
    gateway, upstream = _impatient
    upstream.forget()
    gateway.wait_idle()
    assert ask(gateway.port, headers=PLAIN).status == 200
    upstream.forget()


@pytest.mark.parametrize(
    "part",
    [
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ",
        compose("POST", "/", {**PLAIN, "Content-Type": "application/json", "Content-Length": "9"}) + b"half",
        compose("POST", "/", {**STREAMED, "Content-Length": "9"}) + b"half",
        compose("POST", "/", {**STREAMED, "Transfer-Encoding": "chunked"}) + b"4\r\nha",
    ],
    ids=["line", "header", "read body", "streamed body", "chunk"],
)
def test_half_a_request_is_answered_with_408_in_time(impatient: tuple[Gateway, Upstream], part: bytes) -> None:
    gateway, upstream = impatient
    with Client(gateway.port) as client:
        client.send(part)
        response = client.read_response()
        assert (response.status, json.loads(response.body)["error"]["code"]) == (408, "request_timeout")
        assert client.closed()
    assert upstream.requests == []


def test_a_connection_without_a_request_is_closed_without_a_word(impatient: tuple[Gateway, Upstream]) -> None:
    gateway, _ = impatient
    with Client(gateway.port) as fresh, Client(gateway.port) as kept:
        kept.send(compose("GET", "/", PLAIN))
        assert kept.read_response().status == 200
        assert fresh.closed()
        assert kept.closed()


def test_a_body_that_trickles_is_given_up(impatient: tuple[Gateway, Upstream]) -> None:
    gateway, _ = impatient
    stop = threading.Event()
    with Client(gateway.port) as client:
        client.send(compose("POST", "/", {**STREAMED, "Content-Length": "1000000"}))

        def trickle() -> None:
            while not stop.wait(0.02):
                try:
                    client.send(b"x")
                except OSError:
                    return

        dripping = threading.Thread(target=trickle)
        dripping.start()
        try:
            assert client.read_response().status == 408
        finally:
            stop.set()
            dripping.join(DEADLINE)


def test_a_client_that_has_left_before_it_is_accepted_is_no_fault(start: Start, upstream: Upstream) -> None:
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"server": {"trusted_proxies": ["10.0.0.0/8"]}, "routes": routes})
    gateway.signal(signal.SIGSTOP)
    try:
        Client(gateway.port).reset()  # its address is not to be had any more
    finally:
        gateway.signal(signal.SIGCONT)
    assert ask(gateway.port, target="/healthz").status == 200
    gateway.wait_idle()
    assert not [line for line in gateway.lines if line["event"] == "fault"]
