"""The chunked coding: exact payload and exact remainder however the bytes come in, and nothing that is not exact."""

from collections import Counter

import h11
import httptools
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.reason import Failure, Reason
from aimux.wire.chunked import ChunkedDecoder

BAD, TOO_LARGE, TRAILERS = Reason.BAD_REQUEST, Reason.BODY_TOO_LARGE, Reason.HEADERS_TOO_LARGE
NEXT = b"GET /next HTTP/1.1\r\n"
RUN = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def decoded(data, cuts=()):
    """Payload, remainder and whether the body is complete; the reason instead where it is refused."""
    decoder, payload, at = ChunkedDecoder(), b"", 0
    try:
        for end in (*sorted(cut for cut in cuts if cut < len(data)), len(data)):
            pieces, rest = decoder.feed(data[at:end])
            payload += b"".join(pieces)
            assert all(pieces)
            if decoder.done:
                return payload, rest + data[end:], True
            assert rest == b""
            at = end
    except Failure as failure:
        assert not decoder.done
        return failure.reason
    return payload, b"", False


def encoded(chunks, extension=b"", trailers=()):
    lines = [b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks if chunk]
    return b"".join((*lines, b"0" + extension + b"\r\n", *(t + b"\r\n" for t in trailers), b"\r\n"))


@settings(max_examples=300, **RUN)
@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    st.sampled_from((b"", b";a", b";a=b", b';a="x y";b')),
    st.sampled_from(((), (b"X-T: a",), (b"X-T: a", b"Y:"))),
    st.binary(max_size=20),
    st.sets(st.integers(0, 300), max_size=8),
)
def test_a_body_comes_out_as_it_went_in(chunks, extension, trailers, behind, cuts):
    data = encoded(chunks, extension, trailers)
    for places in (cuts, range(len(data) + 1)):
        assert decoded(data + behind, places) == (b"".join(chunks), behind, True)
    assert decoded(data[:-1], cuts) == (b"".join(chunks), b"", False)


@pytest.mark.parametrize(
    "size", [b"5", b"05", b"000000005", b"5;a", b"5;a=b;c", b'5;a="b;\t\\"c"', b"0000000000000005"]
)
def test_sizes(size):
    assert decoded(size + b"\r\nhello\r\n0\r\n\r\n" + NEXT) == (b"hello", NEXT, True)


def test_sizes_are_hexadecimal_in_either_case():
    for size in (b"1a", b"1A"):
        assert decoded(size + b"\r\n" + b"x" * 26 + b"\r\n00\r\n\r\n") == (b"x" * 26, b"", True)


BROKEN = {
    "no size": b"\r\nhello\r\n",
    "an extension without a name": b"5;\r\nhello\r\n",
    "an extension with no name but a value": b"5;=b\r\nhello\r\n",
    "an extension with a blank in it": b"5;a b\r\nhello\r\n",
    "an extension with a bracket in its value": b"5;a=b[\r\nhello\r\n",
    "an extension whose quotes stay open": b'5;a="b\r\nhello\r\n',
    "an extension that goes on behind its quotes": b'5;a="b"c\r\nhello\r\n',
    "an extension that ends in a semicolon": b"5;a=b;\r\nhello\r\n",
    "an extension without a size": b";a\r\nhello\r\n",
    "a sign": b"+5\r\nhello\r\n",
    "negative": b"-5\r\nhello\r\n",
    "an underscore": b"1_0\r\nhello\r\n",
    "a prefix": b"0x5\r\nhello\r\n",
    "no digit": b"g\r\nhello\r\n",
    "a blank before": b" 5\r\nhello\r\n",
    "a blank behind": b"5 \r\nhello\r\n",
    "a blank before the extension": b"5 ;a\r\nhello\r\n",
    "a tab behind": b"5\t\r\nhello\r\n",
    "seventeen digits": b"00000000000000005\r\nhello\r\n",
    "a null": b"5\x00\r\nhello\r\n",
    "a null in the extension": b"5;\x00\r\nhello\r\n",
    "beyond ASCII in the extension": b"5;\xff\r\nhello\r\n",
    "a bare CR in the extension": b"5;a\rb\r\nhello\r\n",
    "a bare LF behind the size": b"5\nhello\r\n",
    "a bare LF in the extension": b"5;a\nb\r\nhello\r\n",
    "a bare LF behind the data": b"5\r\nhello\n",
    "a bare CR behind the data": b"5\r\nhello\rx\r\n",
    "more data than the size says": b"5\r\nhello!\r\n",
    "less data than the size says": b"5\r\nhell\r\n",
    "the end without an empty line": b"5\r\nhello0\r\n\r\n",
    "two CRs": b"5\r\nhello\r\r\n",
    "a bare LF behind the last size": b"0\n\r\n",
    "a bare LF at the end": b"0\r\n\n",
    "a trailer without a colon": b"0\r\nabc\r\n\r\n",
    "a trailer with a blank before its colon": b"0\r\nX : y\r\n\r\n",
    "a folded trailer": b"0\r\nX: y\r\n z\r\n\r\n",
    "a trailer without a name": b"0\r\n: y\r\n\r\n",
    "a null in a trailer": b"0\r\nX: \x00\r\n\r\n",
    "a bare CR in a trailer": b"0\r\nX: a\rb\r\n\r\n",
    "a bare LF in a trailer": b"0\r\nX: y\nZ: z\r\n\r\n",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_body_that_is_not_exactly_right(data):
    whole = data + b"0\r\n\r\n" + NEXT
    assert decoded(whole) is BAD
    assert decoded(whole, range(len(whole))) is BAD


def test_trailers_are_dropped():
    assert decoded(b"0\r\nX-Source-Agent: admin-bot\r\nContent-Length: 9\r\n\r\n" + NEXT) == (b"", NEXT, True)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"5;" + b"a" * 4092 + b"\r\nhello\r\n0\r\n\r\n", (b"hello", b"", True)),
        (b"5;" + b"a" * 4093 + b"\r\nhello\r\n0\r\n\r\n", BAD),
        (b"0\r\nX:" + b"a" * 4092 + b"\r\n\r\n", (b"", b"", True)),
        (b"0\r\nX:" + b"a" * 4093 + b"\r\n\r\n", BAD),
        (b"0\r\n" + b"".join(b"X:" + b"a" * 4094 + b"\r\n" for _ in range(2)) + b"\r\n", BAD),
        (b"0\r\n" + b"".join(b"X:" + b"a" * 1022 + b"\r\n" for _ in range(8)) + b"\r\n", (b"", b"", True)),
        (b"0\r\n" + b"".join(b"X:" + b"a" * 1022 + b"\r\n" for _ in range(9)) + b"\r\n", TRAILERS),
        (b"0\r\n" + b"X:\r\n" * 5000, TRAILERS),
    ],
)
def test_lines_and_trailers_are_limited(data, expected):
    assert decoded(data) == expected
    assert decoded(data, range(0, len(data), 100)) == expected


def test_an_endless_line_is_refused_before_it_ends():
    assert decoded(b"5;" + b"a" * 5000) is BAD
    assert decoded(b"5\r\nhello" + b"a" * 5000) is BAD
    assert decoded(b"0\r\nX: " + b"a" * 5000) is BAD


def test_framing_may_not_outweigh_the_content():
    assert decoded(b"1;" + b"a" * 4000 + b"\r\nx\r\n") == (b"x", b"", False)
    assert decoded((b"1;" + b"a" * 4000 + b"\r\nx\r\n") * 17) is TOO_LARGE
    assert decoded(b"1\r\nx\r\n" * 20_000) is TOO_LARGE
    assert decoded(b"a\r\n0123456789\r\n" * 20_000) is TOO_LARGE
    assert decoded((b"40\r\n" + b"x" * 64 + b"\r\n") * 20_000) == (b"x" * 64 * 20_000, b"", False)


def test_a_chunk_that_is_announced_is_passed_on_as_it_comes():
    decoder = ChunkedDecoder()
    assert decoder.feed(b"ffffffffffffffff\r\n") == ([], b"")
    assert decoder.feed(b"ab") == ([b"ab"], b"")
    assert decoder.feed(b"cd") == ([b"cd"], b"")
    assert not decoder.done


def test_nothing_behind_the_end_is_touched():
    decoder = ChunkedDecoder()
    assert decoder.feed(b"0\r\n\r\n" + NEXT) == ([], NEXT)
    assert decoder.done
    assert decoder.feed(NEXT) == ([], NEXT)


# Against llhttp and h11.

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECES = (
    *(b"5\r\nhello\r\n", b"3;a=b\r\nabc\r\n", b"1\r\nx\r\n", b"0\r\n\r\n", b"0\r\nX-T: a\r\n\r\n", b"0\r\n", b"\r\n"),
    *(b"\n", b"\r", b"5", b";", b" ", b"hello", b"X: y\r\n", b"a\r\n0123456789\r\n", b"00\r\n\r\n", b"\x00", b"+1"),
)


class Sink:
    """What llhttp makes of a body."""

    def __init__(self):
        self.body, self.complete = b"", False

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.complete = True


def by_llhttp(data):
    sink = Sink()
    httptools.HttpRequestParser(sink).feed_data(HEAD + data)
    return sink.body, sink.complete


def by_h11(data):
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(HEAD + data)
    body, complete = b"", False
    while isinstance(event := connection.next_event(), h11.Event):
        body += bytes(event.data) if isinstance(event, h11.Data) else b""
        complete = complete or isinstance(event, h11.EndOfMessage)
    return body, complete


def test_whatever_is_accepted_means_the_same_to_llhttp_and_h11():
    reached = Counter()
    pieces = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map(b"".join)
    right = st.lists(st.sampled_from(PIECES[:3]), max_size=5).map(b"".join)
    ends = st.sampled_from((b"0\r\n\r\n", b"0\r\n\r\n", b"0;x\r\nA: b\r\n\r\n", b"0\r\n", b"", b"0\n\r\n", b"\r\n0"))

    @settings(max_examples=800, **RUN)
    @given(st.one_of(st.builds(bytes.__add__, right, ends), st.builds(bytes.__add__, pieces, ends)))
    def check(data):
        found = decoded(data)
        assert decoded(data, range(len(data))) == found
        if isinstance(found, Reason):
            reached[found] += 1
            return
        payload, rest, complete = found
        if complete:
            ours = data[: len(data) - len(rest)]
            assert by_llhttp(ours) == by_h11(ours) == (payload, True)
        reached[complete] += 1

    check()
    assert min(reached[True], reached[False], reached[BAD]) > 20, reached
