"""An upstream that answers in the middle of a request's body: its answer reaches the caller whole, or is told cut."""

import contextlib
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from e2e_support.client import Aborted, Client, chunked, compose
from e2e_support.gateway import Gateway
from e2e_support.load import under_load
from e2e_support.mesh import Authority, NewUpstream, Start
from e2e_support.upstream import Peer, Upstream
from e2e_support.waiting import DEADLINE

MIB = 1024 * 1024
PIECE = 64 * 1024
ANSWER = b"no more of this, please"
REFUSAL = b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
STREAMED, HELD = "application/octet-stream", "application/json"


@dataclass(frozen=True)
class Line:
    """A gateway that takes large bodies, and an upstream by TCP and by TLS."""

    gateway: Gateway
    plain: Upstream
    secure: Upstream

    def upstream(self, route: str) -> Upstream:
        """The upstream of a route."""
        return self.plain if route == "plain" else self.secure


@pytest.fixture(scope="module")
def _line(start_once: Start, new_upstream_once: NewUpstream, authority: Authority) -> Line:
    plain, secure = new_upstream_once(), new_upstream_once(tls=authority.server, name="localhost")
    routes = [
        {"name": "plain", "upstream": plain.url},
        {"name": "secure", "upstream": secure.url, "ca_file": str(authority.file)},
    ]
    server = {"max_body_bytes": "100MiB", "send_timeout": 1.0}
    return Line(start_once({"server": server, "routes": routes}), plain, secure)


@pytest.fixture
def line(_line: Line) -> Iterator[Line]:
    """The same, with nothing left over from one test to the next."""
    yield _line
    _line.plain.forget()
    _line.secure.forget()
    _line.gateway.wait_idle()


def close(peer: Peer) -> None:
    """Close over bytes that were not read, which resets the connection."""
    peer.socket.close()


def half_close(peer: Peer) -> None:
    """Send no more, and read on for as long as anything comes."""
    socket.socket.shutdown(peer.socket, socket.SHUT_WR)
    peer.wait_closed()


def answering_early(end: Callable[[Peer], None], response: bytes, after: int = PIECE) -> Callable[[Peer], None]:
    """Answers once so much of the body has been read and more of it waits to be, then ends the connection somehow."""

    def converse(peer: Peer) -> None:
        peer.read_head()
        peer.read_exactly(after)
        if not getattr(peer.socket, "pending", bool)():
            select.select([peer.socket], [], [], 5)
        peer.send(response)
        end(peer)

    return converse


def head_of(route: str, kind: str, size: int, *, in_chunks: bool) -> bytes:
    """The head of an upload."""
    framing = {"Transfer-Encoding": "chunked"} if in_chunks else {"Content-Length": str(size)}
    return compose("POST", "/", {"X-AIMux-Route": route, "Content-Type": kind, **framing})


def upload(port: int, route: str, kind: str, size: int, *, in_chunks: bool) -> bytes | str:
    """Send a body whatever is answered meanwhile, and read the answer only then: its body, or what came instead."""
    whole = b'{"x": "' + b"a" * (size - 9) + b'"}'
    pieces = [whole[at : at + PIECE] for at in range(0, size, PIECE)]
    with Client(port) as client:
        client.send(head_of(route, kind, size, in_chunks=in_chunks))
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                client.send(chunked(piece)[:-5] if in_chunks else piece)
            client.send(b"0\r\n\r\n" if in_chunks else b"")
        try:
            response = client.read_response()
        except Aborted as aborted:
            return str(aborted)
    return response.body if response.status == 413 else f"{response.status} {response.body!r}"


@pytest.mark.fault
@pytest.mark.parametrize("in_chunks", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("kind", [STREAMED, HELD], ids=["streamed", "held"])
@pytest.mark.parametrize("end", [close, half_close, Peer.wait_closed])
@pytest.mark.parametrize("route", ["plain", "secure"])
def test_an_early_answer_reaches_the_caller(
    line: Line, route: str, end: Callable[[Peer], None], kind: str, in_chunks: bool
) -> None:
    line.upstream(route).on_connect = answering_early(end, REFUSAL % len(ANSWER) + ANSWER)
    with under_load(line.gateway.port):
        seen = Counter(upload(line.gateway.port, route, kind, MIB, in_chunks=in_chunks) for _ in range(20))
    assert seen == {ANSWER: 20}


@pytest.mark.fault
@pytest.mark.parametrize("in_chunks", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("route", ["plain", "secure"])
def test_an_early_answer_to_a_very_large_body_reaches_the_caller(line: Line, route: str, in_chunks: bool) -> None:
    line.upstream(route).on_connect = answering_early(close, REFUSAL % len(ANSWER) + ANSWER, 3 * MIB)
    with under_load(line.gateway.port):
        seen = Counter(upload(line.gateway.port, route, STREAMED, 50 * MIB, in_chunks=in_chunks) for _ in range(5))
    assert seen == {ANSWER: 5}


@pytest.mark.fault
@pytest.mark.parametrize("route", ["plain", "secure"])
def test_an_early_answer_that_breaks_off_is_told_as_such(line: Line, route: str) -> None:
    line.upstream(route).on_connect = answering_early(close, REFUSAL % 1000 + ANSWER)
    with under_load(line.gateway.port):
        for _ in range(5):
            with Client(line.gateway.port) as client:
                client.send(head_of(route, STREAMED, MIB, in_chunks=False) + bytes(MIB // 2))
                head = client.read_head()
                assert head.status == 413
                with pytest.raises(Aborted):
                    client.read_exactly(1000)
            logged = line.gateway.request_line(head.header("X-Request-ID"))
            assert (logged["status"], logged["ended"]) == (413, "truncated")


@pytest.mark.parametrize("size", [len(ANSWER), 6 * MIB], ids=["small", "large"])
def test_a_slow_client_that_reads_only_behind_its_body_gets_the_answer(line: Line, size: int) -> None:
    line.plain.on_connect = answering_early(Peer.wait_closed, REFUSAL % size + bytes(size), 1)
    with Client(line.gateway.port, receive_buffer=PIECE) as client:
        client.send(head_of("plain", STREAMED, 31 * PIECE, in_chunks=False) + bytes(PIECE))
        for _ in range(30):
            time.sleep(0.1)  # slower than any client after its answer is waited for otherwise
            client.send(bytes(PIECE))
        assert client.read_response().body == bytes(size)


@pytest.mark.parametrize("size", range(120_000, 240_000, 20_000))
def test_a_client_that_has_read_what_waited_is_not_cut_while_its_answer_goes_on(line: Line, size: int) -> None:
    """With one of the sizes the kernel takes not all of it, and the rest is too little to hold the upstream back."""

    def refuse(peer: Peer) -> None:
        peer.read_head()
        peer.send(REFUSAL % (size + 2) + bytes(size))
        time.sleep(0.5)  # longer than the first look at who does not read
        peer.send(b"no")
        peer.wait_closed()

    line.plain.on_connect = refuse
    with Client(line.gateway.port, receive_buffer=4096) as client:
        client.send(head_of("plain", STREAMED, MIB, in_chunks=False))
        line.plain.wait_peers(1)
        time.sleep(0.1)  # the answer fills the kernel's buffers
        client.send(bytes(PIECE))
        assert client.read_head().status == 413
        assert client.read_exactly(size + 2) == bytes(size) + b"no"


def test_a_slow_client_gets_the_gateways_own_early_answer(start: Start, upstream: Upstream) -> None:
    gateway = start({"server": {"max_body_bytes": "1MiB"}, "routes": [{"name": "plain", "upstream": upstream.url}]})
    with Client(gateway.port) as client:
        client.send(compose("POST", "/", {"X-AIMux-Route": "none", "Content-Type": STREAMED, "Content-Length": "30"}))
        for _ in range(30):
            time.sleep(0.1)
            client.send(b"x")
        assert client.read_response().status == 404


def test_a_gateway_that_ends_waits_for_the_body_behind_its_answer(start: Start, upstream: Upstream) -> None:
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    with Client(gateway.port) as client:
        client.send(compose("POST", "/", {"X-AIMux-Route": "none", "Content-Type": STREAMED, "Content-Length": "9"}))
        gateway.wait_line(lambda each: each["event"] == "request")
        gateway.signal()
        gateway.wait_event("draining")
        for _ in range(9):
            time.sleep(0.1)
            client.send(b"x")
        assert client.read_response().status == 404
    assert gateway.exited() == 0


def test_a_client_that_neither_reads_nor_sends_behind_its_refusal_is_given_up(line: Line) -> None:
    line.plain.on_connect = answering_early(Peer.wait_closed, REFUSAL % (6 * MIB) + bytes(6 * MIB), 1)
    with Client(line.gateway.port, receive_buffer=PIECE) as client:
        client.send(head_of("plain", STREAMED, 10 * MIB, in_chunks=False) + bytes(MIB))
        logged = line.gateway.wait_line(
            lambda each: each["event"] == "request" and each.get("ended") == "client_left",
            after=len(line.gateway.lines),
        )
        assert logged["status"] == 413


def test_a_client_that_stops_sending_as_it_is_refused_gets_the_whole_answer(line: Line) -> None:
    size = 6 * MIB
    line.plain.on_connect = answering_early(Peer.wait_closed, REFUSAL % size + bytes(size), 1)
    with Client(line.gateway.port, receive_buffer=PIECE) as client:
        client.send(head_of("plain", STREAMED, 10 * MIB, in_chunks=False) + bytes(MIB))
        assert client.read_head().status == 413
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_exactly(size) == bytes(size)


@pytest.mark.parametrize("status", [b"417 Expectation Failed", b"401 Unauthorized"])
def test_a_client_that_waits_for_100_is_refused_early(line: Line, status: bytes) -> None:
    def refuse(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nno")
        close(peer)

    line.plain.on_connect = refuse
    headers = {"X-AIMux-Route": "plain", "Content-Type": STREAMED, "Content-Length": "9", "Expect": "100-continue"}
    with Client(line.gateway.port) as client:
        client.send(compose("PUT", "/", headers))
        response = client.read_response()
        assert (b"%d" % response.status, response.body) == (status[:3], b"no")
        assert client.closed()


def test_an_answer_that_is_made_of_the_body_as_it_comes_gets_all_of_it(line: Line) -> None:
    def echo(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        for _ in range(5):
            peer.send(peer.read_exactly(100))

    line.plain.on_connect = echo
    with Client(line.gateway.port) as client:
        client.send(head_of("plain", STREAMED, 500, in_chunks=False))
        assert client.read_head().status == 200
        for number in range(5):
            piece = bytes([number]) * 100
            client.send(piece)
            assert client.read_exactly(100) == piece


@pytest.mark.fault
def test_an_upstream_that_ends_without_an_answer_is_told_though_it_takes_no_more(line: Line) -> None:
    clogged, over = threading.Event(), threading.Event()

    def leave(peer: Peer) -> None:
        peer.read_head()
        clogged.wait(DEADLINE)
        peer.socket.shutdown(socket.SHUT_WR)
        over.wait(DEADLINE)  # it reads nothing: what was written to it stays unsent

    line.plain.on_connect = leave
    try:
        with under_load(line.gateway.port), Client(line.gateway.port) as client:
            client.send(head_of("plain", STREAMED, 50 * MIB, in_chunks=False))
            client.socket.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                client.send(bytes(49 * MIB))
            client.socket.settimeout(DEADLINE / 2)
            clogged.set()
            assert client.read_response().status == 502
    finally:
        over.set()
