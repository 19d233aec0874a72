"""One request and its answer on a client's connection: the body as it comes in, the response as it goes out."""

import asyncio
from email.utils import formatdate
from functools import lru_cache
from time import time
from typing import Final, Protocol

from aimux.core.headers import Trace
from aimux.core.reason import Failure, Reason
from aimux.wire.chunked import ChunkedDecoder
from aimux.wire.forwarding import Origin, client_head, phrase_of
from aimux.wire.http1 import CHUNKED, Head

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_HIGH_WATER: Final = 64 * 1024


@lru_cache(maxsize=1)
def _date_line(second: int) -> bytes:
    return b"Date: " + formatdate(second, usegmt=True).encode("ascii")


class Link(Protocol):
    """What an exchange needs of the connection that it is on."""

    def send(self, data: bytes) -> None:
        """Write to the client."""

    def hold(self) -> None:
        """Stop reading from the client: what came is not consumed yet."""

    def release(self) -> None:
        """Read again."""

    def ended(self, *, keep: bool) -> None:
        """The response is complete; `keep` tells whether the connection may carry another request."""

    def cut(self) -> None:
        """Close the connection at once."""


class BodySink(Protocol):
    """Where a request's body is streamed to."""

    def send_body(self, data: bytes) -> None:
        """The next piece."""

    def end_body(self) -> None:
        """There is no more."""

    def fail_body(self, failure: Failure) -> None:
        """The body cannot be completed."""


class ResponseSource(Protocol):
    """Where a response is streamed from."""

    def pause(self) -> None:
        """The client does not keep up."""

    def resume(self) -> None:
        """It does again."""


class Exchange:
    """Both directions of one request. The connection feeds it; the gateway reads from it and answers through it."""

    __slots__ = (
        "_chunked_out",
        "_close",
        "_decoder",
        "_failure",
        "_left",
        "_limit",
        "_link",
        "_out",
        "_pieces",
        "_sent",
        "_sink",
        "_waiter",
        "answered",
        "body_complete",
        "head",
        "origin",
        "received",
        "request_id",
        "response_bytes",
        "source",
        "started",
        "status",
        "trace",
        "wants_body",
    )

    def __init__(
        self, link: Link, head: Head, origin: Origin, *, request_id: str, trace: Trace, started: float, max_body: int
    ) -> None:
        self._link = link
        self.head = head
        self.origin = origin
        self.request_id = request_id
        self.trace = trace
        self.started = started
        self._limit = max_body
        self._decoder = ChunkedDecoder() if head.length == CHUNKED else None
        self._left = head.length
        self._pieces: list[bytes] = []
        self._failure: Failure | None = None
        self._sink: BodySink | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.body_complete = head.length == 0
        self.wants_body = False
        self.received = 0
        self.source: ResponseSource | None = None
        self.status = 0
        self.response_bytes = 0
        self.answered = False
        self._chunked_out = False
        self._out: list[bytes] = []
        self._sent = False
        self._close = head.minor == 0 or b"close" in head.connection

    # The request's body, from the connection.

    def check_length(self) -> None:
        """Raises Failure for a body that is announced to be over the limit."""
        if self.head.length > self._limit:
            raise self._too_large()

    def feed(self, data: bytes) -> bytes:
        """Take body bytes; what lies behind the body's end is given back. Raises Failure for a broken body."""
        if self._decoder is None:
            pieces, rest = [data[: self._left]], data[self._left :]
            self._left -= len(pieces[0])
            complete = self._left == 0
        else:
            pieces, rest = self._decoder.feed(data)
            complete = self._decoder.done
        for piece in pieces if len(pieces) <= 1 else (b"".join(pieces),):
            self.received += len(piece)
            if self.received > self._limit:
                raise self._too_large()
            if self._sink is None:
                self._pieces.append(piece)
            else:
                self._sink.send_body(piece)
        if complete:
            self._complete_body()
        elif self._sink is None and not self.wants_body and self.received > _HIGH_WATER:
            self._link.hold()
        return rest

    def fail(self, failure: Failure) -> None:
        """The body cannot be completed: whoever wants it learns why, now or when it asks."""
        self._failure = failure
        self._close = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)
        elif self._sink is not None:
            self._sink.fail_body(failure)

    def _complete_body(self) -> None:
        self.body_complete = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        elif self._sink is not None:
            self._sink.end_body()

    def _too_large(self) -> Failure:
        return Failure(Reason.BODY_TOO_LARGE, f"the body is larger than {self._limit} bytes (server.max_body_bytes)")

    # The request's body, for the gateway.

    async def read_body(self) -> bytes:
        """The whole body, its transfer coding undone. Raises Failure where it breaks, stalls or grows too large."""
        if not self.body_complete:
            self._want_body()
            if self._failure is not None:
                raise self._failure
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self.body

    @property
    def body(self) -> bytes:
        """The body once it is complete, its transfer coding undone."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def stream_body(self, sink: BodySink) -> None:
        """Hand what has come of the body to `sink`, and all that comes from now on. Raises Failure if it is broken."""
        if self._failure is not None:
            raise self._failure
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            sink.send_body(piece)
        if self.body_complete:
            sink.end_body()
            return
        self._sink = sink
        self._want_body()

    def detach_sink(self) -> None:
        """Nobody takes the rest of the body any more."""
        self._sink = None

    def hold_body(self) -> None:
        """The sink is full."""
        self._link.hold()

    def release_body(self) -> None:
        """The sink takes more."""
        self._link.release()

    def _want_body(self) -> None:
        self.wants_body = True
        expects = b"expect" in self.head.first and self.head.minor == 1
        if expects and self.received == 0 and not self.answered:
            self._link.send(_CONTINUE)
        self._link.release()

    # The response.

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
        own = [_date_line(int(time())), *own, b"Content-Length: %d" % len(body)]
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
