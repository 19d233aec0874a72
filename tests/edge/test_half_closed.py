"""A watch over a half-closed connection: how often it asks, and what it hears."""

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from aimux.edge.half_closed import HalfClosed


@dataclass
class Timers:
    """An event loop that only remembers what it was asked to call, and when."""

    due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    passed: float = 0.0

    def call_later(self, seconds: float, call: Callable[[], None]) -> "Timers":
        self.due.append((seconds, call))
        return self

    def cancel(self) -> None:
        self.due.clear()

    def turn(self) -> None:
        """Let the time pass until the next call, and make it."""
        seconds, call = self.due.pop()
        assert not self.due
        self.passed += seconds
        call()


@dataclass
class Transport:
    """The gateway's end of a connection."""

    socket: socket.socket

    def get_extra_info(self, name: str) -> Any:
        return getattr(self, name)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection's two ends: the client has shut its side down."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with client, server:
        client.shutdown(socket.SHUT_WR)
        assert server.recv(1) == b""
        yield client, server


def watch(server: socket.socket) -> tuple[Timers, list[str], HalfClosed]:
    """A watch over a connection, and what it does."""
    timers, done = Timers(), list[str]()

    def probe() -> None:
        done.append("probe")

    watching = HalfClosed(Transport(server), timers, probe, lambda: done.append("gone"))  # type: ignore[arg-type]
    return timers, done, watching


def test_a_client_that_waits_is_asked_a_few_times_only(ends: tuple[socket.socket, socket.socket]) -> None:
    timers, done, watching = watch(ends[1])
    assert done == []
    while timers.passed < 3600:
        timers.turn()
    assert done == ["probe"] * 8
    watching.stop()
    assert timers.due == []


@pytest.mark.parametrize("asked", [1, 3, 20])
def test_a_client_whose_connection_is_reset_is_gone(ends: tuple[socket.socket, socket.socket], asked: int) -> None:
    client, server = ends
    timers, done, _ = watch(server)
    for _ in range(2 * asked):
        timers.turn()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    timers.turn()
    if done[-1] != "gone":
        timers.turn()
    assert done[-1] == "gone"
    assert timers.due == []
