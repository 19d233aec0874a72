"""The deadlines of a client's connection: what the client owes at each moment, and how it is told when it is late."""

import asyncio
from abc import abstractmethod

from aimux.core.reason import Failure, Reason
from aimux.edge.closing import cut_off
from aimux.edge.deadlines import NEVER
from aimux.edge.exchange import Exchange
from aimux.edge.patience import LINGER, Discarded, Unsent, body_deadline
from aimux.edge.server import Server
from aimux.edge.unread import waits


class ClientDeadlines(asyncio.Protocol):
    """What a connection knows of its client's pace; `deadline` is the moment by which the client must have got on.

    `_held` says that the client is not read from, `clogged` that it does not read, `_lingering` that what it sends is
    thrown away.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._limits = server.limits
        self._transport: asyncio.Transport
        self._buffer = b""
        self._exchange: Exchange | None = None
        self._held = self._lingering = self.clogged = False
        self._unsent = Unsent(server.limits.send_timeout)
        self._discarded: Discarded | None = None
        self._body_since = 0.0
        self._overdue = NEVER
        self.deadline = NEVER

    @property
    def idle(self) -> bool:
        """Whether no request is being served."""
        return self._exchange is None

    @property
    def _lacks_body(self) -> bool:
        return self._exchange is not None and not self._exchange.body_complete

    # The client does not read.

    def pause_writing(self) -> None:
        """The client does not read as fast as its response comes."""
        self.clogged = True
        self._arm(self._unsent.watch(self._server.loop.time()))
        if self._exchange is not None and self._exchange.source is not None:
            self._exchange.source.pause()

    def resume_writing(self) -> None:
        """The client keeps up again."""
        self.clogged = False
        self._unsent.forget()
        if self._exchange is None:
            self._await_next()
            return
        self._arm_for_body(self._exchange)
        if self._exchange.source is not None:
            self._exchange.source.resume()

    def _await_reader(self, unsent: int) -> None:
        left = self._unsent.look(unsent, self._server.loop.time())
        if left > 0:
            self._arm(left)
        else:
            self.cut()

    # The deadline.

    def _arm(self, seconds: float) -> None:
        self.deadline = self._server.loop.time() + seconds

    def _arm_for_body(self, exchange: Exchange) -> None:
        if self.clogged:
            return
        if exchange.body_complete or self._held or self._lingering:
            self.deadline = NEVER
            return
        now = self._server.loop.time()
        self.deadline = body_deadline(self._body_since, exchange.received, now, self._limits.body_timeout)

    def _arm_for_close(self) -> None:
        """The answer is complete: by when the client must have closed the connection."""
        if self._discarded is None:
            self._arm(LINGER)
        else:
            self.deadline = self._discarded.deadline(self._server.loop.time())

    def _note_discarded(self, size: int) -> None:
        """The client goes on with a body that nobody wants: many read their answer only behind that."""
        if self._discarded is None:
            return
        now = self._server.loop.time()
        self._discarded.size += size
        deadline = self._discarded.deadline(now)
        if self.clogged or (self._exchange is None and self._transport.get_write_buffer_size()):
            if deadline > now:
                self._arm(self._unsent.watch(now))
        elif self._exchange is None:
            self.deadline = deadline

    def expire(self) -> None:
        """The deadline has passed: what the client owes decides how it is told.

        Where the gateway did not run for a while, that may be waiting: it is read before.
        """
        exchange = self._exchange
        unsent = self._transport.get_write_buffer_size()
        if unsent:
            self._await_reader(unsent)
        elif self.deadline != self._overdue and not self._held and waits(self._transport):
            self._overdue = self.deadline
        elif self._lingering or exchange is None:
            if self._buffer and not self._lingering:
                self._refuse(Failure(Reason.REQUEST_TIMEOUT, "the request's head did not arrive in time"))
            else:
                self.cut()
        else:
            self._fail_body(exchange, Failure(Reason.REQUEST_TIMEOUT, "the request's body did not arrive in time"))

    def cut(self) -> None:
        """Close at once, whatever was still to be sent."""
        cut_off(self._transport, unfinished=not self.idle or self._transport.get_write_buffer_size() > 0)

    @abstractmethod
    def _await_next(self) -> None:
        """Wait for the next request."""

    @abstractmethod
    def _refuse(self, failure: Failure) -> None:
        """Refuse what could not be read as a request."""

    @abstractmethod
    def _fail_body(self, exchange: Exchange, failure: Failure) -> None:
        """The body of a request cannot be completed."""
