"""A TLS upstream that closes its connection behind a response: nothing of that is lost, whatever the end looks like."""

import socket
import time
from collections import Counter

import pytest
from e2e_support.client import Client, compose
from e2e_support.mesh import Mesh
from e2e_support.upstream import Peer, Received

SECURE = {"X-AIMux-Route": "secure"}


@pytest.mark.fault
@pytest.mark.parametrize("reads_late", [False, True], ids=["reading", "reading late"])
@pytest.mark.parametrize("size", [150_000, 3_000_000])
def test_a_response_before_a_close_without_farewell_is_whole(mesh: Mesh, size: int, reads_late: bool) -> None:
    def answer(peer: Peer, _: Received) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        peer.close()

    def ask() -> int:
        with Client(mesh.port, receive_buffer=65536 if reads_late else None) as client:
            client.send(compose("GET", "/", SECURE))
            if reads_late:
                client.socket.recv(1, socket.MSG_PEEK)
                time.sleep(0.1)  # the upstream has closed by then, and its last bytes wait in the gateway
            return len(client.read_response().body)

    mesh.secure.handler = answer
    assert Counter(ask() for _ in range(10)) == {size: 10}
