"""The body of an HTTP request, whichever of the two ways it is framed in."""

import re
from email.message import Message
from typing import BinaryIO, Protocol

from aimux.demo.agents.asking import Unreadable

MAX_BYTES = 1024 * 1024
_LINE = 1024


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


def read_content(headers: "Message[str, str]", stream: Readable | BinaryIO) -> bytes:
    """Read one body to its end, so that the next request on the connection starts where it should.

    Raises Unreadable for broken framing, over MAX_BYTES, and for a body that is encoded.
    """
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unreadable("this example agent reads no encoded bodies: send it without Content-Encoding")
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        return _chunked(stream)
    length = headers.get("Content-Length", "0")
    if "Transfer-Encoding" in headers or not re.fullmatch("[0-9]{1,15}", length):
        raise Unreadable("the length of the body cannot be told")
    return _exactly(int(length), stream)


def _chunked(stream: Readable | BinaryIO) -> bytes:
    content = b""
    while size := _chunk_size(stream):
        content += _exactly(size, stream, MAX_BYTES - len(content))
        if _line(stream):
            raise Unreadable("a chunk of the body is longer than it says")
    while _line(stream):
        pass  # trailers
    return content


def _chunk_size(stream: Readable | BinaryIO) -> int:
    size = _line(stream).partition(b";")[0].strip()
    if not re.fullmatch(b"[0-9A-Fa-f]{1,15}", size):
        raise Unreadable("a chunk of the body does not say how long it is")
    return int(size, 16)


def _line(stream: Readable | BinaryIO) -> bytes:
    line = stream.readline(_LINE)
    if not line.endswith(b"\n"):
        raise Unreadable("the body ends early")
    return line.rstrip(b"\r\n")


def _exactly(size: int, stream: Readable | BinaryIO, room: int = MAX_BYTES) -> bytes:
    if size > room:
        raise Unreadable(f"the body is longer than {MAX_BYTES} bytes")
    content = stream.read(size)
    if len(content) != size:
        raise Unreadable("the body ends early")
    return content
