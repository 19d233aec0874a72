"""Addresses in responses: whatever an upstream writes leads the client to the gateway, or nowhere."""

import re
from collections import Counter
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.policy import Upstream
from aimux.core.reason import Failure, Reason
from aimux.wire.forwarding import Origin, asked_at
from aimux.wire.http1 import HeadLimits, parse_head
from aimux.wire.redirects import Asked, Kept, kept_at_gateway
from aimux.wire.references import read_reference, resolve, web_origin
from fuzz.targets.redirects import browser_host

PLAIN = Upstream("http://finance:8001", False, "finance", 8001, "")
BASED = Upstream("http://finance:8001/base", False, "finance", 8001, "/base")
SIX = Upstream("https://[2001:db8::1]", True, "2001:db8::1", 443, "")
SPEAKING = frozenset({"client_id", "q"})
HOSTS = (b"gateway:8080",)
ASKED = "http://gateway:8080/a/b?c"


def location(value, upstream=PLAIN, target=b"/a/b?c", status=307, name=b"location"):
    """The value of a header at the client. Raises Failure."""
    lines = [(b"date", b"Date: now"), (name, name.title() + b": " + value)]
    asked = Asked(Kept(upstream, SPEAKING), upstream.base_path.encode() + target, HOSTS)
    (_, date), (_, line) = kept_at_gateway(lines, status, asked)
    assert date == b"Date: now"
    assert line.startswith(name.title() + b": ")
    return line[len(name) + 2 :]


def refused(value, upstream=PLAIN, **more):
    with pytest.raises(Failure) as caught:
        location(value, upstream, **more)
    assert caught.value.reason is Reason.REDIRECT_REFUSED
    return caught.value


@pytest.mark.parametrize(
    ("value", "upstream", "expected"),
    [
        (b"http://finance:8001/x/", PLAIN, b"/x/"),
        (b"http://FINANCE:8001", PLAIN, b"/"),
        (b"http://finance:08001/x", PLAIN, b"/x"),
        (b"//finance:8001?x", PLAIN, b"/?x"),
        (b"https://gateway:8080/x", PLAIN, b"/x"),
        (b"//gateway:8080/x", PLAIN, b"/x"),
        (b"http://finance:8001/base/x?y#z", BASED, b"/x?y#z"),
        (b"/base/", BASED, b"/"),
        (b"x", BASED, b"/a/x"),
        (b"../base/../x", BASED, b"/x"),
        (b"#z", BASED, b"/a/b?c#z"),
        (b"https://[2001:DB8:0::1]/x", SIX, b"/x"),
        (b"https://[2001:db8::1]:443/x", SIX, b"/x"),
        (b"https://[2001:db8::1]:/x", SIX, b"/x"),
        (b"/x\xff y", PLAIN, b"/x%FF%20y"),
        (b"/x?u=http://evil/\\", PLAIN, b"/x?u=http://evil/\\"),
    ],
)
def test_an_address_of_the_upstream_is_a_path_at_the_gateway(value, upstream, expected):
    assert location(value, upstream) == expected


@pytest.mark.parametrize(
    ("value", "upstream", "host"),
    [
        (b"http://evil/x", PLAIN, "evil"),
        (b"http://user:secret@evil:1/x", PLAIN, "evil:1"),
        (b"https://finance:8001/x", PLAIN, "finance:8001"),
        (b"http://gateway/x", PLAIN, "gateway"),
        (b"http://finance:8001//evil", PLAIN, "finance:8001"),
        (b"\\\\evil\\x", PLAIN, "evil"),
        (b"/x", BASED, ""),
        (b"http://finance:8001/based", BASED, "finance:8001"),
        (b"http://[2001:db8::2]/x", SIX, "[2001:db8::2]"),
        (b"http://" + 300 * b"e", PLAIN, 253 * "e"),
    ],
)
def test_the_operator_reads_where_a_refused_redirect_leads_and_the_caller_does_not(value, upstream, host):
    failure = refused(value, upstream)
    assert failure.detail.endswith(f", host {host!r}") if host else "host" not in failure.detail
    assert "secret" not in failure.detail
    assert "evil" not in failure.message


@pytest.mark.parametrize(
    ("target", "value"),
    [
        (b"/a", b"/a/"),
        (b"/a?q=x+y&client_id=me", b"/a/?client_id=me&q=x%20y"),
        (b"/a?q=x&client_id=me", b"/a/?page=2"),
        (b"/a?q=x", b"?q=x&Q=y"),
        (b"/a?q=x", b""),
        (b"/a?q=gr%C3%B6%C3%9Fe", "/a/?q=gr\u00f6\u00dfe".encode()),
    ],
)
def test_a_redirect_may_repeat_what_the_request_says(target, value):
    assert location(value, target=target).startswith(b"/a")


@pytest.mark.parametrize(
    ("target", "value"),
    [
        (b"/a", b"/a?client_id=admin-bot"),
        (b"/a", b"http://finance:8001/?q=reset+the+database"),
        (b"/a?client_id=me", b"?client_id=admin-bot"),
        (b"/a?client_id=me", b"?client_id=me&client_id=admin-bot"),
        (b"/a?q=x", b"?%71=y"),
        (b"/a?q=x", b"?a=b&q="),
        (b"/a", b"?a;b&client%5Fid=admin-bot#c"),
    ],
)
def test_a_redirect_never_speaks_for_the_client(target, value):
    refused(value, target=target)
    refused(b"0; url=" + value, target=target, name=b"refresh", status=200)


def test_one_address_is_enough():
    asked = Asked(Kept(PLAIN), b"/", HOSTS)
    for names in ((b"location", b"location"), (b"refresh", b"refresh")):
        with pytest.raises(Failure):
            kept_at_gateway([(name, name + b": /") for name in names], 302, asked)
    twice = [(b"location", b"Location: /"), (b"location", b"Location: /")]
    assert kept_at_gateway(twice, 201, asked) == twice


def test_the_gateway_is_called_as_the_upstream_was_told():
    lines = [b"GET /a HTTP/1.1", b"Host: gateway", b"X-Forwarded-Host: outer, middle:1", b"X-Forwarded-Host: inner"]
    head = parse_head(b"\r\n".join((*lines, b"", b"")), HeadLimits())
    assert asked_at(head, Kept(BASED), Origin("-")) == Asked(Kept(BASED), b"/base/a", (b"gateway",))
    assert asked_at(head, Kept(BASED), Origin("-", trusted=True)).hosts == (b"outer", b"middle:1", b"inner")
    nameless = parse_head(b"GET /a HTTP/1.0\r\n\r\n", HeadLimits())
    assert asked_at(nameless, Kept(PLAIN), Origin("-")).hosts == ()


PIECES = st.sampled_from(
    [
        *("http:", "https:", "HTTP:", "//", "/", "\\", "///", ":", "@", "?", "#", "..", ".", "%2e", "%2F", "%5c", ";"),
        *("finance", "finance:8001", "gateway:8080", "gateway", "evil", "evil:80", "base", "/base", "/base/", "[::1]"),
        *("javascript:", "\t", "\n", " ", "\x00", "\x0b", "caf\xe9", "x", "//evil", "/\\evil", "/..//", "0;", "url="),
    ]
)
WRITTEN = st.one_of(
    st.lists(PIECES, max_size=6).map("".join),
    st.tuples(st.sampled_from(["http://finance:8001", "http://gateway:8080", "/base", ""]), st.lists(PIECES)).map(
        lambda parts: parts[0] + "".join(parts[1])
    ),
)


def hosts(text):
    """The host that each kind of client asks next, for an address that it was given."""
    yield browser_host(text)
    yield urlsplit(urljoin(ASKED, text)).netloc
    yield httpx2.URL(ASKED).join(text).netloc.decode()


def test_nothing_that_an_upstream_writes_leads_past_the_gateway():
    reached = Counter()

    @settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(WRITTEN, st.sampled_from([PLAIN, BASED]), st.sampled_from(["location", "refresh"]))
    def check(text, upstream, name):
        value = ("0;" + text if name == "refresh" else text).encode("latin-1").strip(b" \t")
        try:
            found = location(value, upstream, name=name.encode())
        except Failure:
            reached["refused"] += 1
            return
        led = found.decode("ascii")
        if name == "refresh":
            if led == "0":
                return
            led = led.removeprefix("0; url=")
        assert re.match(r"/(?![/\\])", led), led
        assert set(hosts(led)) == {"gateway:8080"}, led
        reached["kept, as it was" if led == text else "kept, otherwise"] += 1

    check()
    assert min(reached[what] for what in ("refused", "kept, as it was", "kept, otherwise")) > 20, reached


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(WRITTEN)
def test_an_address_that_nobody_follows_is_the_gateways_or_as_it_came(text):
    value = text.encode("latin-1").strip(b" \t")
    for name, status in ((b"content-location", 307), (b"location", 201)):
        found = location(value, BASED, name=name, status=status)
        assert found == value or re.match(rb"/(?![/\\])", found)
    linked = location(
        b"<" + value.replace(b">", b"").replace(b"<", b"") + b'>; a="<http://finance:8001/base/>"', BASED, name=b"link"
    )
    assert linked.endswith(b'>; a="<http://finance:8001/base/>"')


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "c.", "...", "a%2fb"]), max_size=8))
def test_dots_are_taken_out_as_urllib_does(segments):
    path = "/".join(segments)
    if path.startswith("/"):  # urllib reads an authority there
        return
    found, _ = resolve(read_reference(path.encode()) or pytest.fail(path), b"/x/y")
    # urllib has no empty segments but the last.
    if "" not in segments[:-1]:
        assert found.decode() == (urlsplit(urljoin("http://h/x/y", path)).path or "/")


@pytest.mark.parametrize(
    "authority", [b"", b":80", b"a:b", b"a@b", b"a:80:80", b"[::1", b"[::g]", b"a:123456", b"[::1]x"]
)
def test_what_names_no_origin(authority):
    assert web_origin(b"http", authority) is None
    assert web_origin(b"ftp", b"a") is None
