"""One client's connection: finds requests in its bytes, has them answered one after the other, keeps its deadlines.

How slow the client may be is a matter of `patience.py`.
"""

import asyncio
import time
from typing import Final, cast

from aimux.core.reason import Failure, Reason
from aimux.edge import eager
from aimux.edge.closing import cut_off
from aimux.edge.deadlines import NEVER
from aimux.edge.exchange import Exchange
from aimux.edge.half_closed import HalfClosed
from aimux.edge.patience import Unsent, body_deadline
from aimux.edge.server import Server, address_of
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import Head

_READ_AHEAD: Final = 64 * 1024
_LINGER: Final = 2.0
_UNREAD: Final = Head("-", b"-", b"-", b"", 1, [], {})


class Connection(asyncio.Protocol):
    """One client's connection: finds requests in its bytes and has them answered, one after the other."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._limits = server.limits
        self._transport: asyncio.Transport
        self._buffer = b""
        self._seen = 0
        self._exchange: Exchange | None = None
        self._task: eager.Waiting | None = None
        self._origin = Origin("-")
        self._held = self._lingering = self._clogged = False
        self._half: HalfClosed | None = None
        self._unsent = Unsent(server.limits.send_timeout)
        self._body_since = 0.0
        self.deadline = NEVER

    @property
    def idle(self) -> bool:
        """Whether no request is being served."""
        return self._exchange is None

    @property
    def _lacks_body(self) -> bool:
        return self._exchange is not None and not self._exchange.body_complete

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        address = address_of(transport.get_extra_info("peername"))
        self._origin = Origin(address, self._server.trusts(address))
        self._server.connections.add(self)
        self._server.emptied.clear()
        self._server.deadlines.watch(self)
        self._arm(self._limits.header_timeout)
        refused = self._server.admit(self, transport.get_extra_info("socket").fileno())
        if refused is not None:
            self._refuse(refused)

    def data_received(self, data: bytes) -> None:
        """Bytes from the client: of a body, of a next head, or, after a refusal, of what nobody wants any more."""
        if self._lingering:
            return
        exchange = self._exchange
        if exchange is not None and not exchange.body_complete:
            self._feed(exchange, data)
            return
        begun = bool(self._buffer)
        self._buffer = self._buffer + data if begun else data
        if exchange is None and not self._clogged:
            if not self._next() and not begun:
                self._arm(self._limits.header_timeout)
        elif len(self._buffer) > _READ_AHEAD:
            self.hold()

    def eof_received(self) -> bool:
        """The client has closed its side: where it waits for an answer it gets that, otherwise it has left."""
        exchange = self._exchange
        if self._lingering or self._lacks_body or (exchange is None and not self._buffer):
            return False
        if exchange is not None and not self._buffer:
            exchange.close_after()
        self._half = HalfClosed(self._transport, self._server.loop, self._probe, self.cut)
        self._server.loop.call_soon(self._next_if_idle)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The connection is gone, and with it the request that was under way."""
        self._server.connections.discard(self)
        if not self._server.connections:
            self._server.emptied.set()
        self._server.deadlines.forget(self)
        self._lingering = True
        if self._half is not None:
            self._half.stop()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The client does not read as fast as its response comes."""
        self._clogged = True
        self._arm(self._unsent.watch(self._server.loop.time()))
        if self._exchange is not None and self._exchange.source is not None:
            self._exchange.source.pause()

    def resume_writing(self) -> None:
        """The client keeps up again."""
        self._clogged = False
        self._unsent.forget()
        if self._exchange is None:
            self._await_next()
            return
        self._arm_for_body(self._exchange)
        if self._exchange.source is not None:
            self._exchange.source.resume()

    # Requests.

    def _next(self) -> bool:
        """Take the next request; whether there was one, or what could not be one and is refused."""
        try:
            size = self._server.heads.find(self._buffer, self._seen)
            if size == 0:
                self._seen = len(self._buffer)
                return False
            head = self._server.heads.read(self._buffer[:size])
        except Failure as failure:
            self._refuse(failure)
            return True
        rest, self._buffer, self._seen = self._buffer[size:], b"", 0
        exchange = self._open(head)
        try:
            exchange.check()
        except Failure as failure:
            self._server.site.reject(exchange, failure)
            return True
        if exchange.body_complete:
            self._buffer = rest
            self.deadline = NEVER
        else:
            self._body_since = self._server.loop.time()
            if not rest:
                self._arm_for_body(exchange)
            elif not self._feed(exchange, rest):
                return True
        self._task = eager.start(self._server.site.serve(exchange), self._server.loop)
        return True

    def _open(self, head: Head) -> Exchange:
        request_id, trace_id, span_id = self._server.identifiers.draw()
        exchange = Exchange(
            self,
            head,
            self._origin,
            request_id=request_id,
            trace=self._server.begin_trace(head.values(b"traceparent"), trace_id, span_id),
            started=time.perf_counter(),
            max_body=self._limits.max_body,
        )
        self._exchange = exchange
        return exchange

    def _feed(self, exchange: Exchange, data: bytes) -> bool:
        try:
            rest = exchange.feed(data)
        except Failure as failure:
            self._fail_body(exchange, failure)
            return False
        if rest:
            self._buffer += rest
        if self._exchange is exchange:
            self._arm_for_body(exchange)
        return True

    def _fail_body(self, exchange: Exchange, failure: Failure) -> None:
        if self._task is None:
            self._server.site.reject(exchange, failure)
            return
        self._lingering = True
        self.deadline = self._server.loop.time() + self._limits.body_timeout
        exchange.fail(failure)

    def _refuse(self, failure: Failure) -> None:
        """Refuse what could not even be read as a request; the connection closes, since its bytes mean nothing now."""
        exchange = self._open(_UNREAD)
        exchange.fail(failure)
        self._server.site.reject(exchange, failure)

    # For the exchange.

    def send(self, data: bytes) -> None:
        """Write to the client."""
        self._transport.write(data)

    def hold(self) -> None:
        """Stop reading."""
        if not self._held and not self._transport.is_closing():
            self._held = True
            self._transport.pause_reading()
            if self._lacks_body and not self._clogged:
                self.deadline = NEVER

    def release(self) -> None:
        """Read again."""
        if self._held and not self._transport.is_closing():
            self._held = False
            self._transport.resume_reading()
            if self._exchange is not None and not self._exchange.body_complete:
                self._body_since = self._server.loop.time()
                self._arm_for_body(self._exchange)

    def ended(self, *, keep: bool) -> None:
        """The exchange's response is complete: on to the next request, or close."""
        self._exchange = None
        self._task = None
        if not keep or (self._half is not None and not self._buffer):
            self._linger()
        elif not self._clogged:  # a client that does not read its answers is asked for no more of them
            self._await_next()

    def _await_next(self) -> None:
        if self._lingering:
            self._arm(_LINGER)
            return
        self._arm(self._limits.header_timeout if self._buffer else self._limits.idle_timeout)
        if len(self._buffer) <= _READ_AHEAD:
            self.release()
        if self._buffer:
            self._server.loop.call_soon(self._next_if_idle)

    def _next_if_idle(self) -> None:
        takes = self.idle and not self._lingering and not self._clogged and self._buffer
        if takes and (not self._next() or self._lacks_body) and self._half is not None:
            self.close()  # nothing comes any more that could complete it

    def _probe(self) -> None:
        if self._exchange is not None:
            self._exchange.probe()

    def close(self) -> None:
        """Close once everything written has been sent."""
        self._transport.close()

    def cut(self) -> None:
        """Close at once, whatever was still to be sent."""
        cut_off(self._transport, unfinished=not self.idle or self._transport.get_write_buffer_size() > 0)

    def _linger(self) -> None:
        """Close when the client has, or soon: closing over unread bytes would reset the connection under the answer."""
        self._lingering = True
        self._buffer = b""
        self.release()
        self._arm(_LINGER)
        if self._half is None and self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        else:
            self._transport.close()

    # Deadlines.

    def _arm(self, seconds: float) -> None:
        self.deadline = self._server.loop.time() + seconds

    def _arm_for_body(self, exchange: Exchange) -> None:
        if self._clogged:
            return
        if exchange.body_complete or self._held:
            self.deadline = NEVER
            return
        now = self._server.loop.time()
        self.deadline = body_deadline(self._body_since, exchange.received, now, self._limits.body_timeout)

    def expire(self) -> None:
        """The deadline has passed: what the client owes decides how it is told."""
        exchange = self._exchange
        unsent = self._transport.get_write_buffer_size()
        if unsent:
            self._await_reader(unsent)
        elif self._lingering or exchange is None:
            if self._buffer and not self._lingering:
                self._refuse(Failure(Reason.REQUEST_TIMEOUT, "the request's head did not arrive in time"))
            else:
                self.cut()
        else:
            self._fail_body(exchange, Failure(Reason.REQUEST_TIMEOUT, "the request's body did not arrive in time"))

    def _await_reader(self, unsent: int) -> None:
        left = self._unsent.look(unsent, self._server.loop.time())
        if left > 0:
            self._arm(left)
        else:
            self.cut()
