"""An upstream that pauses in its response, on a clock of the test's own: comments, the end of a stream, and the cut."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from aimux.core.headers import Trace
from aimux.core.policy import Timeouts
from aimux.core.reason import Failure
from aimux.core.record import Ended
from aimux.edge.event_stream import KEEPALIVE
from aimux.edge.exchange import Exchange
from aimux.edge.outgoing import Outgoing, TruncatedError, UpstreamLimits
from aimux.edge.upstream import UpstreamConnection
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import HeadLimits, parse_head

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"d: 1\n\n"
TIMEOUTS = Timeouts(connect=1, response=60, idle=25, keepalive=4)


@dataclass
class Clock:
    """An event loop that only tells the time."""

    now: float = 1000.0
    real: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    sockets: list[socket.socket] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def create_future(self) -> asyncio.Future[None]:
        return self.real.create_future()


@dataclass
class Both:
    """The client's connection, and the transport to the upstream: both take everything and note what was done."""

    sent: bytes = b""
    clogged: bool = False
    done: list[str] = field(default_factory=list)
    ends: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self.done.append(name) or 0

    def send(self, data: bytes) -> None:
        self.sent += data

    def get_extra_info(self, _: str) -> "Both":
        return self

    def fileno(self) -> int:
        """The gateway's end of the connection to the upstream, whose bytes nobody reads but the test."""
        return self.ends[0].fileno()

    def is_closing(self) -> bool:
        return "abort" in self.done


class Played:
    """One exchange: the upstream's bytes are fed, the time passes by itself."""

    def __init__(self, clock: Clock, method: str, keepalive: float | None) -> None:
        self.clock = clock
        self.both = Both()
        clock.sockets += self.both.ends
        self.connection = UpstreamConnection(
            self.both,  # type: ignore[arg-type]
            UpstreamLimits(sse_keepalive=keepalive),
            clock,  # type: ignore[arg-type]
            memoryview(bytearray(1)),
        )
        self.connection.connection_made(self.both)  # type: ignore[arg-type]
        head = parse_head(f"{method} /events HTTP/1.1\r\nHost: x\r\n\r\n".encode(), HeadLimits())
        trace = Trace("f" * 32, "e" * 16)
        exchange = Exchange(self.both, head, Origin("-"), request_id="a", trace=trace, started=0.0, max_body=0)
        self._steps = self.connection.exchange(Outgoing(b"", b"", [], None, TIMEOUTS), exchange).__await__()
        next(self._steps)

    def answer(self, *pieces: bytes) -> None:
        """Pieces of a response in chunks, its head first."""
        for number, piece in enumerate(pieces):
            self.connection.data_received(piece if number == 0 else b"%x\r\n%b\r\n" % (len(piece), piece))
        self.both.sent = b""

    def wait(self, seconds: float) -> bytes:
        """Let the time pass; what the client is sent meanwhile, its chunks undone."""
        before, until = len(self.both.sent), self.clock.now + seconds
        while self.connection.deadline <= until and not self.both.is_closing():
            self.clock.now = max(self.clock.now, self.connection.deadline)
            self.connection.expire()
        self.clock.now = until
        sent, payload = self.both.sent[before:], b""
        while sent:
            size, _, sent = sent.partition(b"\r\n")
            payload, sent = payload + sent[: int(size, 16)], sent[int(size, 16) + 2 :]
        return payload

    def end(self) -> Ended | str:
        """How the exchange has ended."""
        try:
            next(self._steps)
        except StopIteration:
            return self.connection.ended
        except (TruncatedError, Failure) as error:
            return str(error)
        raise AssertionError("it goes on")


@pytest.fixture
def clock() -> Iterator[Clock]:
    """The time of one test."""
    clock = Clock()
    yield clock
    clock.real.close()
    for each in clock.sockets:
        each.close()


@pytest.mark.parametrize("pieces", [(), (EVENT,), (b"d: 1", b"\n\n")])
def test_a_silent_stream_is_commented_until_it_is_idle_for_too_long(clock: Clock, pieces: tuple[bytes, ...]) -> None:
    played = Played(clock, "POST", 10)
    played.answer(EVENTS, *pieces)
    assert played.wait(9.9) == b""
    assert played.wait(0.2) == KEEPALIVE
    assert played.wait(14) == KEEPALIVE
    assert not played.both.is_closing()
    assert played.wait(1) == b""
    assert "in the middle of its response" in str(played.end())


def test_each_piece_begins_the_silence_anew(clock: Clock) -> None:
    played = Played(clock, "POST", 10)
    played.answer(EVENTS, EVENT)
    assert played.wait(9) == b""
    played.connection.data_received(b"6\r\n" + EVENT + b"\r\n")
    assert played.wait(9) == b""
    assert played.wait(15) == KEEPALIVE + KEEPALIVE
    assert not played.both.is_closing()


def test_an_open_event_is_not_interrupted(clock: Clock) -> None:
    played = Played(clock, "POST", 10)
    played.answer(EVENTS, EVENT, b"d: 2\n")
    assert played.wait(24) == b""
    played.connection.data_received(b"1\r\n\n\r\n")
    assert played.wait(24) == KEEPALIVE + KEEPALIVE


@pytest.mark.parametrize(
    "head",
    [
        EVENTS.replace(b"text/event-stream", b"application/x-ndjson"),
        EVENTS.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 90\r\n\r\n",
    ],
    ids=["another type", "encoded", "with a length"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_responses_are_cut_without_a_comment(clock: Clock, head: bytes, method: str) -> None:
    played = Played(clock, method, 10)
    played.answer(head)
    assert played.wait(26) == b""
    assert "in the middle of its response" in str(played.end())


def test_nothing_is_sent_before_the_head(clock: Clock) -> None:
    played = Played(clock, "GET", 10)
    played.answer(EVENTS[:-2])
    assert played.wait(59) == b""
    assert not played.both.is_closing()
    played.wait(1)
    assert played.end() == "the upstream did not answer in time"


def test_an_answer_that_waits_in_the_kernel_is_read_before_the_upstream_is_given_up(clock: Clock) -> None:
    played = Played(clock, "GET", None)
    played.both.ends[1].send(b"HTTP")
    clock.now += 61
    played.connection.expire()
    assert not played.both.is_closing()
    played.answer(EVENTS, EVENT)
    assert played.wait(24) == b""
    played.wait(2)
    assert played.end() is Ended.IDLE


def test_bytes_that_never_make_an_answer_do_not_keep_the_upstream(clock: Clock) -> None:
    played = Played(clock, "GET", None)
    played.both.ends[1].send(b"HTTP")
    clock.now += 61
    played.connection.expire()
    played.connection.data_received(b"HTTP")
    played.connection.expire()
    assert played.end() == "the upstream did not answer in time"


def test_a_client_that_does_not_read_is_sent_nothing_and_costs_the_upstream_no_time(clock: Clock) -> None:
    played = Played(clock, "GET", 10)
    played.answer(EVENTS, EVENT)
    played.connection.pause()
    assert played.wait(1000) == b""
    played.connection.resume()
    assert played.wait(24) == KEEPALIVE + KEEPALIVE
    assert not played.both.is_closing()


def test_a_client_that_a_comment_clogs_is_sent_no_other(clock: Clock) -> None:
    played = Played(clock, "GET", 10)
    played.answer(EVENTS, EVENT)
    send, played.both.send = played.both.send, lambda data: played.connection.pause()  # type: ignore[method-assign]
    played.wait(11)
    played.both.send = send  # type: ignore[method-assign]
    assert played.wait(1000) == b""


@pytest.mark.parametrize("keepalive", [None, 10])
@pytest.mark.parametrize("pieces", [(), (EVENT,)])
def test_an_idle_stream_that_answers_get_ends_between_events(
    clock: Clock, pieces: tuple[bytes, ...], keepalive: float | None
) -> None:
    played = Played(clock, "GET", keepalive)
    played.answer(EVENTS, *pieces)
    played.wait(24)
    assert "ended" not in played.both.done
    played.both.sent = b""
    played.wait(1)
    assert played.both.sent == b"0\r\n\r\n"
    assert played.end() is Ended.IDLE
    assert not played.connection.is_open, "the upstream may go on at any moment"


def test_an_idle_stream_that_answers_get_is_cut_within_an_event(clock: Clock) -> None:
    played = Played(clock, "GET", None)
    played.answer(EVENTS, b"d: 1\n")
    assert played.wait(25) == b""
    assert "in the middle of its response" in str(played.end())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_keepalive_a_stream_is_never_commented(clock: Clock, method: str) -> None:
    played = Played(clock, method, None)
    played.answer(EVENTS, EVENT)
    assert played.wait(24.9) == b""
