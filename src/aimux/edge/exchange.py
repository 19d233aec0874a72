"""One request and its answer on a client's connection: the response as it goes out, beside the body that comes in."""

from email.utils import formatdate
from functools import lru_cache
from time import time
from typing import Protocol

from aimux.core.headers import Trace
from aimux.edge.incoming import CONTINUE, Incoming, Link
from aimux.wire.cors import without_cors
from aimux.wire.forwarding import Origin, client_head, phrase_of
from aimux.wire.http1 import Head


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return b"Date: " + formatdate(second, usegmt=True).encode("ascii")


class ResponseSource(Protocol):
    """Where a response is streamed from."""

    def pause(self) -> None:
        """The client does not keep up."""

    def resume(self) -> None:
        """It does again."""


class Exchange(Incoming):
    """Both directions of one request. The connection feeds it; the gateway reads from it and answers through it.

    `cors` are the header lines that say who may read the answer; None leaves that to the upstream.
    """

    __slots__ = (
        *("_chunked_out", "_out", "_sent", "cors", "origin", "request_id", "response_bytes"),
        *("source", "started", "status", "trace", "upstream_request_id"),
    )

    def __init__(
        self, link: Link, head: Head, origin: Origin, *, request_id: str, trace: Trace, started: float, max_body: int
    ) -> None:
        super().__init__(link, head, max_body)
        self.origin = origin
        self.request_id = request_id
        self.trace = trace
        self.started = started
        self.source: ResponseSource | None = None
        self.cors: tuple[bytes, ...] | None = None
        self.upstream_request_id: str | None = None
        self.status = 0
        self.response_bytes = 0
        self._chunked_out = False
        self._out: list[bytes] = []
        self._sent = False

    @property
    def responding(self) -> bool:
        """Whether any byte of a final response has been written."""
        return self.status != 0

    @property
    def _bodiless(self) -> bool:
        return self.head.method == "HEAD" or self.status in {204, 304}

    def close_after(self) -> None:
        """Close the connection after this exchange."""
        self._close = True

    def answer(self, status: int, own: list[bytes], body: bytes) -> None:
        """Answer with a whole response; `own` are complete header lines."""
        self.status = status
        self._close = self._close or not self.body_complete
        own = [_date_line(int(time())), *own, *(self.cors or ())]
        if status != 204:
            own.append(b"Content-Length: %d" % len(body))
        if self._close:
            own.append(b"Connection: close")
        head = client_head(status, phrase_of(status), (), own)
        if self.head.method != "HEAD":
            self.response_bytes = len(body)
            head += body
        self._sent = self.answered = True
        self._link.send(head)
        self._link.ended(keep=not self._close)

    def informational(self, status: int, phrase: bytes, passed: list[bytes]) -> None:
        """Pass on an interim (1xx) response."""
        if self.head.minor == 1:
            self._link.send(client_head(status, phrase, passed, ()))

    def start(self, status: int, phrase: bytes, passed: list[bytes], own: list[bytes], length: int | None) -> None:
        """Write the response's head. `length` is its body's size, None where only its end will tell."""
        self.status = status
        own = list(own)
        if self.cors is not None:
            passed = without_cors(passed)
            own += self.cors
        if length is not None:
            if status != 204:
                own.append(b"Content-Length: %d" % length)
        elif not self._bodiless:
            if self.head.minor == 1:
                self._chunked_out = True
                own.append(b"Transfer-Encoding: chunked")
            else:
                self._close = True
        if self._close or not self.body_complete:
            self._close = True
            own.append(b"Connection: close")
        self._out.append(client_head(status, phrase, passed, own))

    def stream_from(self, source: ResponseSource) -> None:
        """The body comes from `source`, which pauses while the client does not keep up, from now on or already."""
        self.source = source
        if self._link.clogged:
            source.pause()

    def write(self, data: bytes) -> None:
        """Write a piece of the response's body; `flush` sends it."""
        if not data or self._bodiless:
            return
        self.response_bytes += len(data)
        self._out.append(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked_out else data)

    def flush(self) -> None:
        """Send what has been written: head and body in one go, where they came together."""
        if self._out:
            self._sent = True
            self._link.send(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out.clear()

    def probe(self) -> None:
        """Write what a client passes over that listens still: the connection of one that has left is reset by it."""
        if not self.responding:
            if self.head.minor == 1:
                self._link.send(CONTINUE)
        elif self._chunked_out and self._sent and not self.answered:
            self._link.send(b"0")  # the next chunk's size, or that of the last one, begins with a zero

    def retract(self) -> bool:
        """Take back a response of which nothing has been sent yet; whether that could be done."""
        if self._sent:
            return False
        self._out.clear()
        self.status = self.response_bytes = 0
        self._chunked_out = False
        return True

    def finish(self) -> None:
        """The response is complete."""
        if self._chunked_out:
            self._out.append(b"0\r\n\r\n")
        self.flush()
        self.answered = True
        self.source = None
        self._link.ended(keep=not self._close and self.body_complete)

    def abort(self) -> None:
        """Cut the connection, so that a response which was begun cannot look complete."""
        self.answered = True
        self._link.cut()
