"""A request's body, framed either way, cut anywhere, and asked for at any moment: the same bytes, the same verdict."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.headers import Trace
from aimux.core.reason import Failure, Reason
from aimux.edge.exchange import Exchange
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import HeadLimits, parse_head

LIMITS = HeadLimits()
LIMIT = 60
NEXT = b"GET /next HTTP/1.1\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
RUN = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Client:
    """The client's connection: what it was sent, and whether it is read from."""

    sent: list = field(default_factory=list)
    held: bool = False
    clogged: bool = False

    def send(self, data):
        self.sent.append(data)

    def hold(self):
        self.held = True

    def release(self):
        self.held = False

    def discard(self):
        self.sent.append("discard")


@dataclass
class Sink:
    """What an upstream was given of the body, and how that ended."""

    taken: bytes = b""
    ends: list = field(default_factory=list)

    def send_body(self, data):
        assert not self.ends, "a piece behind the end"
        self.taken += data

    def end_body(self):
        self.ends.append("complete")

    def fail_body(self, failure):
        self.ends.append(failure.reason)


@dataclass(frozen=True)
class Sent:
    """A body as it is sent: its framing, its bytes on the wire, and what stands in them."""

    framing: bytes
    wire: bytes
    payload: bytes
    broken: bool = False

    def exchange(self, client, limit=LIMIT):
        head = parse_head(
            b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + self.framing + b"\r\n\r\n", LIMITS
        )
        trace = Trace("f" * 32, "e" * 16)
        return Exchange(client, head, Origin("-"), request_id="a", trace=trace, started=0.0, max_body=limit)

    @property
    def verdict(self):
        """The reason of the refusal, or None."""
        if len(self.payload) > LIMIT:
            return Reason.BODY_TOO_LARGE
        return Reason.BAD_REQUEST if self.broken else None


@st.composite
def bodies(draw):
    """Bodies around the limit; the chunked ones with extensions and trailers, and some broken behind their payload."""
    payload = bytes(range(draw(st.sampled_from([1, 2, LIMIT, LIMIT + 1, LIMIT + 30]) | st.integers(1, LIMIT))))
    if draw(st.booleans()):
        return Sent(b"Content-Length: %d" % len(payload), payload, payload)
    cuts = sorted({0, len(payload), *draw(st.sets(st.integers(1, len(payload)), max_size=5))})
    extension = draw(st.sampled_from([b"", b";a=b"]))
    chunks = [payload[start:end] for start, end in pairwise(cuts)]
    wire = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    # Which of two faults is told depends on which is met first: one is enough.
    broken = len(payload) <= LIMIT and draw(st.booleans())
    end = draw(
        st.sampled_from([b"x\r\n", b"-1\r\n", b"\r\n", b"0\n"] if broken else [b"0\r\n\r\n", b"0;a\r\nX-T: y\r\n\r\n"])
    )
    return Sent(b"Transfer-Encoding: chunked", wire + end, payload, broken)


cuts = st.sets(st.integers(1, 150), max_size=8).map(sorted)


def cut(data, places):
    """The bytes in pieces."""
    places = [0, *(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def feed(exchange, pieces):
    """Feed as a connection does: what is left behind the body, or why it was refused; None where more is to come."""
    for number, piece in enumerate(pieces):
        try:
            rest = exchange.feed(piece)
        except Failure as failure:
            exchange.fail(failure)
            return failure.reason
        if exchange.body_complete:
            return rest + b"".join(pieces[number + 1 :])
        assert rest == b""
    return None


def refusal_of(asked_for):
    """What a call gives, and the reason of the Failure that it raises instead."""
    try:
        return asked_for(), None
    except Failure as failure:
        return None, failure.reason


def test_a_body_that_is_read_whole():
    reached = Counter()

    async def play(exchange, pieces, asked):
        found = feed(exchange, pieces[:asked])
        came = exchange.received
        reading = asyncio.ensure_future(exchange.read_body())
        await asyncio.sleep(0)
        found = found or feed(exchange, pieces[asked:])
        await asyncio.wait([reading])
        return found, came, *refusal_of(reading.result)

    @RUN
    @given(bodies(), cuts, st.integers(0, 3))
    def check(body, places, asked):
        client, pieces = Client(), cut(body.wire, places)
        pieces[-1] += NEXT
        found, came, read, refused = asyncio.run(play(body.exchange(client), pieces, asked))
        assert found == (body.verdict or NEXT)
        assert (read, refused) == (None if body.verdict else body.payload, body.verdict)
        assert client.sent == ([] if came else [CONTINUE])
        assert not client.held
        reached[body.verdict] += 1

    check()
    assert min(reached[what] for what in (None, Reason.BODY_TOO_LARGE, Reason.BAD_REQUEST)) > 20, reached


def test_a_body_whose_first_byte_is_looked_at():
    """Blanks before it are passed over, and nothing of the body is lost to who takes it then."""
    reached = Counter()

    async def play(exchange, pieces, asked):
        found = feed(exchange, pieces[:asked])
        looking = asyncio.ensure_future(exchange.first_byte())
        await asyncio.sleep(0)
        seen, fed = looking.done(), asked
        while not looking.done() and not found and fed < len(pieces):
            found = feed(exchange, pieces[fed : fed + 1])
            fed += 1
            await asyncio.sleep(0)
        await asyncio.wait([looking])
        sink = Sink()
        refused = refusal_of(lambda: exchange.stream_body(sink))[1]
        found = found or feed(exchange, pieces[fed:])
        return seen, fed, found, refusal_of(looking.result), sink, refused

    @RUN
    @given(st.integers(0, LIMIT), st.binary(max_size=LIMIT), cuts, st.integers(0, 3))
    def check(blanks, payload, places, asked):
        payload = b" " * blanks + payload if len(payload) + blanks <= LIMIT else b" " * (LIMIT + 1)
        if not payload:
            return
        body = Sent(b"Content-Length: %d" % len(payload), payload, payload)
        client, pieces = Client(), cut(body.wire, places)
        looked = payload.lstrip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe")[:1]
        seen, fed, found, (first, refused), sink, broken = asyncio.run(play(body.exchange(client), pieces, asked))
        if body.verdict:
            assert refused == broken == body.verdict or found == body.verdict
            return
        assert (first, refused, broken) == (looked, None, None)
        assert (sink.taken, sink.ends) == (payload, ["complete"])
        # It waits no longer than it must.
        behind = len(payload) - len(payload.lstrip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe")) + 1 if looked else len(payload)
        assert sum(map(len, pieces[: fed - 1])) < behind or seen
        reached["blank" if not looked else "at once" if seen else "waited"] += 1

    check()
    assert min(reached[what] for what in ("blank", "at once", "waited")) > 5, reached


def test_what_comes_behind_the_first_byte_waits():
    async def play(exchange, client):
        looking = asyncio.ensure_future(exchange.first_byte())
        await asyncio.sleep(0)
        exchange.feed(b"  {")
        assert await looking == b"{"
        exchange.feed(b"x" * 70_000)
        return client.held

    client = Client()
    body = Sent(b"Content-Length: 100000", b"", b"")
    assert asyncio.run(play(body.exchange(client, limit=100_000), client))
    assert client.sent == [CONTINUE]


def test_a_body_that_is_streamed():
    reached = Counter()

    @RUN
    @given(bodies(), cuts, st.integers(0, 3))
    def check(body, places, asked):
        client, sink, pieces = Client(), Sink(), cut(body.wire, places)
        exchange = body.exchange(client)
        pieces[-1] += NEXT
        found = feed(exchange, pieces[:asked])
        came = exchange.received
        _, refused = refusal_of(lambda: exchange.stream_body(sink))
        if refused:
            assert refused is found is body.verdict
            assert (sink, client.sent) == (Sink(), [])
            reached["refused before"] += 1
            return
        found = found or feed(exchange, pieces[asked:])
        assert found == (body.verdict or NEXT)
        assert client.sent == ([] if came else [CONTINUE])
        assert sink.ends == [body.verdict or "complete"]
        assert body.payload.startswith(sink.taken)
        assert body.verdict or sink.taken == body.payload
        assert len(sink.taken) <= LIMIT
        reached[body.verdict] += 1

    check()
    wanted = (None, Reason.BODY_TOO_LARGE, Reason.BAD_REQUEST, "refused before")
    assert min(reached[what] for what in wanted) > 20, reached


def test_a_body_that_nobody_wants_is_held_back_and_released_when_it_is_wanted():
    client, size = Client(), 200_000
    exchange = Sent(b"Content-Length: %d" % size, b"", b"").exchange(client, limit=size)
    exchange.feed(bytes(60_000))
    assert not client.held
    exchange.feed(bytes(60_000))
    assert client.held
    sink = Sink()
    exchange.stream_body(sink)
    assert not client.held
    assert exchange.feed(bytes(80_000) + NEXT) == NEXT
    assert (sink.taken, sink.ends) == (bytes(size), ["complete"])


def test_a_length_over_the_limit_is_refused_before_a_byte_of_the_body():
    for length, reason in ((LIMIT, None), (LIMIT + 1, Reason.BODY_TOO_LARGE)):
        exchange = Sent(b"Content-Length: %d" % length, b"", b"").exchange(Client())
        assert refusal_of(exchange.check) == (None, reason)


def test_a_body_that_nobody_wants_is_thrown_away_once_and_ends_the_connection():
    client, sink = Client(), Sink()
    exchange = Sent(b"Content-Length: 9", b"", b"").exchange(client)
    exchange.stream_body(sink)
    client.sent.clear()
    for _ in range(3):  # with each piece of the response that tells so
        exchange.discard_body()
    assert client.sent == ["discard"]
    exchange.feed(b"12345")
    assert (sink.taken, sink.ends) == (b"", [])
