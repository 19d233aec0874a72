"""The probe of server-sent events: how much later each arrives through a proxy, and what an open stream costs."""

import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from bench import BenchError
from bench.figures import ADDED_EVENT, DIRECT, EVENT, STREAM_MEMORY, Measured
from bench.sample import STREAMS_ROUTE
from bench.servers import Recipe, Server, start
from bench.spread import percentile

STREAMS: Final = 200
_EVENTS_A_SECOND: Final = 10  # of each stream
_IDLE_STREAMS: Final = 500
_PATIENCE: Final = 20.0
_SETTLING: Final = 0.3
_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_MARK: Final = b"data: "
EVENTS: Final = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nX-AIMux-Route: {STREAMS_ROUTE}\r\n\r\n".encode()


class Broadcast:
    """An upstream of streams and the clients that listen to them, in one thread: one clock, and no waiting for a core.

    It accepts connections on `listener`, answers any request with a stream, and sends events over them by turns.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._poll = select.epoll()
        self._poll.register(listener, select.EPOLLIN)
        self._upstream: dict[int, socket.socket] = {}
        self._clients: dict[int, socket.socket] = {}
        self._open: list[socket.socket] = []
        self._begun: set[int] = set()
        self.delays: list[float] = []

    def __enter__(self) -> "Broadcast":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (*self._clients.values(), *self._upstream.values()):
            each.close()
        self._poll.close()

    def listen_to(self, port: int, request: bytes, count: int) -> None:
        """Open so many streams through this port and wait until their heads have come. Raises BenchError."""
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), _PATIENCE)
            client.sendall(request)
            client.setblocking(False)
            self._clients[client.fileno()] = client
            self._poll.register(client, select.EPOLLIN)
            self._turn(0)
        until = time.perf_counter() + _PATIENCE
        while len(self._begun) < count:
            if time.perf_counter() > until:
                raise BenchError(f"of {count} streams only {len(self._begun)} began")
            self._turn(0.1)

    def send_for(self, seconds: float) -> None:
        """Send events, evenly spread, for some seconds; `delays` are then how long each took to arrive."""
        self.delays.clear()
        pause = 1 / (_EVENTS_A_SECOND * len(self._open))
        first = time.perf_counter()
        for number in range(int(seconds / pause)):
            due = first + number * pause
            while (left := due - time.perf_counter()) > 0:
                self._turn(left)
            self._send(self._open[number % len(self._open)])
        self._turn(_SETTLING)

    def _send(self, stream: socket.socket) -> None:
        event = _MARK + b"%.9f\n\n" % time.perf_counter()
        try:
            stream.sendall(b"%x\r\n%b\r\n" % (len(event), event))
        except OSError as error:
            raise BenchError("a stream broke off") from error

    def _turn(self, left: float) -> None:
        for descriptor, _ in self._poll.poll(max(left, 0)):
            if descriptor == self._listener.fileno():
                self._accept()
            elif descriptor in self._upstream:
                self._answer(descriptor)
            elif descriptor in self._clients:
                self._hear(descriptor)

    def _accept(self) -> None:
        stream, _ = self._listener.accept()
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._upstream[stream.fileno()] = stream
        self._poll.register(stream, select.EPOLLIN)

    def _answer(self, descriptor: int) -> None:
        stream = self._upstream[descriptor]
        if stream.recv(65536):
            stream.sendall(_HEAD)
            self._open.append(stream)
        else:
            self._poll.unregister(stream)
            del self._upstream[descriptor]
            stream.close()

    def _hear(self, descriptor: int) -> None:
        try:
            data = self._clients[descriptor].recv(65536)
        except ConnectionError as error:
            raise BenchError(f"a stream was cut by the server under test: {error}") from error
        now = time.perf_counter()
        if not data:
            raise BenchError("a stream was closed by the server under test")
        if descriptor not in self._begun:
            if not data.startswith(b"HTTP/1.1 200 "):
                raise BenchError(f"a stream was answered with {data[:12]!r}")
            self._begun.add(descriptor)
        self.delays += [now - float(piece[:24].split(b"\n", 1)[0]) for piece in data.split(_MARK)[1:]]


@dataclass(frozen=True, slots=True)
class Streams:
    """Delay of events, directly and through each server, and the memory of open streams at a fresh one of its kind."""

    listener: socket.socket
    servers: Sequence[Server]
    recipes: Sequence[Recipe]
    core: int
    directory: Path

    title = "streams"

    def measure(self, seconds: int) -> Iterator[Measured]:
        """Listen to one after the other."""
        direct = self._delay(self.listener.getsockname()[1], seconds)
        yield Measured(EVENT, DIRECT, direct)
        for server in self.servers:
            yield Measured(ADDED_EVENT, server.name, self._delay(server.port, seconds) - direct)
        yield from self._memory()

    def _delay(self, port: int, seconds: int) -> float:
        with Broadcast(self.listener) as broadcast:
            broadcast.listen_to(port, EVENTS, STREAMS)
            broadcast.send_for(seconds)
            if not broadcast.delays:
                raise BenchError("no event arrived")
            return percentile(broadcast.delays, 0.5)

    def _memory(self) -> Iterator[Measured]:
        # One that has held streams before would take the new ones' memory from what it kept.
        for recipe in self.recipes:
            with start(recipe, self.core, self.directory) as server, ExitStack() as stack:
                few, many = (stack.enter_context(Broadcast(self.listener)) for _ in range(2))
                few.listen_to(server.port, EVENTS, _IDLE_STREAMS)
                before = server.process.resident_bytes()
                many.listen_to(server.port, EVENTS, _IDLE_STREAMS)
                held = server.process.resident_bytes() - before
            yield Measured(STREAM_MEMORY, recipe.name, held / _IDLE_STREAMS)
