"""Bodies flow as they come, both ways: a piece is there before the next one is made."""

import queue

import pytest
from e2e_support.client import Client, compose
from e2e_support.mesh import Mesh
from e2e_support.upstream import Peer, Received
from e2e_support.waiting import DEADLINE

PLAIN = {"X-AIMux-Route": "plain"}
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


class Ticker:
    """An upstream that sends the next event only when the test has asked for it."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self.wanted: queue.Queue[bytes | None] = queue.Queue()

    def __call__(self, peer: Peer, _: Received) -> None:
        """Answer a request."""
        peer.send(self._head)
        is_chunked = b"chunked" in self._head
        while (event := self.wanted.get(timeout=DEADLINE)) is not None:
            peer.send(b"%x\r\n%b\r\n" % (len(event), event) if is_chunked else event)
        if is_chunked:
            peer.send(b"0\r\n\r\n")
        else:
            peer.close()


@pytest.mark.parametrize("framing", [b"Transfer-Encoding: chunked\r\n\r\n", b"\r\n"])
def test_an_event_arrives_before_the_next_one_is_made(mesh: Mesh, framing: bytes) -> None:
    ticker = mesh.plain.handler = Ticker(SSE_HEAD + framing)
    with Client(mesh.port) as client:
        client.send(compose("GET", "/events", PLAIN))
        assert client.read_head().header("Content-Type") == b"text/event-stream"
        for number in range(20):
            event = b"data: %d\n\n" % number
            ticker.wanted.put(event)
            assert client.read_chunk() == event
        ticker.wanted.put(None)
        assert client.read_chunk() == b""


def test_a_request_body_is_streamed_piece_by_piece(mesh: Mesh) -> None:
    arrived: queue.Queue[bytes] = queue.Queue()

    def listen(peer: Peer) -> None:
        peer.read_head()
        for _ in range(10):
            arrived.put(peer.read_exactly(100))
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    mesh.plain.on_connect = listen
    headers = {**PLAIN, "Content-Type": "audio/wav", "Content-Length": "1000"}
    with Client(mesh.port) as client:
        client.send(compose("POST", "/", headers))
        for number in range(10):
            piece = bytes([number]) * 100
            client.send(piece)
            assert arrived.get(timeout=DEADLINE) == piece
        assert client.read_response().status == 200
