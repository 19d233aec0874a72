"""The way back of requests that came by a prefix: addresses in the response keep the client below it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_support.heads import parsed, raw

from aimux.core.policy import Upstream
from aimux.core.prefixes import PrefixTable
from aimux.core.reason import Failure, Reason
from aimux.wire.forwarding import Origin, asked_at, upstream_target
from aimux.wire.prefixes import without_prefix
from aimux.wire.redirects import Kept, kept_at_gateway

TABLE = PrefixTable((("/files", "files"), ("/files/private", "private"), ("/other", "other")))
PLAIN = Upstream("http://up:1", False, "up", 1, "")
BASED = Upstream("http://up:1/base", False, "up", 1, "/base")
PRM = b"/.well-known/oauth-protected-resource"


def back(value, upstream=BASED, target=b"/files/a/b?c", name=b"location", status=307):
    """The value of a header at the client. Raises Failure."""
    head = without_prefix(parsed(raw(start=b"GET " + target + b" HTTP/1.1", host=b"Host: gw")), TABLE)
    asked = asked_at(head, Kept(upstream, frozenset({"q"}), TABLE), Origin("192.0.2.7"))
    assert asked.target == upstream_target(head, upstream)
    ((_, line),) = kept_at_gateway([(name, name + b": " + value)], status, asked)
    return line[len(name) + 2 :]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"http://up:1/base/x/", b"/files/x/"),
        (b"http://gw/base/x", b"/files/x"),
        (b"/base", b"/files"),
        (b"/base?x", b"/files?x"),
        (b"/base/", b"/files/"),
        (b"/base//x", b"/files//x"),
        (b"x", b"/files/a/x"),
        (b"../x", b"/files/x"),
        (b"?d", b"/files/a/b?d"),
        (b"#z", b"/files/a/b?c#z"),
        (b"/base/other/x", b"/files/other/x"),
        (PRM + b"/base/x", PRM + b"/files/x"),
        (PRM + b"/base", PRM + b"/files"),
        (b"/base" + PRM, b"/files" + PRM),
    ],
)
def test_a_redirect_stays_below_the_prefix(value, expected):
    assert back(value) == expected
    assert back(b"0; url=" + value, name=b"refresh", status=200) == b"0; url=" + expected
    assert back(b"<" + value + b">; rel=next", name=b"link", status=200) == b"<" + expected + b">; rel=next"


def test_a_link_header_is_rewritten_as_far_as_that_does_not_hold_others_up():
    links = back(b", ".join([b"</base/x>"] * 1000), name=b"link", status=200).split(b", ")
    assert [links.count(each) for each in (b"</files/x>", b"</base/x>")] == [100, 900]


@pytest.mark.parametrize(
    ("target", "value", "expected"),
    [
        (b"/files", b"/", b"/files/"),
        (b"/files", b"/base/x", b"/files/base/x"),
        (b"/files/a", b"//up:1//x", b"/files//x"),
        (PRM + b"/files/mcp", PRM + b"/mcp/", b"/files" + PRM + b"/mcp/"),
    ],
)
def test_where_there_is_no_base_path(target, value, expected):
    assert back(value, PLAIN, target) == expected


def test_relative_addresses_behind_a_document_are_made_absolute():
    assert back(b"y", target=PRM + b"/files/mcp", name=b"content-location") == PRM + b"/files/y"
    assert back(b"y", target=b"/files/a/b", name=b"content-location") == b"/files/a/y"
    assert back(b"y", target=b"/a/b", name=b"content-location") == b"y"


@pytest.mark.parametrize(
    ("target", "value"),
    [
        # Out of the base path, and to a document of another.
        *((b"/files/a", value) for value in (b"/x", b"/basement", b"/", PRM, PRM + b"/x", PRM + b"/basement")),
        (b"/files", b"x"),
        # To another route's prefix, or to what could be read as one, whichever way the request came.
        *((b"/files/a", b"/base" + value) for value in (b"/private", b"/private/x?y", b"/%70rivate/x", b"//private/x")),
        *((b"/a", b"/base" + value) for value in (b"/files/x", b"/other", b"/%66iles", PRM + b"/files", b"/files;a/x")),
        (b"/files/private/a", b"/x"),
        # `..` that a server may see.
        (b"/files/a", b"/base/%252e%252e/x"),
    ],
)
def test_a_redirect_to_another_route_is_refused(target, value):
    with pytest.raises(Failure) as caught:
        back(value, target=target)
    assert caught.value.reason is Reason.REDIRECT_REFUSED


def test_what_nobody_follows_goes_on_as_it_came_where_it_leads_elsewhere():
    for name, value in ((b"content-location", b"/base/private/x"), (b"link", b"</base/private/x>; rel=next")):
        assert back(value, name=name, status=200) == value


PIECES = st.sampled_from(["/", "a", "..", ".", "%2e", ";", "?", "#", "private", "%70rivate", "/base", "%2F"])


def test_whatever_is_followed_comes_back_to_the_same_route():
    seen = Counter()

    @given(st.lists(PIECES, max_size=6), st.sampled_from([b"/files/a", b"/files/private/a", PRM + b"/files/a"]))
    def check(pieces, target):
        try:
            found = back(b"/base" + "".join(pieces).encode(), target=target)
        except Failure:
            seen["refused"] += 1
            return
        seen["followed"] += 1
        again = without_prefix(parsed(raw(start=b"GET " + found.split(b"#")[0] + b" HTTP/1.1")), TABLE)
        assert again.address.prefix.path == (b"/files/private" if b"private" in target else b"/files")

    check()
    assert min(seen["refused"], seen["followed"]) > 10
