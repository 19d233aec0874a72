"""A request's body on its way in: framed, within its limit, and handed to who wants it, whole or piece by piece."""

import asyncio
from typing import Final, Protocol

from aimux.core.reason import Failure, Reason
from aimux.wire.chunked import ChunkedDecoder
from aimux.wire.documents import MARK_BYTES
from aimux.wire.http1 import CHUNKED, Head
from aimux.wire.upgrades import no_websocket

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_HIGH_WATER: Final = 64 * 1024


class Link(Protocol):
    """What an exchange needs of the connection that it is on."""

    def send(self, data: bytes) -> None:
        """Write to the client."""

    def hold(self) -> None:
        """Stop reading from the client: what came is not consumed yet."""

    def release(self) -> None:
        """Read again."""

    def discard(self) -> None:
        """Read on, and throw away what comes: nobody wants the rest of the request."""

    def ended(self, *, keep: bool) -> None:
        """The response is complete; `keep` tells whether the connection may carry another request."""

    def cut(self) -> None:
        """Close the connection at once."""

    @property
    def clogged(self) -> bool:
        """Whether the client does not read what was written to it."""


class BodySink(Protocol):
    """Where a request's body is streamed to."""

    def send_body(self, data: bytes) -> None:
        """The next piece."""

    def end_body(self) -> None:
        """There is no more."""

    def fail_body(self, failure: Failure) -> None:
        """The body cannot be completed."""


class Incoming:
    """One request's body. The connection feeds it, the gateway or an upstream takes it."""

    __slots__ = (
        *("_close", "_decoder", "_failure", "_first", "_is_wanted", "_left", "_limit", "_link", "_looking", "_pieces"),
        *("_sink", "_waiter", "answered", "body_complete", "head", "received"),
    )

    def __init__(self, link: Link, head: Head, max_body: int) -> None:
        self._link = link
        self.head = head
        self._limit = max_body
        self._decoder = ChunkedDecoder() if head.length == CHUNKED else None
        self._left = head.length
        self._pieces: list[bytes] = []
        self._first = b""
        self._failure: Failure | None = None
        self._sink: BodySink | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._looking = self._is_wanted = False
        self.body_complete = head.length == 0
        self.received = 0
        self.answered = False
        self._close = head.minor == 0 or b"close" in head.connection

    # The request's body, from the connection.

    def check(self) -> None:
        """Raises Failure for a WebSocket handshake, and for a body that is announced to be over the limit."""
        if self.head.websocket:
            self._close = True  # what comes behind it may be in the other protocol
            raise no_websocket()
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
            if not self._first:
                self._first = piece.lstrip(MARK_BYTES)[:1]
            if self._sink is None:
                self._pieces.append(piece)
            else:
                self._sink.send_body(piece)
        if complete:
            self._complete_body()
        elif self._looking and self._first:
            self._wake()
        elif self._sink is None and not self._is_wanted and self.received > _HIGH_WATER:
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
        if not self._wake() and self._sink is not None:
            self._sink.end_body()

    def _wake(self) -> bool:
        """Wake who waits for the body, if somebody does."""
        if self._waiter is None or self._waiter.done():
            return False
        self._waiter.set_result(None)
        return True

    def _too_large(self) -> Failure:
        return Failure(Reason.BODY_TOO_LARGE, f"the body is larger than {self._limit} bytes (server.max_body_bytes)")

    # The request's body, for the gateway.

    async def first_byte(self) -> bytes:
        """The body's first byte that is neither white space nor a mark of an encoding; none where nothing else comes.

        What comes behind it waits. Raises Failure as `read_body` does.
        """
        if not self._first and not self.body_complete:
            self._looking = True
            try:
                await self._more()
            finally:
                self._looking = self._is_wanted = False
        return self._first

    async def read_body(self) -> bytes:
        """The whole body, its transfer coding undone. Raises Failure where it breaks, stalls or grows too large."""
        if not self.body_complete:
            await self._more()
        return self.body

    async def _more(self) -> None:
        """Wait until all of the body is there, or what is looked for."""
        self._want_body()
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

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

    def discard_body(self) -> None:
        """Nobody takes the rest of the body, and the connection carries no other request."""
        if self._sink is not None:
            self._sink = None
            self._close = True
            self._link.discard()

    def hold_body(self) -> None:
        """The sink is full."""
        self._link.hold()

    def release_body(self) -> None:
        """The sink takes more."""
        self._link.release()

    def _want_body(self) -> None:
        self._is_wanted = True
        expects = b"expect" in self.head.first and self.head.minor == 1
        if expects and self.received == 0 and not self.answered:
            self._link.send(CONTINUE)
        self._link.release()
