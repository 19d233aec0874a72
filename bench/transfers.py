"""The probe of large bodies: how fast they pass in both directions, and whether they pile up on the way."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench import BenchError
from bench.client import status
from bench.figures import DOWNLOAD, TRANSFER_MEMORY, UPLOAD, Measured
from bench.servers import HUGE, Server

_PIECE: Final = memoryview(bytes(256 * 1024))
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Transfers:
    """100 MiB down and up through each server, to a route that is addressed by name."""

    servers: Sequence[Server]
    route: str
    agent: str

    title = "transfers"

    def measure(self, seconds: int) -> Iterator[Measured]:  # noqa: ARG002  (so many bytes, not so much time)
        """One transfer in each direction through each server."""
        for server in self.servers:
            before = server.process.forget_peak()
            yield Measured(DOWNLOAD, server.name, HUGE / self._timed(server.port, self._download))
            yield Measured(UPLOAD, server.name, HUGE / self._timed(server.port, self._upload))
            yield Measured(TRANSFER_MEMORY, server.name, max(server.process.peak_bytes() - before, 0))

    def _timed(self, port: int, transfer: Callable[[socket.socket], None]) -> float:
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as client:
            started = time.perf_counter()
            transfer(client)
            return time.perf_counter() - started

    def _head(self, method: str, path: str, *lines: str) -> bytes:
        named = (f"X-AIMux-Route: {self.route}", f"X-Source-Agent: {self.agent}")
        return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *named, *lines, "", "")).encode()

    def _download(self, client: socket.socket) -> None:
        client.sendall(self._head("GET", "/huge"))
        into = bytearray(256 * 1024)
        first = client.recv_into(into)
        _check(bytes(into[:first]))
        got = first - (bytes(into[:first]).index(b"\r\n\r\n") + 4)
        while got < HUGE:
            size = client.recv_into(into)
            if not size:
                raise BenchError(f"the download broke off after {got} bytes")
            got += size

    def _upload(self, client: socket.socket) -> None:
        client.sendall(self._head("POST", "/sink", f"Content-Length: {HUGE}", "Content-Type: application/octet-stream"))
        for _ in range(HUGE // len(_PIECE)):
            client.sendall(_PIECE)
        _check(client.recv(65536))


def _check(response: bytes) -> None:
    if status(response) != 200:
        raise BenchError(f"a transfer was answered with {response[:60]!r}")
