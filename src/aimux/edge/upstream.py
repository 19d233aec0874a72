"""One connection to an upstream: the transport, its deadlines and back-pressure, the request that goes out over it.

The response never waits in a task: the transport's bytes go to the response reader (`response.py`), which writes to the
client's exchange, and the task that forwards is woken once, at the end.
"""

import asyncio
import select
import socket
import ssl
import time
from typing import Final, Protocol, cast

from aimux.core.policy import Timeouts
from aimux.core.reason import Failure, Reason
from aimux.core.record import Ended
from aimux.edge.causes import ended_by
from aimux.edge.deadlines import NEVER
from aimux.edge.exchange import Exchange
from aimux.edge.outgoing import Outgoing, StaleConnectionError, TruncatedError, UpstreamLimits
from aimux.edge.pauses import Pauses
from aimux.edge.response import ResponseReader
from aimux.edge.unread import start_tls, unread
from aimux.wire.http1 import CHUNKED

_MOST_UNREAD: Final = 256 * 1024
# A response with such a status is no use of the body: what is left of that is not sent. Others may be made of it as it
# comes, by an upstream that converts or echoes.
_REFUSING: Final = 300


class Owner(Protocol):
    """What a connection tells its pool."""

    def lost(self, connection: "UpstreamConnection") -> None:
        """The connection is closed."""


class UpstreamConnection(asyncio.BufferedProtocol):
    """A connection to one upstream, carrying one exchange at a time.

    Responses are read `into` a buffer that connections of a loop may share: between two reads it holds nothing.
    `ended` says how the last exchange ended, where it was not cut.
    """

    def __init__(self, owner: Owner, limits: UpstreamLimits, loop: asyncio.AbstractEventLoop, into: memoryview) -> None:
        self._owner = owner
        self._into = into
        self._pauses = Pauses(limits.sse_keepalive)
        self._timeouts = Timeouts()
        self._loop = loop
        self._transport: asyncio.Transport
        self._poll = select.poll()
        self._response = ResponseReader(limits.head, self, comments=limits.sse_keepalive is not None)
        self._exchange: Exchange | None = None
        self._done: asyncio.Future[None] | None = None
        self._chunked_body = False
        self._sent_all = True
        self._reusable = True
        self._secure = False
        self._paused = False
        self._uses = 0
        self.address = ""
        self._overdue = NEVER
        self.ended = Ended.COMPLETED
        self.deadline = NEVER

    # Use, by the pool.

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Speak TLS from now on, before the first exchange. Raises OSError, ssl.SSLError among them."""
        self._transport = await start_tls(self._loop, self._transport, self, context, host)
        self._secure = True

    @property
    def usable(self) -> bool:
        """Whether the idle connection can take a request: open, and nothing unasked has come in, not even its end."""
        return not self._transport.is_closing() and not self._poll.poll(0)

    async def exchange(self, request: Outgoing, exchange: Exchange) -> float:
        """Send a request and stream the response to the client; the seconds until the response's head came.

        Raises Failure, StaleConnectionError or TruncatedError.
        """
        started = time.perf_counter()
        self._exchange = exchange
        self._response.begin(exchange, request.own, request.keeps)
        self._uses += 1
        self._done = self._loop.create_future()
        self._timeouts = request.timeouts
        self.deadline = self._loop.time() + request.timeouts.response
        finished = False
        try:
            self._send(request, exchange)
            await self._done
            finished = True
            return self._response.head_at - started
        finally:
            self._exchange = self._done = None
            self._response.leave()
            exchange.source = None
            exchange.detach_sink()
            if finished and self._reusable and not self._transport.get_write_buffer_size():
                if self._paused:
                    self.resume()
                self.deadline = self._loop.time() + self._timeouts.keepalive
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
        if not self._response.head_complete:
            self.deadline = self._loop.time() + self._timeouts.response
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
        self._await_more()

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
        response = self._response
        try:
            response.feed(data)
        except Failure as failure:
            if response.complete:  # what came behind it is at fault
                self._complete()
            self._fail(failure)
            return
        if response.complete:
            self._complete()
        elif response.head_complete:
            if not self._sent_all and self._exchange.status >= _REFUSING:
                self._exchange.discard_body()
            if self.deadline != NEVER:
                self._await_more()

    def eof_received(self) -> bool:
        """The upstream has closed its side: the end of a body that lasts until then, a fault otherwise."""
        self._reusable = False
        if self._response.until_close:
            self._complete()
        elif self._exchange is not None:
            self._transport.abort()  # closing would wait until the upstream has taken the rest of the request
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone. What the upstream had sent before is read first."""
        if exc is not None and not self._secure and self._exchange is not None:
            for data in unread(self._transport):
                self.data_received(data)
        self._reusable = False
        self._owner.lost(self)
        if self._done is None or self._done.done():
            return
        why = ended_by(exc)
        if self._response.begun:
            message = "the upstream closed the connection in the middle of its response"
            self._fail(Failure(Reason.UPSTREAM_INVALID, message, f"{message}: {why}"))
        elif self.reused:
            what = f"a kept connection was closed when it was used again: {why}"
            self._done.set_exception(StaleConnectionError(what))
        else:
            message = "the upstream closed the connection without an answer"
            # It has had the request, and may have done what that asks for.
            self._fail(Failure(Reason.UPSTREAM_UNREACHABLE, message, f"{message}: {why}", passing=False))

    def expire(self) -> None:
        """The upstream took too long, or the connection was idle long enough.

        Where the gateway did not run for a while, the upstream's bytes may be waiting: they are read before.
        """
        if self._exchange is not None and self.deadline != self._overdue and self._poll.poll(0):
            self._overdue = self.deadline
        elif self._exchange is None:
            self.close()
        elif self._response.head_complete:
            self._end_silence(self._exchange)
        else:
            self._fail(Failure(Reason.UPSTREAM_TIMEOUT, "the upstream did not answer in time"))

    # A response that pauses.

    def _await_more(self) -> None:
        """The response goes on, and its next piece has the idle timeout."""
        self.deadline = self._pauses.heard(self._loop.time(), self._timeouts.idle, self._response.events)

    def _end_silence(self, exchange: Exchange) -> None:
        """The upstream sends nothing: comment an event stream, end one that may end, and cut every other response."""
        events = self._response.events
        look_at = self._pauses.comment(self._loop.time(), events, exchange)
        if look_at is not None:
            if not self._paused:
                self.deadline = look_at
        elif events is not None and events.may_end and events.between_events:
            self._reusable = False
            self.ended = Ended.IDLE
            self._complete()
        else:
            self._fail(Failure(Reason.UPSTREAM_TIMEOUT, "the upstream stopped in the middle of its response"))

    # Ends.

    def _complete(self) -> None:
        self.deadline = NEVER
        if self._exchange is not None and self._done is not None and not self._done.done():
            self._reusable = self._reusable and self._sent_all and self._response.reusable
            self._done.set_result(None)
            self._exchange.finish()

    def _fail(self, failure: Failure) -> None:
        self._reusable = False
        if self._done is not None and not self._done.done():
            exchange = self._exchange
            begun = exchange is not None and exchange.responding and not exchange.retract()
            self._done.set_exception(TruncatedError(failure.detail or failure.message) if begun else failure)
        self._transport.abort()
