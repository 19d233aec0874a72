"""An upstream's response as its bytes come in: read by llhttp, checked for what that leaves open, given to its client.

It knows nothing of sockets, of time limits and of what becomes of the connection. The parser's callbacks write to the
exchange; who feeds it learns whether the response is complete, and whether another one could follow it.
"""

import time
from typing import Final

import httptools

from aimux.core.fault import fault_of
from aimux.core.reason import Failure, Reason
from aimux.edge.event_stream import EventStream, event_stream
from aimux.edge.exchange import Exchange, ResponseSource
from aimux.wire.forwarding import asked_at
from aimux.wire.redirects import Kept, kept_at_gateway
from aimux.wire.response import ResponseHead, ResponseHeadLimits, headers_too_large, invalid

_MOST_INTERIM: Final = 16
_OPENING: Final = b"HTTP/1."
_ALL_FRAMING: Final = "the upstream's response goes on without a byte of its body"


class ResponseReader:
    """Reads the responses of one connection, one exchange at a time.

    `source` is who is told where a client does not keep up with its response. Of the response that is being read:
    `head_complete` says whether its head has gone to the exchange, `head_at` when it did, on the performance counter;
    `until_close` whether its body lasts until the connection ends; `complete` whether it has ended by itself, and
    `reusable` whether the next one could follow it then. `events` is the event stream that it is, where something is to
    be done for one.
    """

    def __init__(self, limits: ResponseHeadLimits, source: ResponseSource, *, comments: bool = False) -> None:
        """`comments` says whether clients of silent event streams are sent comments."""
        self._limits = limits
        self._source = source
        self._comments = comments
        self._parser = httptools.HttpResponseParser(self)
        self._exchange: Exchange | None = None
        self._own: list[bytes] = []
        self._keeps: Kept | None = None
        self._opening = b""
        self._interim = 0
        self._framing = 0
        self._answering = False
        self.head_complete = self.until_close = self.complete = False
        self.reusable = True
        self.head_at = 0.0
        self.events: EventStream | None = None
        self._begin_head()

    # For who has the connection.

    def begin(self, exchange: Exchange, own: list[bytes], keeps: Kept | None = None) -> None:
        """Expect the response to `exchange` next; `own` are the header lines that the gateway adds.

        `keeps` is whom it went to where redirects are kept at the gateway; otherwise addresses go on as they come.
        """
        self._exchange, self._own, self._keeps = exchange, own, keeps
        self._opening = b""
        self._interim = self._framing = 0
        self._answering = self.head_complete = self.until_close = self.complete = False
        self.reusable = True
        self.events = None

    def leave(self) -> None:
        """The exchange is over, however it ended."""
        self._exchange = None

    @property
    def begun(self) -> bool:
        """Whether any byte has come."""
        return self._opening != b""

    def feed(self, data: bytes | memoryview) -> None:
        """Read bytes. Raises Failure where they are no response, or more than one; that one may be complete."""
        self._framing += len(data)
        if len(self._opening) < len(_OPENING):
            self._check_opening(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise invalid("the upstream switched protocols, which nobody asked for") from error
        except httptools.HttpParserError as error:
            raise _failure_of(error) from error
        if self._exchange is not None and not self.complete:
            self._exchange.flush()
        if self._framing > self._limits.header_bytes:
            raise headers_too_large() if not self.head_complete else invalid(_ALL_FRAMING)

    def _check_opening(self, data: bytes | memoryview) -> None:
        # The parser skips empty lines before a response, and knows other protocols that look like this one.
        self._opening += data[: len(_OPENING) - len(self._opening)]
        if not _OPENING.startswith(self._opening):
            raise invalid("the upstream does not answer in HTTP/1.1 or HTTP/1.0")

    # From the parser.

    def on_message_begin(self) -> None:
        """A response begins; one that nobody asked for must not be taken for the next request's."""
        if self._answering or self.complete:
            raise invalid("the upstream sent more than one response")
        self._answering = True
        self._begin_head()

    def on_status(self, phrase: bytes) -> None:
        """The reason phrase, in pieces where it arrives so."""
        self._head.phrase += phrase

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those behind the body are trailers, which are dropped."""
        if not self.head_complete:
            self._headers.append((name, value))
            if len(self._headers) > self._limits.headers:
                raise headers_too_large()

    def on_headers_complete(self) -> None:
        """The response's head is there: it goes to the client."""
        status = self._parser.get_status_code()
        if status == 101 or not 100 <= status <= 999:
            raise invalid("the upstream's response has a status that nobody asked for")
        self._head.add(self._headers, self._limits)
        self._head.check_status_line(self._parser.get_http_version())
        if self._head.leads:
            self._keep_at_gateway(status)
        if status < 200:
            self._take_interim(status)
            return
        length = self._head.body_length()
        self.until_close = self._head.ends_with_connection(status)
        self.head_complete = True
        self.head_at = time.perf_counter()
        exchange = self._exchange
        if exchange is None:
            raise invalid("the upstream sent a response that nobody asked for")
        exchange.stream_from(self._source)
        own = self._own
        if self._head.ids and (given := self._head.id_besides(exchange.request_id)) is not None:
            exchange.upstream_request_id = given
            own = [*own, b"X-Upstream-Request-ID: " + given.encode("ascii")]
        exchange.start(status, self._head.phrase, self._head.for_client(), own, length)
        if length is None and (self._comments or exchange.head.method == "GET"):
            self.events = event_stream(exchange.head, self._head.lines, comments=self._comments)
        if exchange.head.method == "HEAD":
            # The parser would wait for the body that a HEAD's Content-Length announces: begin with a fresh one.
            # What chunks would follow here is nobody's: they could not be told from the next response.
            self._end(reusable=self._parser.should_keep_alive() and not self._head.codings)
            self._parser = httptools.HttpResponseParser(self)

    def on_body(self, data: bytes) -> None:
        """A piece of the response's body."""
        if not self.head_complete:
            raise invalid("the upstream sends a body before its response")
        self._framing = 0
        if self._exchange is not None and not self.complete:
            self._exchange.write(data if self.events is None else self.events.passed(data))
        else:
            # A body behind the head that answered a HEAD: where it ends is unknown.
            self.reusable = False

    def on_message_complete(self) -> None:
        """The response is complete, or was an interim one."""
        if not self.head_complete:
            self._answering = False
        elif not self.complete:
            self._end(reusable=self._parser.should_keep_alive())

    def _begin_head(self) -> None:
        self._head = ResponseHead()
        self._headers: list[tuple[bytes, bytes]] = []
        self._framing = 0

    def _keep_at_gateway(self, status: int) -> None:
        if self._keeps is not None and self._exchange is not None:
            asked = asked_at(self._exchange.head, self._keeps, self._exchange.origin)
            self._head.lines = kept_at_gateway(self._head.lines, status, asked)

    def _take_interim(self, status: int) -> None:
        self._interim += 1
        if self._interim > _MOST_INTERIM:
            raise invalid("the upstream sends interim responses without end")
        if self._head.lengths or self._head.codings:
            raise invalid("the upstream sends an interim response with a body")
        if status != 100 and self._exchange is not None:
            self._exchange.informational(status, self._head.phrase, self._head.for_client())

    def _end(self, *, reusable: bool) -> None:
        self._answering = False
        self.complete = True
        self.reusable = reusable


def _failure_of(error: httptools.HttpParserError) -> Failure:
    """What stopped the parser: an exception of a callback, or what it says of the bytes itself."""
    cause = error.__context__
    if isinstance(cause, Failure):
        return cause
    if cause is None:
        message = "the upstream's response is malformed"
        return Failure(Reason.UPSTREAM_INVALID, message, f"{message}: {error}")
    return Failure(Reason.INTERNAL, "a fault inside the gateway while it read a response", fault_of(cause))
