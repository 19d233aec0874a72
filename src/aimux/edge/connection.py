"""One client's connection: finds requests in its bytes and has them answered one after the other.

Its deadlines are in `client_deadlines.py`; how slow the client may be is a matter of `patience.py`.
"""

import asyncio
import time
from typing import Final, cast

from aimux.core.reason import Failure, Reason
from aimux.edge import eager
from aimux.edge.client_deadlines import ClientDeadlines
from aimux.edge.deadlines import NEVER
from aimux.edge.exchange import Exchange
from aimux.edge.half_closed import HalfClosed
from aimux.edge.patience import Discarded
from aimux.edge.server import Server, origin_of
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import Head

_READ_AHEAD: Final = 64 * 1024
_UNREAD: Final = Head("-", b"-", b"-", b"", 1, [], {})


class Connection(ClientDeadlines):
    """One client's connection: finds requests in its bytes and has them answered, one after the other."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self._seen = 0
        self._task: eager.Waiting | None = None
        self._origin = Origin("-")
        self._half: HalfClosed | None = None

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = cast("asyncio.Transport", transport)
        self._origin = origin_of(transport, self._server.trusts)
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
            self._note_discarded(len(data))
            return
        exchange = self._exchange
        if exchange is not None and not exchange.body_complete:
            self._feed(exchange, data)
            return
        begun = bool(self._buffer)
        self._buffer = self._buffer + data if begun else data
        if exchange is None and not self.clogged:
            if not self._next() and not begun:
                self._arm(self._limits.header_timeout)
        elif len(self._buffer) > _READ_AHEAD:
            self.hold()

    def eof_received(self) -> bool:
        """The client has closed its side: where it waits for an answer it gets that, otherwise it has left."""
        exchange = self._exchange
        if exchange is None:
            if not self._buffer:
                return False
        elif not exchange.body_complete and not self._lingering:
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
            self._server.handler.reject(exchange, failure)
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
        self._task = eager.start(self._server.handler.serve(exchange), self._server.loop)
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
            self._server.handler.reject(exchange, failure)
            return
        self._lingering = True
        if failure.reason is not Reason.REQUEST_TIMEOUT:
            self.discard()
        self._arm(self._limits.body_timeout)
        exchange.fail(failure)

    def _refuse(self, failure: Failure) -> None:
        """Refuse what could not even be read as a request; the connection closes, since its bytes mean nothing now."""
        exchange = self._open(_UNREAD)
        exchange.fail(failure)
        self._server.handler.reject(exchange, failure)

    # For the exchange.

    def send(self, data: bytes) -> None:
        """Write to the client."""
        self._transport.write(data)

    def hold(self) -> None:
        """Stop reading."""
        if not self._held and not self._transport.is_closing():
            self._held = True
            self._transport.pause_reading()
            if self._lacks_body and not self.clogged:
                self.deadline = NEVER

    def release(self) -> None:
        """Read again."""
        if self._held and not self._transport.is_closing():
            self._held = False
            self._transport.resume_reading()
            if self._exchange is not None and not self._exchange.body_complete:
                self._body_since = self._server.loop.time()
                self._arm_for_body(self._exchange)

    def discard(self) -> None:
        """Read on, and throw away what comes, while the exchange is answered."""
        self._lingering = True
        self._buffer = b""
        self._discarded = Discarded(self._server.loop.time(), self._limits.body_timeout, self._limits.max_body)
        if not self.clogged:
            self.deadline = NEVER
        self.release()

    def ended(self, *, keep: bool) -> None:
        """The exchange's response is complete: on to the next request, or close."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None and not (exchange.body_complete or self._lingering or exchange.head is _UNREAD):
            self.discard()
        self._task = None
        if not keep or (self._half is not None and not self._buffer):
            self._linger()
        elif not self.clogged:  # a client that does not read its answers is asked for no more of them
            self._await_next()

    def _await_next(self) -> None:
        if self._lingering:
            self._arm_for_close()
            return
        self._arm(self._limits.header_timeout if self._buffer else self._limits.idle_timeout)
        if len(self._buffer) <= _READ_AHEAD:
            self.release()
        if self._buffer:
            self._server.loop.call_soon(self._next_if_idle)

    def _next_if_idle(self) -> None:
        takes = self.idle and not self._lingering and not self.clogged and self._buffer
        if takes and (not self._next() or self._lacks_body) and self._half is not None:
            self.close()  # nothing comes any more that could complete it

    def _probe(self) -> None:
        if self._exchange is not None:
            self._exchange.probe()

    def close(self) -> None:
        """Close once everything written has been sent, and the client has sent what it is sending."""
        if self._discarded is None:
            self._transport.close()

    def _linger(self) -> None:
        """Close when the client has, or soon: closing over unread bytes would reset the connection under the answer."""
        self._lingering = True
        self._buffer = b""
        self.release()
        self._arm_for_close()
        if self._half is None and self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()
        else:
            self._transport.close()
