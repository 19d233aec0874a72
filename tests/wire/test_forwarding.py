"""What the gateway writes to upstreams and clients: where a request goes, and exactly which header lines go with it."""

import re
from collections import Counter
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

import h11
import httptools
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.headers import Trace
from aimux.core.policy import Access, Route, Upstream
from aimux.core.reason import Failure, Reason
from aimux.wire.forwarding import Origin, client_head, phrase_of, route_line, upstream_head, upstream_target
from aimux.wire.http1 import CHUNKED, HeadLimits, find_head, parse_head

LIMITS = HeadLimits()
TRACE = Trace("f" * 32, "e" * 16)
PLAIN = Upstream("http://finance:8001", False, "finance", 8001, "")
BASED = Upstream("http://finance:8001/base/v2", False, "finance", 8001, "/base/v2")
FINANCE = Route("finance", PLAIN, Access.OPEN)
PEER = Origin("192.0.2.7")
PROXY = Origin("192.0.2.7", trusted=True)


def head_of(*lines, target=b"/", method=b"POST", host=b"gateway:8080"):
    data = b"\r\n".join((method + b" " + target + b" HTTP/1.1", b"Host: " + host, *lines, b"", b""))
    return parse_head(data[: find_head(data, LIMITS)], LIMITS)


def sent(*lines, upstream=PLAIN, agent=None, origin=PEER, length=0, trace=TRACE, **request):
    """The lines of the request's head at the upstream, the request line first."""
    data = upstream_head(
        head_of(*lines, **request),
        upstream,
        agent=agent,
        own=[route_line(FINANCE), b"X-Request-ID: abc"],
        trace=trace,
        origin=origin,
        length=length,
    )
    assert data.endswith(b"\r\n\r\n")
    return data[:-4].split(b"\r\n")


OWN = [b"X-AIMux-Route: finance", b"X-Request-ID: abc", b"traceparent: 00-" + b"f" * 32 + b"-" + b"e" * 16 + b"-01"]
CONNECTION = [b"X-Forwarded-For: 192.0.2.7", b"X-Forwarded-Proto: http", b"X-Forwarded-Host: gateway:8080"]


# The target


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/v1/a?b", b"/base/v2/v1/a?b"),
        (b"/", b"/base/v2/"),
        (b"//evil/x", b"/base/v2//evil/x"),
        (b"/?next=http://evil/", b"/base/v2/?next=http://evil/"),
        (b"/a?../../b", b"/base/v2/a?../../b"),
        (b"/a/./b", b"/base/v2/a/./b"),
        (b"/...", b"/base/v2/..."),
        (b"/a..b/..c/d..", b"/base/v2/a..b/..c/d.."),
        (b"/%41%2f%20", b"/base/v2/%41%2f%20"),
        (b"/caf%c3%a9/%c0", b"/base/v2/caf%c3%a9/%c0"),
        (b"http://gateway:8080/v1", b"/base/v2/v1"),
        (b"http://gateway:8080?a", b"/base/v2/?a"),
    ],
)
def test_the_target_is_the_base_path_and_the_requests_own_text(target, expected):
    assert upstream_target(head_of(target=target), BASED) == expected
    assert sent(target=target, upstream=BASED)[0] == b"POST " + expected + b" HTTP/1.1"


@pytest.mark.parametrize("target", [b"/", b"//evil/x", b"/a/../b?c", b"/%2e%2e/x", b"/..;/x", b"/a//..//b?q=%20"])
def test_without_a_base_path_the_target_is_untouched(target):
    assert upstream_target(head_of(target=target), PLAIN) == target


@pytest.mark.parametrize(
    "target",
    [
        *(b"/..", b"/../x", b"/a/..", b"/a/../..", b"/a/../b", b"/..//", b"//..", b"/..?q", b"/%2e%2e/x", b"/%2E./x"),
        *(b"/.%2e", b"/a%2f..%2fb", b"/a/%2e%2e%2f", b"/%252e%252e/x", b"/%25%32%65%25%32%65/x", b"/..%2f", b"/..%5cx"),
        *(b"/a%5c..%5cb", b"/%252e%252e%255c", b"/..;a=b/x", b"/..%3bx/y", b"/..;", b"/%25252525252e./"),
        *(b"http://gateway:8080/..", b"/..%3fx", b"/..%23x", b"/%c0%ae%c0%ae/x", b"/.%c0%ae/", b"/%e0%80%ae./x"),
        *(b"/%f0%80%80%ae./x", b"/..%c0%afx", b"/..%c1%9cx", b"/%25c0%25ae./x", b"/.%09./x", b"/.%0d%0a./x"),
        *(b"/..%20/x", b"/..%e0%80%afx", b"/..%f0%80%81%9cx"),
    ],
)
def test_dots_that_could_lead_out_of_the_base_path_are_refused(target):
    with pytest.raises(Failure) as caught:
        upstream_target(head_of(target=target), BASED)
    assert caught.value.reason is Reason.BAD_REQUEST
    with pytest.raises(Failure):
        sent(target=target, upstream=BASED)


def test_a_path_that_is_encoded_over_and_over_is_refused_before_it_costs_much():
    assert upstream_target(head_of(target=b"/%" + b"25" * 8 + b"x"), BASED).endswith(b"x")
    for target in (b"/%" + b"25" * 9 + b"x", b"/%" + b"25" * 4000):
        with pytest.raises(Failure) as caught:
            upstream_target(head_of(target=target), BASED)
        assert caught.value.reason is Reason.BAD_REQUEST
        assert upstream_target(head_of(target=target), PLAIN) == target


def escapes(path, base):
    """Whether a path, once decoded as often as anybody could, resolves to something outside of the base path."""
    while (decoded := unquote_to_bytes(path)) != path:
        path = decoded
    path = path.replace(b"\xc0\xae", b".").replace(b"\xc0\xaf", b"/").replace(b"\t", b"")
    resolved = []
    for segment in path.replace(b"\\", b"/").split(b"/"):
        name = re.split(rb"[;?#]", segment)[0]
        if name == b"..":
            if not resolved:
                return True
            resolved.pop()
        elif name not in {b"", b"."}:
            resolved.append(name)
    wanted = [part for part in base.split(b"/") if part]
    return resolved[: len(wanted)] != wanted


def test_no_path_leads_out_of_the_base_path():
    reached = Counter()
    pieces = (
        b"/ // . .. a b ; ;x %2e %2E %2f %5c %252e %252f %25%32%65 %3b ..%2f %c0%ae %09 base v2 ? ?.. evil:80 @".split()
    )
    paths = st.lists(st.sampled_from(pieces), max_size=9).map(lambda p: b"/" + b"".join(p))

    @settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(paths)
    def check(target):
        head = head_of(target=target)
        try:
            found = upstream_target(head, BASED)
        except Failure:
            reached["refused, it leads out" if escapes(b"/base/v2" + head.path, b"/base/v2") else "refused"] += 1
            return
        assert found == b"/base/v2" + target
        assert not escapes(found.partition(b"?")[0], b"/base/v2")
        reached["kept, with dots" if b".." in target else "kept"] += 1

    check()
    assert min(reached[what] for what in ("refused, it leads out", "refused", "kept", "kept, with dots")) > 10, reached


# The request's header lines


def test_a_plain_request():
    assert sent(b"Accept: */*", method=b"GET") == [
        *(b"GET / HTTP/1.1", b"Host: finance:8001", b"Accept: */*"),
        *OWN,
        *CONNECTION,
    ]


def test_the_agent_is_named_where_there_is_one():
    assert b"X-AIMux-Agent: finance-bot" in sent(agent="finance-bot")
    assert not [line for line in sent(b"X-AIMux-Agent: forged") if b"agent" in line.lower()]


def test_end_to_end_lines_are_passed_on_in_order_as_received():
    lines = [
        b"x-ONE:a",
        b"Accept:  x ",
        b"X-Two: b",
        b"x-one: c",
        b"Cookie: d",
        b"Content-Encoding: gzip",
        b"X-Source-Agent: e",
    ]
    assert sent(*lines)[2 : 2 + len(lines)] == lines


FORGED = [
    *(b"X-AIMux-Agent: admin-bot", b"x-aimux-route: admin", b"X-AIMUX-Anything: x", b"X_AIMux_Agent: admin-bot"),
    *(b"X-Aimux_Agent: admin-bot", b"X-Request-ID: mine", b"X_Request_ID: mine", b"X-Forwarded-For: 10.0.0.1"),
    *(b"X_Forwarded_For: 10.0.0.1", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: evil", b"X-Forwarded-Port: 1"),
    *(b"Forwarded: for=10.0.0.1", b"X-Real-IP: 10.0.0.1", b"traceparent: garbage", b"tracestate: a=b"),
    *(b"Content_Length: 7", b"Transfer_Encoding: chunked", b"Expect: 100-continue", b"Keep-Alive: timeout=5"),
    *(b"TE: trailers", b"Trailer: x", b"Upgrade: h2c", b"HTTP2-Settings: x", b"Proxy-Authorization: Basic x"),
    *(b"Proxy-Connection: close", b"Connection: x-secret, Close", b"X-Secret: 1", b"X_Secret: 1"),
]


def test_what_a_caller_forges_does_not_reach_the_upstream():
    wanted = [*OWN[:2], b"X-Client-Request-ID: mine", *OWN[2:]]
    assert sent(*FORGED, method=b"GET") == [b"GET / HTTP/1.1", b"Host: finance:8001", *wanted, *CONNECTION]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"X-Request-ID: a"], b"a"),
        ([b"X-Client-Request-ID: b"], b"b"),
        ([b"X-Client-Request-ID: b", b"X-Request-ID: a"], b"a"),
        ([b"X-Request-ID: a", b"X-Request-ID: c", b"X-Client-Request-ID: b"], b"b"),
        ([b"X-Request-ID: " + b"x" * 129], None),
        ([b"X-Request-ID: \xe9"], None),
        ([b"X-Request-ID:"], None),
        ([b"X_Request_ID: a"], None),
        ([b"X-Upstream-Request-ID: a"], None),
    ],
)
def test_the_upstream_hears_what_the_caller_calls_the_request_under_another_name(lines, expected):
    found = [line for line in sent(*lines) if b"request-id" in line.lower() or b"request_id" in line.lower()]
    given = [] if expected is None else [b"X-Client-Request-ID: " + expected]
    assert found == [b"X-Request-ID: abc", *given]


@pytest.mark.parametrize(
    ("lines", "length", "expected"),
    [
        ([], 0, []),
        ([b"Content-Length: 0"], 0, [b"Content-Length: 0"]),
        ([b"Content-Length: 5"], 5, [b"Content-Length: 5"]),
        ([b"Content-Length: 005"], 5, [b"Content-Length: 5"]),
        ([b"Transfer-Encoding: chunked"], CHUNKED, [b"Transfer-Encoding: chunked"]),
        ([b"Transfer-Encoding: chunked"], 12, [b"Content-Length: 12"]),
        ([b"Transfer-Encoding: chunked"], 0, [b"Content-Length: 0"]),
    ],
)
def test_the_framing_is_the_one_that_will_be_sent(lines, length, expected):
    framing = [line for line in sent(*lines, length=length) if line.lower().startswith((b"content-l", b"transfer"))]
    assert framing == expected


def test_host_is_the_upstreams():
    secure = Upstream("https://finance", True, "finance", 443, "")
    assert sent(upstream=secure)[1] == b"Host: finance"
    assert sent(upstream=Upstream("http://[::1]:8001", False, "::1", 8001, ""))[1] == b"Host: [::1]:8001"
    assert len([line for line in sent() if line.lower().startswith(b"host:")]) == 1


def test_forwarding_lines_are_kept_from_a_trusted_proxy_and_its_address_is_added():
    found = sent(
        *(b"X-Forwarded-For: 10.0.0.1, 10.0.0.2", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: public.example"),
        *(
            b"X-Forwarded-For: 10.0.0.3",
            b"X-Forwarded-Port: 443",
            b"Forwarded: for=10.0.0.1",
            b"X_Forwarded_For: 6.6.6.6",
        ),
        origin=PROXY,
    )
    assert found[2:] == [
        *OWN,
        *(b"X-Forwarded-Proto: https", b"X-Forwarded-Host: public.example", b"X-Forwarded-Port: 443"),
        *(b"Forwarded: for=10.0.0.1", b"X-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.7"),
    ]


def test_a_trusted_proxy_that_says_nothing_is_the_caller():
    assert set(sent(origin=PROXY)[2:]) == {*OWN, *CONNECTION}


def test_the_forwarded_address_may_be_ipv6():
    assert b"X-Forwarded-For: 2001:db8::7" in sent(origin=Origin("2001:db8::7"))


def test_a_continued_trace_keeps_its_state():
    continued = Trace("a" * 32, "e" * 16, "00", "b" * 16)
    lines = [b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-00", b"tracestate: x=1", b"TraceState: y=2"]
    found = sent(*lines, trace=continued)
    assert [line for line in found if line.lower().startswith(b"trace")] == [
        b"traceparent: 00-" + b"a" * 32 + b"-" + b"e" * 16 + b"-00",
        b"tracestate: x=1",
        b"TraceState: y=2",
    ]


NAMES = st.sampled_from(
    b"Accept X-One x-two X_Three X-AIMux-Agent x_aimux_route Connection Keep-Alive TE Upgrade X-Forwarded-For Forwarded"
    b" X-Request-ID traceparent X-Secret Host_ Content_Length".split()
)
VALUES = st.sampled_from([b"", b"a", b"close", b"x-one", b"X-Two , x_three", b"a  b", b"\xe9", b"keep-alive, x-secret"])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(NAMES, VALUES).map(b": ".join), max_size=8),
    st.sampled_from([(b"", 0), (b"Content-Length: 3", 3), (b"Transfer-Encoding: chunked", CHUNKED)]),
    st.sampled_from([PEER, PROXY]),
    st.sampled_from([PLAIN, BASED]),
)
def test_what_is_sent_is_one_request_to_any_parser(lines, framing, origin, upstream):
    line, length = framing
    found = sent(*lines, *([line] if line else []), origin=origin, upstream=upstream, agent="bee", length=length)
    data = b"\r\n".join((*found, b"", b"")) + (b"3\r\nabc\r\n0\r\n\r\n" if length == CHUNKED else b"abc"[:length])
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    request = connection.next_event()
    body = b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += bytes(event.data)
    assert isinstance(event, h11.EndOfMessage)
    assert body == (b"abc" if length else b"")
    httptools.HttpRequestParser(object()).feed_data(data)
    names = [bytes(name) for name, _ in request.headers]
    for own in (b"host", b"x-aimux-agent", b"x-aimux-route", b"x-request-id", b"traceparent", b"x-forwarded-for"):
        assert names.count(own) == 1
    assert dict(request.headers)[b"x-aimux-agent"] == b"bee"
    assert not {name.replace(b"_", b"-") for name in names} & {b"connection", b"keep-alive", b"te", b"upgrade"}
    assert not [
        name for name in names if b"_" in name and name.replace(b"_", b"-").startswith((b"x-aimux", b"content"))
    ]


# The response's head


def test_a_response_head_is_what_is_passed_on_and_what_is_our_own():
    assert client_head(200, b"Fine", [b"Content-Type: text/html", b"X-Empty: "], [b"X-AIMux-Route: finance"]) == (
        b"HTTP/1.1 200 Fine\r\nContent-Type: text/html\r\nX-Empty: \r\nX-AIMux-Route: finance\r\n\r\n"
    )
    assert client_head(502, b"", [], []) == b"HTTP/1.1 502 \r\n\r\n"


def test_phrases_are_the_standard_ones():
    assert {status.value: phrase_of(status) for status in HTTPStatus} == {
        status.value: status.phrase.encode() for status in HTTPStatus
    }
    assert phrase_of(499) == phrase_of(799) == b""


@pytest.mark.parametrize(("origin", "lines"), [(PEER, ()), (PROXY, (b"X-Forwarded-Proto: https",))])
def test_who_names_no_host_is_not_given_one(origin, lines):
    data = b"\r\n".join((b"GET / HTTP/1.0", *lines, b"", b""))
    head = parse_head(data, LIMITS)
    found = upstream_head(head, PLAIN, agent=None, own=[], trace=TRACE, origin=origin, length=0).lower()
    assert b"\r\nhost: finance:8001\r\n" in found
    assert b"x-forwarded-host" not in found
    assert found.count(b"x-forwarded-proto") == 1
