"""Responses: whatever an upstream sends, the client gets one well-formed response, or a cut one, or none of it."""

import asyncio
import re
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cache
from typing import Final, cast

import h11

from aimux.core.headers import Trace
from aimux.core.policy import Timeouts
from aimux.core.reason import Failure, Reason
from aimux.edge.exchange import Exchange
from aimux.edge.outgoing import Outgoing, StaleConnectionError, TruncatedError, UpstreamLimits
from aimux.edge.upstream import UpstreamConnection
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import Head, HeadLimits, find_head, parse_head
from fuzz import seeds
from fuzz.target import Target, expect, pieces

_LIMITS: Final = HeadLimits()
_UPSTREAM_LIMITS: Final = UpstreamLimits()
_METHODS: Final = ("GET", "HEAD", "POST")
_OWN: Final = [b"X-AIMux-Route: finance", b"X-Request-ID: abc"]
_HOP_BY_HOP: Final = frozenset(b"keep-alive proxy-authenticate proxy-connection te trailer upgrade".split())
_CONTROL: Final = re.compile(rb"[^\t\r\n\x20-\x7e\x80-\xff]")


@dataclass(frozen=True, slots=True)
class _Choices:
    """What the first two bytes choose: the request that is answered, the size of the pieces, and how it ends."""

    head: Head
    piece: int
    end: int

    @classmethod
    def of(cls, first: int, second: int) -> "_Choices":
        return cls(_head(_METHODS[first % 3], first >> 2 & 1), second + 1, (first >> 3) % 3)


@cache
def _head(method: str, minor: int) -> Head:
    raw = f"{method} / HTTP/1.{1 - minor}\r\nHost: x\r\n\r\n".encode()
    return parse_head(raw[: find_head(raw, _LIMITS)], _LIMITS)


def check(data: bytes) -> None:
    """Take what follows the first two bytes for all that an upstream sends."""
    if len(data) < 2:
        return
    choices, sent = _Choices.of(data[0], data[1]), data[2:]
    whole = _play(sent, choices, max(len(sent), 1))
    alone = _read(_without_blank_lines(sent), choices.head.method, closed=choices.end == 0)
    left = alone.left.strip(b"\r\n")
    for size in (1, choices.piece):
        cut = _play(sent, choices, size)
        expect("a response comes out the same in pieces and at once", kept=cut.gist == whole.gist)
        expect("a connection is kept in pieces and at once", kept=cut.reusable == whole.reusable or left != alone.left)
    if whole.reusable:
        expect("a connection is kept only where nothing is left over", kept=alone.complete and not left)
    if whole.completed and alone.complete:
        expect("the client gets the upstream's status", kept=whole.got.status == alone.status)
        expect("the client gets the upstream's body", kept=whole.got.body == alone.body)


def _without_blank_lines(sent: bytes) -> bytes:
    """The bytes without empty lines between messages: llhttp passes over them, where h11 does not."""
    heads, rest = b"", sent.lstrip(b"\r\n")
    while rest[9:10] == b"1" and b"\r\n\r\n" in rest:
        interim, _, rest = rest.partition(b"\r\n\r\n")
        heads, rest = heads + interim + b"\r\n\r\n", rest.lstrip(b"\r\n")
    return heads + rest


# Playing it.


@dataclass(slots=True)
class _Client:
    """The client's connection: what it was sent, and whether it was cut."""

    sent: bytearray = field(default_factory=bytearray)
    kept: bool | None = None
    was_cut: bool = False
    clogged: bool = False

    def send(self, data: bytes) -> None:
        self.sent += data

    def hold(self) -> None:
        pass

    def release(self) -> None:
        pass

    def discard(self) -> None:
        pass

    def ended(self, *, keep: bool) -> None:
        expect("a response ends once", kept=self.kept is None)
        self.kept = keep

    def cut(self) -> None:
        self.was_cut = True


class _Transport:
    """The connection to the upstream, which takes everything. It stands for its socket, too."""

    def __init__(self) -> None:
        self.closing = False

    def get_extra_info(self, _: str) -> "_Transport":
        return self

    def fileno(self) -> int:
        return 0

    def setsockopt(self, *_: int) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closing

    def write(self, _: bytes) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        self.closing = True


class _Owner:
    def lost(self, connection: UpstreamConnection) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Read:
    """A response as h11 reads it. `left` is what follows it."""

    status: int = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    complete: bool = False
    left: bytes = b""
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Played:
    """What came of it: what the client got, and whether the connection to the upstream may be used again."""

    completed: bool
    reusable: bool
    got: _Read

    @property
    def gist(self) -> object:
        """What may not depend on how the bytes came in. How much of a broken response was passed on may."""
        return self.got if self.completed else None


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """A loop that makes futures and tells the time; it never runs."""
    return asyncio.new_event_loop()


class _Waiting:
    """The task that waits for the response, advanced by hand."""

    def __init__(self, connection: UpstreamConnection, exchange: Exchange) -> None:
        self._steps = cast(
            "Generator[asyncio.Future[None], None, float]",
            connection.exchange(Outgoing(b"", b"", _OWN, None, Timeouts()), exchange).__await__(),
        )
        self._future = next(self._steps)
        self._exchange = exchange
        self.outcome: str = ""

    def advance(self) -> None:
        """Let the task go on, if what it waits for has happened."""
        if self.outcome or not self._future.done():
            return
        try:
            next(self._steps)
        except StopIteration:
            self.outcome = "completed"
        except TruncatedError:
            self._exchange.abort()
            self.outcome = "truncated"
        except Failure as failure:
            expect("nothing breaks inside", kept=failure.reason is not Reason.INTERNAL)
            self.outcome = "failed"


def _play(sent: bytes, choices: _Choices, size: int) -> _Played:
    client, transport = _Client(), _Transport()
    trace = Trace("f" * 32, "e" * 16)
    exchange = Exchange(client, choices.head, Origin("-"), request_id="abc", trace=trace, started=0.0, max_body=0)
    connection = UpstreamConnection(_Owner(), _UPSTREAM_LIMITS, _loop(), memoryview(bytearray(1)))
    connection.connection_made(cast("asyncio.Transport", transport))
    waiting = _Waiting(connection, exchange)
    for piece in pieces(sent, size):
        if transport.closing:
            break
        connection.data_received(piece)
        waiting.advance()
    reusable = waiting.outcome == "completed" and connection.is_open
    _end(connection, transport, waiting, choices.end)
    completed = waiting.outcome == "completed"
    got = _read(bytes(client.sent), choices.head.method, closed=completed and not client.kept)
    _expect_well_formed(got, client, choices.head, waiting.outcome)
    return _Played(completed, reusable, got)


def _end(connection: UpstreamConnection, transport: _Transport, waiting: _Waiting, how: int) -> None:
    if how == 0 and not transport.closing:
        connection.eof_received()
        waiting.advance()
    elif how == 1 and not transport.closing and not waiting.outcome:
        connection.expire()
        if not transport.closing:  # it may look once for what waits to be read
            connection.expire()
        waiting.advance()
    try:
        connection.connection_lost(None)
        waiting.advance()
    except StaleConnectionError as error:
        raise AssertionError("a first exchange cannot be stale") from error
    expect("a task that waits is told", kept=waiting.outcome != "")
    expect("a lost connection is not used again", kept=not connection.is_open)


# What the client got.


def _expect_well_formed(got: _Read, client: _Client, head: Head, outcome: str) -> None:
    expect(f"the client gets what can be read: {got.error}", kept=not got.error)
    expect("the client gets one response", kept=not got.left)
    expect("no head holds control characters", kept=not _CONTROL.search(client.sent.partition(b"\r\n\r\n")[0]))
    if outcome == "completed":
        expect("a response that is complete looks complete", kept=got.complete and client.kept is not None)
        expect("a connection that ends a body closes", kept=head.minor == 1 or client.kept is False)
        _expect_headers(got)
    elif outcome == "truncated":
        expect("a truncated response does not look complete", kept=not got.complete and client.was_cut)
        _expect_headers(got)
    else:
        expect("of a failed response nothing is sent", kept=got.status == 0 and not client.was_cut)
        expect("a refusal can be sent in its place", kept=client.kept is None)


def _expect_headers(got: _Read) -> None:
    names = [name for name, _ in got.headers]
    expect("the route is named by the gateway", kept=dict(got.headers).get(b"x-aimux-route") == b"finance")
    own = (b"x-aimux-route", b"x-request-id")
    expect("it is named once", kept=all(names.count(name) == 1 for name in own))
    expect(
        "nothing else is named in its name", kept=not [n for n in names if n.startswith(b"x-aimux-") and n not in own]
    )
    expect("hop-by-hop fields stay behind", kept=not _HOP_BY_HOP & set(names))
    framing = names.count(b"content-length") + names.count(b"transfer-encoding")
    expect("a body has one framing", kept=framing <= 1)


def _read(data: bytes, method: str, *, closed: bool) -> _Read:
    """The response in `data`, as h11 reads it; `closed` tells that nothing more can come."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, bytearray()
    headers: tuple[tuple[bytes, bytes], ...] = ()
    try:
        if data:  # none would mean the end
            connection.receive_data(data)
        if closed:
            connection.receive_data(b"")
        while isinstance(event := connection.next_event(), h11.Event):
            if isinstance(event, h11.Response):
                status, headers = event.status_code, tuple((bytes(n), bytes(v)) for n, v in event.headers)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return _Read(status, headers, bytes(body), True, connection.trailing_data[0])
    except h11.RemoteProtocolError as error:
        return _Read(status, headers, bytes(body), error=str(error))
    return _Read(status, headers, bytes(body))


_RESPONSES: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: a\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil close",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nbytes",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
    b"HTTP/1.1 200\r\nX-AIMux-Route: no\r\nx-request-id: no\r\nConnection: X-S\r\nX-S: 1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 999 \xff\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n X: folded\r\nContent-Length: 0\r\n\r\n",
)


def _seeds() -> list[bytes]:
    own = [bytes([first, 6]) + response for response in _RESPONSES for first in (0, 1, 4, 8, 16, 20)]
    return own + [bytes([0, 6]) + response for response in seeds.responses()]


TARGET = Target(
    "response",
    check,
    _seeds,
    (
        *(
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 204 \r\n",
            b"HTTP/1.0 ",
            b"\r\n\r\n",
            b"\r\n",
            b"304",
            b"101",
        ),
        *(
            b"Content-Length: ",
            b"Transfer-Encoding: chunked\r\n",
            b"Connection: ",
            b"keep-alive",
            b"close",
            b"X-AIMux-Agent: ",
            b"Upgrade: ",
        ),
        *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"Trailer: ", b"\r\n ", b"ffffffffffffffff"),
    ),
    longest=1024,
)
