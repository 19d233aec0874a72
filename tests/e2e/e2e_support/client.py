"""A client that writes raw bytes and reads responses strictly, keeping all that it saw."""

import socket
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from e2e_support.waiting import DEADLINE

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Response:
    """One response. `raw_body` is the body with its transfer coding, `interim` the 1xx heads before it."""

    head: bytes
    status: int
    reason: bytes
    headers: Headers
    body: bytes = b""
    raw_body: bytes = b""
    interim: list[bytes] = field(default_factory=list)

    def all(self, name: str) -> list[bytes]:
        """The values of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower().encode()]

    def header(self, name: str) -> bytes | None:
        """The value of a header that stands at most once."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


def parse_head(head: bytes) -> Response:
    """Read a response's head; AssertionError where it is not exactly as it should be."""
    assert head.endswith(b"\r\n\r\n")
    lines = head[:-4].split(b"\r\n")
    version, status, reason = lines[0].split(b" ", 2)
    assert version == b"HTTP/1.1"
    headers: Headers = []
    for line in lines[1:]:
        name, separator, value = line.partition(b": ")
        assert separator, line
        assert not any(byte in line for byte in b"\r\n\0"), line
        headers.append((name, value))
    return Response(head, int(status), reason, headers)


class Aborted(Exception):  # noqa: N818
    """The connection ended in the middle of a response. Holds the body bytes that came before."""

    def __init__(self, raw: bytes, *, reset: bool) -> None:
        super().__init__(f"aborted after {len(raw)} bytes, {'reset' if reset else 'closed'}")
        self.raw = raw
        self.reset = reset


class Client:
    """One raw connection."""

    def __init__(self, port: int, host: str = "127.0.0.1", *, receive_buffer: int | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE)
        try:
            self.socket.connect((host, port))
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()

    def reset(self) -> None:
        """Close it with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send everything."""
        self.socket.sendall(data)

    # Reading.

    def _more(self) -> None:
        """Read some bytes; at the end Aborted, with what was left unread."""
        try:
            data = self.socket.recv(256 * 1024)
        except ConnectionResetError:
            raise Aborted(self._buffer, reset=True) from None
        if not data:
            raise Aborted(self._buffer, reset=False)
        self._buffer += data

    def read_until(self, mark: bytes) -> bytes:
        """All bytes up to and including `mark`."""
        while mark not in self._buffer:
            self._more()
        found, mark, self._buffer = self._buffer.partition(mark)
        return found + mark

    def read_exactly(self, size: int) -> bytes:
        """The next `size` bytes."""
        while len(self._buffer) < size:
            self._more()
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def read_chunk(self) -> bytes:
        """The payload of the next chunk, empty for the last one, whose end is read too."""
        size = int(self.read_until(b"\r\n"), 16)
        data = self.read_exactly(size)
        assert self.read_exactly(2) == b"\r\n"
        return data

    def read_head(self) -> Response:
        """The next head, whether of an interim response or of a final one."""
        return parse_head(self.read_until(b"\r\n\r\n"))

    def read_response(self, method: str = "GET") -> Response:
        """The next whole response to a request with this method. Raises Aborted where it breaks off."""
        interim = []
        while (head := self.read_head()).status < 200:
            interim.append(head.head)
        body, raw = self._read_body(head, method)
        return Response(head.head, head.status, head.reason, head.headers, body, raw, interim)

    def _read_body(self, head: Response, method: str) -> tuple[bytes, bytes]:
        coding, length = head.header("Transfer-Encoding"), head.header("Content-Length")
        assert coding is None or length is None
        if method == "HEAD" or head.status in {204, 304}:
            return b"", b""
        if coding is not None:
            assert coding == b"chunked"
            return self._read_chunks()
        if length is not None:
            body = self.read_exactly(int(length))
            return body, body
        body = self.read_to_end()
        return body, body

    def _read_chunks(self) -> tuple[bytes, bytes]:
        body = raw = b""
        while True:
            chunk = self.read_chunk()
            raw += b"%x\r\n%b\r\n" % (len(chunk), chunk)
            body += chunk
            if not chunk:
                return body, raw

    def ending(self) -> tuple[bytes, bool]:
        """All bytes until the connection ends, and whether it ended with a reset."""
        while True:
            try:
                self._more()
            except Aborted as end:
                self._buffer = b""
                return end.raw, end.reset

    def read_to_end(self) -> bytes:
        """All bytes until the other side closes; Aborted where it resets instead."""
        found, reset = self.ending()
        if reset:
            raise Aborted(found, reset=True)
        return found

    def closed(self) -> bool:
        """Whether the other side closes, in whichever way, without another byte. Waits for it."""
        try:
            self._more()
        except Aborted as end:
            return not end.raw
        return False

    def quiet(self) -> bool:
        """Whether nothing has come so far."""
        if self._buffer:
            return False
        self.socket.setblocking(False)
        try:
            self._buffer += self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(DEADLINE)
        self._buffer = b""
        return False


def compose(
    method: str = "GET",
    target: str = "/",
    headers: list[tuple[str, str]] | dict[str, str] | None = None,
    body: bytes | None = None,
    *,
    host: str = "localhost",
    version: str = "1.1",
) -> bytes:
    """The bytes of a request; Content-Length is added where there is a body."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    lines = [f"{method} {target} HTTP/{version}", f"Host: {host}", *(f"{name}: {value}" for name, value in pairs)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chunked(*pieces: bytes) -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def ask(
    port: int,
    method: str = "GET",
    target: str = "/",
    headers: list[tuple[str, str]] | dict[str, str] | None = None,
    body: bytes | None = None,
    *,
    host: str = "localhost",
) -> Response:
    """Send one request on a connection of its own and read the response."""
    with Client(port) as client:
        client.send(compose(method, target, headers, body, host=host))
        return client.read_response(method)


def answers(port: int) -> bool:
    """Whether the gateway answers there already."""
    try:
        return ask(port, target="/healthz").status == 200
    except ConnectionError:
        return False
