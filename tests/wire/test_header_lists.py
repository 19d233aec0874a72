"""Arbitrary lists of headers, in both directions: exactly the end-to-end ones pass, in order and as they came."""

import re
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.headers import Trace
from aimux.core.policy import Upstream
from aimux.wire.forwarding import Origin, client_head, upstream_head
from aimux.wire.http1 import HeadLimits, find_head, parse_head
from aimux.wire.response import ResponseHead, ResponseHeadLimits

LIMITS, RESPONSE_LIMITS = HeadLimits(), ResponseHeadLimits()
OWN = [b"X-AIMux-Route: finance", b"X-Request-ID: abc"]
UPSTREAM = Upstream("http://finance:8001", False, "finance", 8001, "")
TRACE = Trace("f" * 32, "e" * 16)
HOP_BY_HOP = set(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade http2-settings".split()
)
OF_A_REQUEST = set(
    b"host content-length expect x-request-id x-client-request-id x-upstream-request-id traceparent tracestate"
    b" forwarded x-forwarded x-original-forwarded-for x-real-ip proxy".split()
)
OF_A_RESPONSE = {b"content-length", b"x-request-id", b"request-id", b"x-upstream-request-id"}
CALLERS_IDS = (b"x-request-id", b"x-client-request-id")
KNOWN = [
    *sorted(HOP_BY_HOP | OF_A_REQUEST | OF_A_RESPONSE),
    *(b"x-aimux-agent", b"x-aimux-route", b"x-aimux-", b"x-aimux", b"x-forwarded-for", b"x-forwarded-port", b"accept"),
    *(b"cookie", b"set-cookie", b"x-secret", b"x-source-agent", b"content-type", b"authorization"),
]
# Framing and Host decide how a request is read, so a list of these is not arbitrary; other tests have them.
FRAMING = {b"host", b"content-length", b"transfer-encoding"}
RUN = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def names(draw):
    """Names as people write them, and as those do who would smuggle: in any case, with underscores for hyphens."""
    token = st.text("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+.^`|~-_", min_size=1, max_size=12).map(str.encode)
    name = draw(st.sampled_from(KNOWN) | token)
    name = bytes(ord("_") if byte == ord("-") and draw(st.integers(0, 5)) == 0 else byte for byte in name)
    return draw(st.sampled_from([name, name, name.title(), name.upper()]))


values = st.sampled_from(
    [b"", b"a", b"a  b", b"\xe9\xff", b'"x", y', b"close", b"X-Secret", b"keep-alive, cookie , x-y"]
)
some = names() | st.sampled_from(
    [
        *(b"Connection", b"Connection", b"connection", b"X-Secret", b"X-Secret", b"x_secret", b"Cookie", b"Cookie"),
        *(b"X-Request-ID", b"x-client-request-id"),
    ]
)
lists = st.lists(st.tuples(some, values), max_size=8)


def options(headers):
    return {
        option.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for option in value.split(b",")
    }


def test_what_reaches_the_upstream():
    reached = Counter()

    @RUN
    @given(lists)
    def check(headers):
        headers = [(name, value) for name, value in headers if name.lower() not in FRAMING]
        lines = [name + b": " + value for name, value in headers]
        raw = b"\r\n".join([b"GET / HTTP/1.1", b"Host: gateway", *lines, b"", b""])
        head = parse_head(raw[: find_head(raw, LIMITS)], LIMITS)
        origin = Origin("192.0.2.7")
        sent = upstream_head(head, UPSTREAM, agent="bee", own=OWN, trace=TRACE, origin=origin, length=0)
        named = options(headers)
        expected = []
        for (name, _), line in zip(headers, lines, strict=True):
            plain = re.sub(rb"[^a-z0-9]", b"-", name.lower())
            stopped = plain in HOP_BY_HOP | OF_A_REQUEST or plain.startswith((b"x-aimux-", b"x-forwarded-"))
            dropped = bool({name.lower(), plain} & named)
            if not stopped and not dropped:
                expected.append(line)
            reached["stopped" if stopped else "named by Connection" if dropped else "passed"] += 1
        # The caller's id of the request: the one of its own header, else what it says to the provider.
        ids = [[value for name, value in headers if name.lower() == key] for key in CALLERS_IDS]
        taken = [values[0] for values in ids if len(values) == 1 and values[0] and values[0].isascii()][:1]
        reached["its id"] += len(taken)
        assert sent.split(b"\r\n") == [
            *(b"GET / HTTP/1.1", b"Host: finance:8001", *expected, b"X-AIMux-Agent: bee", *OWN),
            *(b"X-Client-Request-ID: " + value for value in taken),
            *(b"traceparent: " + TRACE.traceparent, b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-Proto: http"),
            *(b"X-Forwarded-Host: gateway", b"", b""),
        ]

    check()
    assert min(reached[what] for what in ("stopped", "named by Connection", "passed", "its id")) > 20, reached


def test_what_reaches_the_client():
    reached = Counter()

    @RUN
    @given(lists)
    def check(headers):
        named = options(headers)
        expected = []
        for name, value in headers:
            plain = re.sub(rb"[^a-z0-9]", b"-", name.lower())
            stopped = plain in HOP_BY_HOP | OF_A_RESPONSE or plain.startswith(b"x-aimux-")
            dropped = bool({name.lower(), plain} & named)
            if not stopped and not dropped:
                expected.append(name + b": " + value)
            reached["stopped" if stopped else "named by Connection" if dropped else "passed"] += 1
        head = ResponseHead()
        head.add(headers, RESPONSE_LIMITS)
        sent = client_head(200, b"OK", head.for_client(), OWN)
        assert sent.split(b"\r\n") == [b"HTTP/1.1 200 OK", *expected, *OWN, b"", b""]

    check()
    assert min(reached[what] for what in ("stopped", "named by Connection", "passed")) > 20, reached
