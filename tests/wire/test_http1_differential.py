"""Whatever the strict parser accepts, llhttp and h11 accept with the same meaning: nobody behind it reads otherwise."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.reason import Failure, Reason
from aimux.wire.http1 import CHUNKED, HeadLimits, find_head, parse_head
from fuzz.oracles import expect_agreement

LIMITS = HeadLimits()


def agree(data):
    """Parse, and where that succeeds hold it against both others; what came out, for the count."""
    try:
        size = find_head(data, LIMITS)
        if size == 0:
            return "incomplete"
        head = parse_head(data[:size], LIMITS)
    except Failure as failure:
        return failure.reason.code
    expect_agreement(head, data[:size])
    assert head.target == head.path + data[:0].join([b"?", head.query] if b"?" in head.target else [])
    return "chunked" if head.length == CHUNKED else "length" if head.length else "no body"


# Requests that are nearly right.

# Pieces of a request: those that are right, and those that are wrong.
METHODS = b"GET POST PUT DELETE HEAD OPTIONS PATCH FOO PROPFIND".split(), b"TRACE CONNECT PRI get G3T".split()
TARGETS = (
    b"/ /a /a?b=c /a/b;p=1?q=%20x //evil/x /a/../b /%2e%2e/ /?a?b http://x/ http://X?q http://x http://x//y".split(),
    b"http://x:80/ http://y/ http://u@x/ * /a#b /a\\b /%00 /%zz x:80 https://x/ ?a".split(),
)
VERSIONS = (b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"), (b"HTTP/1.9", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 ")
HOSTS = (b"Host: x", b"host:X", b"HOST:\tx "), (b"Host: x:80", b"Host: ", b"Host: x, y", b"X: y")
FRAMINGS = (
    [
        *(b"", b"", b"Content-Length: 5", b"Content-Length:40", b"Content-Length: \t007 ", b"Content-Length: 0"),
        *(b"Transfer-Encoding: chunked", b"Transfer-Encoding:CHUNKED", b"Content-Length: 123456789012345678"),
    ],
    [
        *(b"Content-Length: +5", b"Content-Length: 5, 5", b"Transfer-Encoding: gzip, chunked"),
        *(b"Transfer-Encoding: chunked ", b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
    ],
)
LINES = (
    [
        *(b"Accept: */*", b"X-Source-Agent: finance-bot", b"x-empty:", b"X-Pad:  \t a  b \t", b"X-Text: \xc3\xa9\xff"),
        *(b"Connection: close", b"Connection: keep-alive, Upgrade", b"Upgrade: websocket", b"Expect: 100-continue"),
        *(b"X_Under: a", b"!#$%&'*+-.^_`|~: tokens", b"TE: trailers", b"Trailer: x-trailer"),
    ],
    [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: x", b" folded", b"X : y", b"no colon"],
)
INSERTS = (
    *(b"\r", b"\n", b"\r\n", b" ", b"\t", b"\x00", b"\x0b", b"\x7f", b"\xff", b":", b",", b";", b"/", b"?", b"#", b"%"),
    *(b"\r\n ", b"\r\n\r\n", b"A", b"a", b"0", b"\\", b"@", b"HTTP/1.1", b"Host: x\r\n", b"chunked", b"-", b"_", b'"'),
)


def request_of(data):
    """A request from choices read off bytes, mostly of what is right; then some bytes of it are changed."""
    choices = iter(data)

    def one(options):
        return options[next(choices) % len(options)]

    def nearly(pool):
        right, wrong = pool
        return one(wrong if next(choices) % 24 == 23 else right)

    lines = [nearly(HOSTS), nearly(FRAMINGS), *(nearly(LINES) for _ in range(one(range(4))))]
    at = one(range(len(lines)))
    lines = [line for line in (*lines[at:], *lines[:at]) if line]
    start = b" ".join((nearly(METHODS), nearly(TARGETS), nearly(VERSIONS)))
    request = b"\r\n".join((start, *lines, b"", b""))
    for _ in range(one((0, 1, 1, 2))):
        at = (next(choices) << 8 | next(choices)) % len(request)
        taken, put = one((0, 0, 1, 1, 2, 5)), one((b"", *INSERTS))
        request = request[:at] + put + request[at + taken :]
    return request


def test_whatever_is_accepted_means_the_same_to_llhttp_and_h11():
    reached = Counter()

    @settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.binary(min_size=40, max_size=40).map(request_of))
    def check(request):
        reached[agree(request)] += 1

    check()
    accepted = reached["chunked"] + reached["length"] + reached["no body"]
    assert min(reached["chunked"], reached["length"]) > 50, reached
    assert min(accepted, reached[Reason.BAD_REQUEST.code]) > 500, reached


EVERY_BYTE = [bytes([byte]) for byte in range(256)]


@pytest.mark.parametrize(
    "template",
    [
        b"GET /a%bb HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GE%bT / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1%b\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x%by\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX%bY: z\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n%bX: z\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX%b: z\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: y%bz\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: y%b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX:%by\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:%b5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5%b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:%bchunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked%b\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n%bTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent%bLength: 5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer%bEncoding: chunked\r\n\r\n",
    ],
)
def test_any_byte_in_a_delicate_place(template):
    outcomes = {agree(template % byte) for byte in EVERY_BYTE}
    assert Reason.BAD_REQUEST.code in outcomes
