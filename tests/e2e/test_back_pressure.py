"""Back-pressure: a side that does not read holds the other one back, memory stays flat, and nobody waits for ever."""

import contextlib
import hashlib
import json
import queue
import socket
import threading
from collections.abc import Iterator
from itertools import count

import pytest
from e2e_support.client import Client, compose
from e2e_support.mesh import NewUpstream, Start
from e2e_support.upstream import Peer, Received, Upstream, answering
from e2e_support.waiting import DEADLINE

PLAIN = {"X-AIMux-Route": "plain"}
KIB, MIB = 1024, 1024 * 1024
LARGE = 64 * MIB
# What the kernel's socket buffers may hold, with room to spare.
BUFFERED = 32 * MIB
# How much the gateway's own memory may grow, in KiB.
FLAT = 12 * KIB


def _blocks() -> Iterator[bytes]:
    return (hashlib.sha256(b"%d" % number).digest() * 2048 for number in count())


def test_a_large_upload_crosses_whole_in_flat_memory(start: Start, new_upstream: NewUpstream) -> None:
    digest = hashlib.sha256()
    peak = 0

    def swallow(peer: Peer) -> None:
        nonlocal peak
        left = int(peer.read_head().header("Content-Length") or 0)
        while left:
            piece = peer.read_exactly(min(MIB, left))
            peer.recorded.clear()
            digest.update(piece)
            left -= len(piece)
            peak = max(peak, gateway.resident_kib())
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    upstream = new_upstream()
    upstream.on_connect = swallow
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"server": {"max_body_bytes": "100MiB"}, "routes": routes})
    before = gateway.resident_kib()
    sent = hashlib.sha256()
    with Client(gateway.port) as client:
        headers = {**PLAIN, "Content-Type": "application/octet-stream", "Content-Length": str(LARGE)}
        client.send(compose("POST", "/", headers))
        for _, block in zip(range(LARGE // 65536), _blocks(), strict=False):
            sent.update(block)
            client.send(block)
        assert client.read_response().status == 200
    assert digest.digest() == sent.digest()
    assert peak - before < FLAT


def test_a_large_download_crosses_whole_in_flat_memory(start: Start, new_upstream: NewUpstream) -> None:
    sent = hashlib.sha256()

    def pour(peer: Peer, _: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
        for _, block in zip(range(LARGE // 65536), _blocks(), strict=False):
            sent.update(block)
            peer.send(block)

    upstream = new_upstream()
    upstream.handler = pour
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    before = gateway.resident_kib()
    peak, digest = 0, hashlib.sha256()
    with Client(gateway.port) as client:
        client.send(compose("GET", "/", PLAIN))
        assert client.read_head().header("Content-Length") == str(LARGE).encode()
        for _ in range(LARGE // MIB):
            digest.update(client.read_exactly(MIB))
            peak = max(peak, gateway.resident_kib())
    assert digest.digest() == sent.digest()
    assert peak - before < FLAT


def _send_until_blocked(connection: socket.socket, data: bytes) -> int:
    """Send until the other side takes no more for a second; how many bytes it took."""
    connection.settimeout(1.0)
    taken = 0
    try:
        while taken < len(data):
            taken += connection.send(data[taken : taken + 65536])
    except TimeoutError:
        pass
    finally:
        connection.settimeout(DEADLINE)
    return taken


def test_an_upstream_that_does_not_read_holds_the_client_back(start: Start, new_upstream: NewUpstream) -> None:
    go_on = threading.Event()

    def stall(peer: Peer) -> None:
        size = int(peer.read_head().header("Content-Length") or 0)
        go_on.wait(DEADLINE)
        while size:
            piece = peer.read_exactly(min(MIB, size))
            peer.recorded.clear()
            size -= len(piece)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nread")

    upstream = new_upstream(receive_buffer=65536)
    upstream.on_connect = stall
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"server": {"max_body_bytes": "100MiB"}, "routes": routes})
    before = gateway.resident_kib()
    with Client(gateway.port) as client:
        headers = {**PLAIN, "Content-Type": "application/octet-stream", "Content-Length": str(LARGE)}
        client.send(compose("POST", "/", headers))
        taken = _send_until_blocked(client.socket, bytes(LARGE))
        assert taken < BUFFERED
        assert gateway.resident_kib() - before < FLAT
        go_on.set()
        client.send(bytes(LARGE - taken))
        assert client.read_response().body == b"read"


@pytest.mark.parametrize("hints", [0, 16])
def test_a_client_that_does_not_read_holds_the_upstream_back(
    start: Start, new_upstream: NewUpstream, hints: int
) -> None:
    taken: queue.Queue[int] = queue.Queue()

    def pour(peer: Peer, _: Received) -> None:
        # So much of them that nobody reads any more when the response begins.
        peer.send(b"HTTP/1.1 103 Early Hints\r\nLink: %b\r\n\r\n" % (b"a" * 60_000) * hints)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
        already = _send_until_blocked(peer.socket, bytes(LARGE))
        taken.put(already)
        peer.send(bytes(LARGE - already))

    upstream = new_upstream()
    upstream.handler = pour
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    before = gateway.resident_kib()
    with Client(gateway.port, receive_buffer=65536) as client:
        client.send(compose("GET", "/", PLAIN))
        assert taken.get(timeout=DEADLINE) < BUFFERED
        assert gateway.resident_kib() - before < FLAT
        assert [client.read_head().status for _ in range(hints + 1)] == [103] * hints + [200]
        for _ in range(LARGE // MIB):
            assert client.read_exactly(MIB) == bytes(MIB)
        client.send(compose("GET", "/healthz"))
        assert json.loads(client.read_response().body) == {"status": "ok"}


def test_a_client_that_never_reads_is_given_up(start: Start, new_upstream: NewUpstream) -> None:
    def pour(peer: Peer, _: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            peer.send(b"10000\r\n" + bytes(65536) + b"\r\n")

    upstream = new_upstream()
    upstream.handler = pour
    gateway = start({"server": {"send_timeout": 0.3}, "routes": [{"name": "plain", "upstream": upstream.url}]})
    with Client(gateway.port, receive_buffer=65536) as client:
        client.send(compose("GET", "/", PLAIN))
        upstream.wait_requests(1)
        gateway.wait_idle()


def test_answers_that_are_not_read_hold_back_the_requests_behind_them(start: Start, upstream: Upstream) -> None:
    upstream.handler = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + bytes(20_000))
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    request = compose("GET", "/", {**PLAIN, "X-Pad": "x" * 16_000})
    requests = 2000
    stream = request * requests
    before = gateway.resident_kib()
    with Client(gateway.port, receive_buffer=65536) as client:
        taken = _send_until_blocked(client.socket, stream)
        assert taken < len(stream)
        assert len(upstream.requests) < requests // 2
        assert gateway.resident_kib() - before < FLAT
        rest = threading.Thread(target=client.send, args=(stream[taken:],))
        rest.start()
        for _ in range(requests):
            assert client.read_response().status == 200
        rest.join(DEADLINE)


def test_where_neither_side_reads_the_client_is_given_up(start: Start, upstream: Upstream) -> None:
    clogged = threading.Event()

    def talk_without_listening(peer: Peer) -> None:
        peer.read_head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        peer.socket.settimeout(1.0)
        with contextlib.suppress(TimeoutError):
            while True:
                peer.send(b"10000\r\n" + bytes(65536) + b"\r\n")
        clogged.set()
        gateway.wait_line(lambda line: line["event"] == "request", "the end of the request")

    upstream.on_connect = talk_without_listening
    server = {"send_timeout": 3.0, "max_body_bytes": "100MiB"}
    gateway = start({"server": server, "routes": [{"name": "plain", "upstream": upstream.url}]})
    with Client(gateway.port, receive_buffer=65536) as client:
        headers = {**PLAIN, "Content-Type": "application/octet-stream", "Content-Length": str(LARGE)}
        client.send(compose("POST", "/", headers))
        assert clogged.wait(DEADLINE)
        with contextlib.suppress(ConnectionError):
            client.send(bytes(LARGE))
        line = gateway.wait_line(lambda line: line["event"] == "request", "the end of the request")
        assert line["ended"] == "client_left"
