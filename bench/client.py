"""A client of one kept connection that costs next to nothing, so that a call's time is the server's."""

import re
import socket
from contextlib import suppress
from types import TracebackType
from typing import Final

from bench import BenchError

_PATIENCE: Final = 10.0
_END: Final = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


class Client:
    """One connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def call(self, request: bytes) -> bytes:
        """Send a whole request; the whole response, which must be of known length. Raises OSError and BenchError."""
        self._socket.sendall(request)
        response = self._more()
        while (end := response.find(_END)) < 0:
            response += self._more()
        length = _LENGTH.search(response, 0, end + len(_END))
        if length is None:
            raise BenchError("a server answered without Content-Length")
        size = end + len(_END) + int(length.group(1))
        while len(response) < size:
            response += self._more()
        return response

    def succeed(self, request: bytes) -> None:
        """Send a whole request that must be answered with 200. Raises OSError and BenchError."""
        response = self.call(request)
        if status(response) != 200:
            raise BenchError(f"a call was answered with {status(response)}, not 200")

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data


def post(body: str, agent: str, path: str = "/") -> bytes:
    """A request of an agent, of the same form as the load's."""
    encoded = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Source-Agent: {agent}\r\n"
    return f"{head}Content-Length: {len(encoded)}\r\n\r\n".encode() + encoded


def get(path: str) -> bytes:
    """A request for a page."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def status(response: bytes) -> int:
    """The status of a response."""
    return int(response[9:12])


def answers(port: int, path: str) -> bool:
    """Whether a server is there and answers 200 for this path."""
    with suppress(OSError), Client(port) as client:
        return status(client.call(get(path))) == 200
    return False
