"""One connection to an upstream: sends a request, streams the response straight to the client's exchange.

The response never waits in a task: the parser's callbacks write it to the client, and the task that forwards is woken
once, at the end.
"""

import asyncio
import select
import socket
import time
from dataclasses import dataclass, field
from typing import Final, Protocol, cast

import httptools

from aimux.core.reason import Failure, Reason
from aimux.core.values import value
from aimux.edge.deadlines import NEVER
from aimux.edge.exchange import Exchange
from aimux.wire.http1 import CHUNKED
from aimux.wire.response import ResponseHead, ResponseHeadLimits, headers_too_large, invalid

_MOST_INTERIM: Final = 16
_MOST_UNREAD: Final = 256 * 1024
_OPENING: Final = b"HTTP/1."
_ALL_FRAMING: Final = "the upstream's response goes on without a byte of its body"


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """How long an upstream may take, in seconds, and how large its response's head may be."""

    connect_timeout: float = 5.0
    response_timeout: float = 60.0
    idle_timeout: float = 300.0
    keepalive_timeout: float = 4.0
    head: ResponseHeadLimits = field(default_factory=ResponseHeadLimits)


@value
class Outgoing:
    """A request as the upstream gets it. `body` is None where it is streamed from the exchange.

    `own` are the header lines that the gateway adds to the response.
    """

    head: bytes
    body: bytes | None
    own: list[bytes]


class StaleConnectionError(Exception):
    """A reused connection was closed by the upstream before a byte of the response: it may be the idle close's race."""


class TruncatedError(Exception):
    """The response broke off after its head had gone to the client. Holds what happened, for the operator."""


class Owner(Protocol):
    """What a connection tells its pool."""

    def lost(self, connection: "UpstreamConnection") -> None:
        """The connection is closed."""


class UpstreamConnection(asyncio.BufferedProtocol):
    """A connection to one upstream, carrying one exchange at a time.

    Responses are read `into` a buffer that connections of a loop may share: between two reads it holds nothing.
    """

    def __init__(self, owner: Owner, limits: UpstreamLimits, loop: asyncio.AbstractEventLoop, into: memoryview) -> None:
        self._owner = owner
        self._into = into
        self._limits = limits
        self._loop = loop
        self._transport: asyncio.Transport
        self._poll = select.poll()
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._own: list[bytes] = []
        self._done: asyncio.Future[None] | None = None
        self._chunked_body = False
        self._sent_all = True
        self._reusable = True
        self._paused = False
        self._uses = 0
        self._begin_response()
        self._opening = b""
        self._interim = 0
        self._answering = False
        self._got_bytes = False
        self._head_at = 0.0
        self.deadline = NEVER

    def _begin_response(self) -> None:
        self._head = ResponseHead()
        self._headers: list[tuple[bytes, bytes]] = []
        self._framing = 0
        self._head_complete = False
        self._until_close = False

    # Use, by the pool.

    @property
    def usable(self) -> bool:
        """Whether the idle connection can take a request: open, and nothing unasked has come in, not even its end."""
        return not self._transport.is_closing() and not self._poll.poll(0)

    async def exchange(self, request: Outgoing, exchange: Exchange) -> float:
        """Send a request and stream the response to the client; the seconds until the response's head came.

        Raises Failure, StaleConnectionError or TruncatedError.
        """
        started = time.perf_counter()
        self._begin_response()
        self._exchange, self._own = exchange, request.own
        self._interim = 0
        self._answering = self._got_bytes = False
        self._opening = b""
        self._uses += 1
        self._done = self._loop.create_future()
        self.deadline = self._loop.time() + self._limits.response_timeout
        finished = False
        try:
            self._send(request, exchange)
            await self._done
            finished = True
            return self._head_at - started
        finally:
            self._exchange = self._done = None
            exchange.source = None
            exchange.detach_sink()
            if finished and self._reusable and not self._answering and not self._transport.get_write_buffer_size():
                if self._paused:
                    self.resume()
                self.deadline = self._loop.time() + self._limits.keepalive_timeout
            else:
                self.close()

    def close(self) -> None:
        """Close the connection at once."""
        self._reusable = False
        self._transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether the connection may carry another exchange."""
        return self._reusable and not self._transport.is_closing()

    @property
    def reused(self) -> bool:
        """Whether this is not the connection's first exchange."""
        return self._uses > 1

    def _send(self, request: Outgoing, exchange: Exchange) -> None:
        if request.body is not None:
            self._sent_all = True
            self._transport.write(request.head + request.body)
            return
        self._chunked_body = exchange.head.length == CHUNKED
        self._sent_all = False
        self._transport.write(request.head)
        exchange.stream_body(self)

    # The request's body, from the exchange.

    def send_body(self, data: bytes) -> None:
        """Pass on a piece of the request's body."""
        self.deadline = self._loop.time() + self._limits.response_timeout
        if data and not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked_body else data)

    def end_body(self) -> None:
        """The request is complete."""
        self._sent_all = True
        if self._chunked_body and not self._transport.is_closing():
            self._transport.write(b"0\r\n\r\n")

    def fail_body(self, failure: Failure) -> None:
        """The client did not complete its request."""
        self._fail(failure)

    # Back-pressure.

    def pause(self) -> None:
        """The client does not read: neither does the gateway, and the upstream's clock stands still."""
        if not self._transport.is_closing():
            self._transport.pause_reading()
            self._paused = True
        self.deadline = NEVER

    def resume(self) -> None:
        """The client reads again."""
        if self._paused and not self._transport.is_closing():
            self._transport.resume_reading()
        self._paused = False
        self.deadline = self._loop.time() + self._limits.idle_timeout

    def pause_writing(self) -> None:
        """The upstream does not take the request's body as fast as it comes."""
        if self._exchange is not None:
            self._exchange.hold_body()

    def resume_writing(self) -> None:
        """It does again."""
        if self._exchange is not None:
            self._exchange.release_body()

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and TLS is up where there is TLS."""
        self._transport = cast("asyncio.Transport", transport)
        plain = transport.get_extra_info("socket")
        self._poll.register(plain.fileno(), select.POLLIN)
        # What a client does not read waits here: by itself, the kernel would take megabytes in.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _MOST_UNREAD)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  (a small one is what bounds each client)
        """Where to read into."""
        return self._into

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes have been read."""
        self.data_received(self._into[:nbytes])

    def data_received(self, data: bytes | memoryview) -> None:
        """Bytes of a response; unasked ones close the connection."""
        if self._exchange is None or self._done is None or self._done.done():
            self.close()
            return
        self._got_bytes = True
        self._framing += len(data)
        try:
            if len(self._opening) < len(_OPENING):
                self._check_opening(data)
            self._parser.feed_data(data)
        except Failure as failure:
            self._fail(failure)
        except httptools.HttpParserUpgrade:
            self._fail(invalid("the upstream switched protocols, which nobody asked for"))
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._fail(_failure_of(cause))
        else:
            if self._exchange is not None:
                self._exchange.flush()
            if self._framing > self._limits.head.header_bytes:
                self._fail(headers_too_large() if not self._head_complete else invalid(_ALL_FRAMING))
            elif self._head_complete and self.deadline != NEVER:
                self.deadline = self._loop.time() + self._limits.idle_timeout

    def _check_opening(self, data: bytes | memoryview) -> None:
        # The parser skips empty lines before a response, and knows other protocols that look like this one.
        self._opening += data[: len(_OPENING) - len(self._opening)]
        if not _OPENING.startswith(self._opening):
            raise invalid("the upstream does not answer in HTTP/1.1 or HTTP/1.0")

    def eof_received(self) -> bool:
        """The upstream has closed its side: the end of a body that lasts until then, a fault otherwise."""
        if self._until_close and self._head_complete:
            self._reusable = False
            self._complete()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._reusable = False
        self._owner.lost(self)
        if self._done is None or self._done.done():
            return
        if self._got_bytes:
            self._fail(invalid("the upstream closed the connection in the middle of its response"))
        elif self.reused:
            self._done.set_exception(StaleConnectionError())
        else:
            detail = f" ({exc})" if exc else ""
            self._fail(
                Failure(Reason.UPSTREAM_UNREACHABLE, f"the upstream closed the connection without an answer{detail}")
            )

    def expire(self) -> None:
        """The upstream took too long, or the connection was idle long enough."""
        if self._exchange is None:
            self.close()
        elif self._head_complete:
            self._fail(Failure(Reason.UPSTREAM_TIMEOUT, "the upstream stopped in the middle of its response"))
        else:
            self._fail(Failure(Reason.UPSTREAM_TIMEOUT, "the upstream did not answer in time"))

    # From the parser.

    def on_message_begin(self) -> None:
        """A response begins; one that nobody asked for must not be taken for the next request's."""
        if self._answering or (self._done is not None and self._done.done()):
            raise invalid("the upstream sent more than one response")
        self._answering = True
        self._begin_response()

    def on_status(self, phrase: bytes) -> None:
        """The reason phrase, in pieces where it arrives so."""
        self._head.phrase += phrase

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those behind the body are trailers, which are dropped."""
        if not self._head_complete:
            self._headers.append((name, value))
            if len(self._headers) > self._limits.head.headers:
                raise headers_too_large()

    def on_headers_complete(self) -> None:
        """The response's head is there: it goes to the client."""
        status = self._parser.get_status_code()
        if status == 101 or not 100 <= status <= 999:
            raise invalid("the upstream's response has a status that nobody asked for")
        self._head.add(self._headers, self._limits.head)
        self._head.check_status_line(self._parser.get_http_version())
        if status < 200:
            self._take_interim(status)
            return
        length = self._head.body_length()
        self._until_close = self._head.ends_with_connection(status)
        self._head_complete = True
        self._head_at = time.perf_counter()
        exchange = self._exchange
        if exchange is None:
            raise invalid("the upstream sent a response that nobody asked for")
        exchange.source = self
        exchange.start(status, self._head.phrase, self._head.for_client(), self._own, length)
        if exchange.head.method == "HEAD":
            # The parser would wait for the body that a HEAD's Content-Length announces: begin with a fresh one.
            # What chunks would follow here is nobody's: they could not be told from the next response.
            self._reusable = self._reusable and self._parser.should_keep_alive() and not self._head.codings
            self._parser = httptools.HttpResponseParser(self)
            self._complete()

    def on_body(self, data: bytes) -> None:
        """A piece of the response's body."""
        if not self._head_complete:
            raise invalid("the upstream sends a body before its response")
        self._framing = 0
        if self._exchange is not None and self._done is not None and not self._done.done():
            self._exchange.write(data)
        else:
            # A body behind the head that answered a HEAD: where it ends is unknown.
            self._reusable = False

    def on_message_complete(self) -> None:
        """The response is complete, or was an interim one."""
        if not self._head_complete:
            self._answering = False
            return
        if self._done is not None and not self._done.done():
            self._reusable = self._reusable and self._parser.should_keep_alive()
            self._complete()

    # Ends.

    def _take_interim(self, status: int) -> None:
        self._interim += 1
        if self._interim > _MOST_INTERIM:
            raise invalid("the upstream sends interim responses without end")
        if self._head.lengths or self._head.codings:
            raise invalid("the upstream sends an interim response with a body")
        if status != 100 and self._exchange is not None:
            self._exchange.informational(status, self._head.phrase, self._head.for_client())

    def _complete(self) -> None:
        self._answering = False
        self.deadline = NEVER
        if self._exchange is not None and self._done is not None and not self._done.done():
            if not self._sent_all:
                self._reusable = False
            self._done.set_result(None)
            self._exchange.finish()

    def _fail(self, failure: Failure) -> None:
        self._reusable = False
        if self._done is not None and not self._done.done():
            exchange = self._exchange
            begun = exchange is not None and exchange.responding and not exchange.retract()
            self._done.set_exception(TruncatedError(failure.message) if begun else failure)
        self._transport.abort()


def _failure_of(cause: BaseException | None) -> Failure:
    if isinstance(cause, Failure):
        return cause
    if cause is None:
        return invalid("the upstream's response is malformed")
    return Failure(Reason.INTERNAL, f"a fault inside the gateway while it read a response: {type(cause).__name__}")
