"""The head of a request: the same however it comes in, the same to other parsers, the same at the upstream."""

import re

from aimux.core.headers import Trace
from aimux.core.policy import Upstream
from aimux.core.reason import Failure, Reason
from aimux.wire.forwarding import Origin, upstream_head
from aimux.wire.http1 import Head, HeadLimits, find_head, parse_head
from fuzz import seeds
from fuzz.oracles import expect_agreement
from fuzz.target import Target, expect

# The second ones are reached by short inputs.
_LIMITS = (HeadLimits(), HeadLimits(header_bytes=128, headers=4, target_bytes=32))
_AT_UPSTREAM = HeadLimits(header_bytes=1 << 20, headers=1000, target_bytes=1 << 16)
_UPSTREAM = Upstream("http://finance:8001", False, "finance", 8001, "")
_TRACE = Trace("f" * 32, "e" * 16)
_ORIGINS = (Origin("192.0.2.7"), Origin("192.0.2.7", trusted=True))
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade http2-settings".split()
)
# What this hop says anew, if it says it at all.
_REWRITTEN = frozenset(
    b"host content-length expect x-request-id x-client-request-id x-upstream-request-id traceparent tracestate"
    b" forwarded x-forwarded x-original-forwarded-for x-real-ip proxy".split()
)
_IDS = (b"x-request-id", b"x-client-request-id")
_OWN = {b"x-aimux-agent": b"bee", b"x-aimux-route": b"finance"}

_Outcome = Head | Reason | None


def check(data: bytes) -> None:
    """Read the head that `data` begins with."""
    for limits in _LIMITS:
        found = _read(data, limits)
        _expect_the_same_in_pieces(data, limits, found)
        if isinstance(found, Head):
            expect_agreement(found, data[: find_head(data, limits)])
            for origin in _ORIGINS:
                _expect_the_same_at_the_upstream(found, origin)


def _read(data: bytes, limits: HeadLimits) -> _Outcome:
    try:
        size = find_head(data, limits)
        return parse_head(data[:size], limits) if size else None
    except Failure as failure:
        return failure.reason


def _expect_the_same_in_pieces(data: bytes, limits: HeadLimits, whole: _Outcome) -> None:
    # The first piece with an outcome decides, wherever the cuts are: so all beginnings must agree with the whole.
    early: _Outcome = None
    for end in range(1, len(data)):
        early = _read(data[:end], limits)
        if early is not None:
            break
    expect("a head comes out the same in pieces and at once", kept=early is None or early == whole)
    expect("a head that is complete is found at once", kept=early is not None or whole is None or _at_end(data, limits))


def _at_end(data: bytes, limits: HeadLimits) -> bool:
    """Whether the last byte is what the outcome was waiting for."""
    return len(data) <= 1 or _read(data[:-1], limits) is None


def _expect_the_same_at_the_upstream(head: Head, origin: Origin) -> None:
    sent = upstream_head(
        head,
        _UPSTREAM,
        agent="bee",
        own=[b"X-AIMux-Route: finance", b"X-Request-ID: abc"],
        trace=_TRACE,
        origin=origin,
        length=head.length,
    )
    expect("what is sent is one head", kept=find_head(sent, _AT_UPSTREAM) == len(sent))
    try:
        again = parse_head(sent, _AT_UPSTREAM)
    except Failure as failure:
        raise AssertionError("what is sent reads as a request") from failure
    expect("the upstream reads the same method", kept=again.method == head.method)
    expect("the upstream reads the same target", kept=again.target == head.target)
    expect("the upstream reads the same length", kept=again.length == head.length)
    expect("the upstream reads its own host", kept=again.single(b"host") == b"finance:8001")
    for name, value, _ in again.lines:
        if _plain(name).startswith(b"x-aimux-"):
            expect("X-AIMux headers are the gateway's own", kept=_OWN.get(name) == value)
    own = [name for name in again.first if name in _OWN]
    expect(
        "X-AIMux headers are there, once each", kept=sorted(own) == sorted(_OWN) and not set(own) & set(again.repeated)
    )
    named = {value for name in _IDS for value in head.values(name)}
    ids = set(again.values(b"x-client-request-id"))
    expect(
        "the caller's id of the request is its own", kept=len(ids) <= 1 and ids <= named and all(map(_is_plain, ids))
    )
    expected = [line for name, _, line in head.lines if _passes(name, head.connection)]
    kept = [line for name, _, line in again.lines if _passes(name, frozenset())]
    expect("end-to-end lines pass as they came, and nothing else does", kept=kept == expected)


def _passes(name: bytes, dropped: frozenset[bytes]) -> bool:
    plain = _plain(name)
    if plain.startswith((b"x-aimux-", b"x-forwarded-")):
        return False
    return plain not in _HOP_BY_HOP and plain not in _REWRITTEN and not {name, plain} & dropped


def _is_plain(value: bytes) -> bool:
    return 0 < len(value) <= 128 and value.isascii() and value.decode("ascii").isprintable()


def _plain(name: bytes) -> bytes:
    return re.sub(rb"[^0-9a-z]", b"-", name)


TARGET = Target(
    "request-head",
    check,
    seeds.requests,
    (
        *(
            b"GET / HTTP/1.1\r\nHost: x\r\n",
            b"\r\n\r\n",
            b"\r\n",
            b" HTTP/1.0\r\n",
            b"POST ",
            b"http://x/",
            b"%00",
            b"//",
        ),
        *(b"Content-Length: ", b"Transfer-Encoding: chunked", b"Connection: ", b"X-AIMux-Agent: ", b"X_AIMux_Route: "),
        *(b"X-Forwarded-For: ", b"Forwarded: ", b"Expect: 100-continue", b"Upgrade: ", b"TE: ", b"[::1]", b"\x16\x03"),
    ),
    longest=768,
)
