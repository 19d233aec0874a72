"""Routes addressed by a prefix: what comes off, what reaches the upstream, and which spellings are refused."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_support.heads import parsed, raw

from aimux.core.policy import IdentitySources, Upstream
from aimux.core.prefixes import PrefixTable
from aimux.core.reason import Failure, Reason
from aimux.core.request import ChosenBy, Protocol
from aimux.wire.dialects import read_opening
from aimux.wire.forwarding import upstream_target
from aimux.wire.heads import HeadReader
from aimux.wire.http1 import HeadLimits
from aimux.wire.prefixes import address_of, path_at_gateway, prefix_route, without_prefix

TABLE = PrefixTable((("/files", "files"), ("/files/private", "private")))
PLAIN = Upstream("http://files:8001", False, "files", 8001, "")
BASED = Upstream("http://files:8001/base/v2", False, "files", 8001, "/base/v2")
SOURCES = IdentitySources()
PRM, ASM = b"/.well-known/oauth-protected-resource", b"/.well-known/oauth-authorization-server"
OIDC, CARD = b"/.well-known/openid-configuration", b"/.well-known/agent-card.json"


def head_of(target, *lines):
    return parsed(raw(*lines, start=b"POST " + target + b" HTTP/1.1"))


def reached(target, upstream=PLAIN, table=TABLE):
    """The route that a target addresses, and the target at the upstream."""
    head = without_prefix(head_of(target), table)
    return head.address and head.address.prefix.route, upstream_target(head, upstream)


@pytest.mark.parametrize(
    ("target", "plain", "based"),
    [
        (b"/files/v1/x", b"/v1/x", b"/base/v2/v1/x"),
        (b"/files", b"/", b"/base/v2"),
        (b"/files?x", b"/?x", b"/base/v2?x"),
        (b"/files?", b"/?", b"/base/v2?"),
        (b"/files/", b"/", b"/base/v2/"),
        (b"/files/?x", b"/?x", b"/base/v2/?x"),
        (b"/files//x", b"//x", b"/base/v2//x"),
        (b"/files/a%20b/%C3%A9?../%66", b"/a%20b/%C3%A9?../%66", b"/base/v2/a%20b/%C3%A9?../%66"),
        (b"/files/a%2Fb;c=d/e.", b"/a%2Fb;c=d/e.", b"/base/v2/a%2Fb;c=d/e."),
        (b"/files/./x", b"/./x", b"/base/v2/./x"),
        (b"/files/files/x", b"/files/x", b"/base/v2/files/x"),
        (b"/files/privates", b"/privates", b"/base/v2/privates"),
        (b"http://x/files/y?z", b"/y?z", b"/base/v2/y?z"),
        (b"/files" + PRM, PRM, b"/base/v2" + PRM),
        (b"/files" + CARD, CARD, b"/base/v2" + CARD),
        (PRM + b"/files", PRM, PRM + b"/base/v2"),
        (PRM + b"/files/", PRM + b"/", PRM + b"/base/v2/"),
        (ASM + b"/files/mcp?a", ASM + b"/mcp?a", ASM + b"/base/v2/mcp?a"),
        (OIDC + b"/files/mcp", OIDC + b"/mcp", OIDC + b"/base/v2/mcp"),
        (CARD + b"/files", CARD, b"/base/v2" + CARD),
        (CARD + b"/files/", CARD, b"/base/v2" + CARD),
        (CARD + b"/files/x?y", b"/x" + CARD + b"?y", b"/base/v2/x" + CARD + b"?y"),
    ],
)
def test_what_the_upstream_sees(target, plain, based):
    assert reached(target) == ("files", plain)
    assert reached(target, BASED) == ("files", based)


def test_the_longest_prefix_wins():
    assert reached(b"/files/private/x") == ("private", b"/x")
    assert reached(PRM + b"/files/private/x") == ("private", PRM + b"/x")


@pytest.mark.parametrize(
    "target",
    [
        *(
            b"/",
            b"/filesx",
            b"/FILES/x",
            b"/x/files",
            b"/file%73x/y",
            b"/v1/x?/files/y",
            b"/x/%2e%2e/y",
            b"/a;b/c",
            b"//x",
        ),
        *(PRM, PRM + b"/", PRM + b"/x", PRM + b"/filesx", PRM + b"x/files", b"/.well-known/change-password/files"),
        *(b"/.well-known", b"/.well-known/", b"/.well-known/files", b"/a%2Fb/%20", b"/.files/x", b"/x//y"),
    ],
)
def test_what_no_prefix_begins_stays_as_it_is(target):
    head = head_of(target)
    assert without_prefix(head, TABLE) is head
    assert upstream_target(head, PLAIN) == target


@pytest.mark.parametrize(
    "target",
    [
        *(b"/%66iles/x", b"/%66iles", b"/%2566iles/x", b"/files%2Fx", b"/%2Ffiles/x", b"/files%3Fx", b"/files%20/x"),
        *(b"/x/../files/y", b"/./files/y", b"/x/%2e%2e/files", b"/x/..;/files/y", b"/x/%2E./files", b"/../files"),
        *(b"//files/x", b"///files", b"/x//../files/y", b"/x//../../files/y", b"/;/files/x", b"/;a/files/x"),
        *(b"/files;a/x", b"/files;a", b"/;x=y/../files", b"/files%3Ba/x", b"/%5Cfiles/x", b"/x%5C..%5Cfiles/y"),
        *(b"/x/%252e%252e/files/y", b"/x/%c0%ae%c0%ae/files/y", b"/x%c0%affiles/%2e%2e/../files", b"/%09files/x"),
        # One behind a prefix that others would take for another route's.
        *(
            b"/files//private/x",
            b"/files/./private",
            b"/files/%70rivate/x",
            b"/files/private%2Fx",
            b"/files/private;a/x",
        ),
        *(b"/files%2Fprivate/x", b"/files/x%2F..%2Fprivate"),
        # The well-known forms.
        *(b"/%2ewell-known/oauth-protected-resource/files", b"//.well-known/oauth-protected-resource/files"),
        *(PRM + b"/%66iles", PRM + b"//files", PRM + b"/x/../files", PRM + b"/files%2Fprivate", CARD + b"/%66iles/x"),
        b"/.well-known/x/../oauth-protected-resource/files",
        # Resolved, or cut off, before the rest is decoded.
        *(b"/x%2fy/../%66iles/z", b"/x%2Fy/%2e%2E/files", b"/a/..;%2fb/%66iles/x", b"/;%2fq/%66iles"),
        *(b"/x%2fy/../.well-known/oauth-protected-resource/files", b"/x%252fy%2f../%66iles", b"/.%3ba%5cb/%66iles"),
    ],
)
def test_another_spelling_of_a_prefix_is_refused(target):
    with pytest.raises(Failure) as caught:
        without_prefix(head_of(target), TABLE)
    assert caught.value.reason is Reason.BAD_REQUEST
    assert "prefix" in caught.value.message


@pytest.mark.parametrize(
    "rest",
    [
        *(b"/..", b"/../x", b"/a/..", b"/a/../b", b"/%2e%2e/x", b"/%2E./x", b"/.%2e", b"/%252e%252e/x", b"/..;/x"),
        *(b"/..%2fx", b"/..%5cx", b"/a/..%3b/x", b"/%c0%ae%c0%ae/x", b"/..%20/x", b"/%09../x", b"/..%3Fx"),
    ],
)
@pytest.mark.parametrize("before", [b"/files", PRM + b"/files", CARD + b"/files"])
def test_dots_that_climb_behind_a_prefix_are_refused(before, rest):
    with pytest.raises(Failure) as caught:
        without_prefix(head_of(before + rest), TABLE)
    assert caught.value.reason is Reason.BAD_REQUEST


def test_an_endless_encoding_is_refused():
    with pytest.raises(Failure, match="too many ways"):
        without_prefix(head_of(b"/%" + b"25" * 200 + b"41/x"), TABLE)


def test_a_path_that_can_be_read_in_too_many_ways_is_refused():
    assert without_prefix(head_of(b"/x/a%2fb//c;d/./%20%41"), TABLE).address is None
    with pytest.raises(Failure, match="encode it once"):
        without_prefix(head_of(b"/x" + b"/a%252fb//c;%2fd/.%2e;%253b%20" * 270), TABLE)


@pytest.mark.parametrize("name", [b"a" * 4000, b"%41" * 2000, b"/" * 8000, b"/." * 4000, b";" * 8000])
def test_long_paths_are_read(name):
    assert without_prefix(head_of(b"/x" + name), TABLE).address is None


PIECES = st.sampled_from(
    ["/", "files", "private", "x", ".", "..", "%2e", "%2F", ";a", "%66", "%25", "//", ".well-known/", "base", "v2", "a"]
)
DOCUMENTS = st.sampled_from(["", "/.well-known/oauth-protected-resource", "/.well-known/agent-card.json"])
FIRST = st.sampled_from(["/files", "/files/private", "/x", "", "/%66iles"])
TARGETS = st.tuples(DOCUMENTS, FIRST, st.lists(PIECES, max_size=6)).map(
    lambda made: f"{made[0]}{made[1]}/{'/'.join(made[2])}"
)


def resolved(path):
    kept = []
    for part in path.split(b"/"):
        if part == b"..":
            del kept[-1:]
        elif part not in {b".", b""}:
            kept.append(part)
    return b"/" + b"/".join(kept)


def outcome_of(target, upstream):
    """What becomes of a target: `refused`, `no prefix`, or the upstream's target and what it addresses."""
    try:
        head = without_prefix(head_of(target), TABLE)
        return "no prefix" if head.address is None else (upstream_target(head, upstream), head.address)
    except Failure:
        return "refused"


def test_no_prefix_leads_out_of_the_base_path():
    seen = Counter()

    @settings(max_examples=500, database=None)
    @given(TARGETS, st.sampled_from([PLAIN, BASED]))
    def check(target, upstream):
        found = outcome_of(target.encode(), upstream)
        seen[found if isinstance(found, str) else found[1].inserted or "addressed"] += 1
        if isinstance(found, str):
            return
        (sent, address), base = found, upstream.base_path.encode()
        assert sent.startswith(address.inserted + base)
        assert (resolved(sent) + b"/").startswith(address.inserted + base + b"/")
        # Put back, it is the path that was asked for, or the plain form of it.
        back = path_at_gateway(sent, base, address)
        assert outcome_of(back, upstream)[0] == sent
        assert address_of(back, TABLE).prefix == address.prefix
        if base and not target.startswith("/.well-known/agent-card.json"):
            assert back == target.encode()

    check()
    assert min(seen[each] for each in ("refused", "no prefix", "addressed", PRM)) > 10


def test_what_is_read_of_a_request_is_read_without_the_prefix():
    opening = read_opening(without_prefix(head_of(b"/files/v1/chat/completions"), TABLE), SOURCES)
    assert (opening.route_name, opening.named_by, opening.names_differ) == ("files", ChosenBy.PREFIX, False)
    assert (opening.path, opening.head.action.protocol) == ("/v1/chat/completions", Protocol.OPENAI)
    same = read_opening(without_prefix(head_of(b"/files/x", b"X-AIMux-Route: files"), TABLE), SOURCES)
    assert (same.route_name, same.names_differ) == ("files", False)
    other = read_opening(without_prefix(head_of(b"/files/x", b"X-AIMux-Route: private"), TABLE), SOURCES)
    assert (other.route_name, other.names_differ) == ("files", True)
    plain = read_opening(without_prefix(head_of(b"/x", b"X-AIMux-Route: files"), TABLE), SOURCES)
    assert (plain.route_name, plain.named_by, plain.names_differ) == ("files", ChosenBy.NAME, False)


def test_a_remembered_head_is_read_anew_with_other_prefixes():
    reader, data = HeadReader(HeadLimits()), raw(start=b"GET /files/v1/x HTTP/1.1")
    read = reader.read(data)
    assert reader.read(data) is read
    first = without_prefix(read, TABLE)
    assert without_prefix(read, TABLE) is first
    assert without_prefix(read, PrefixTable(TABLE.prefixes)) is first
    moved = without_prefix(read, PrefixTable((("/files/v1", "other"),)))
    openings = [read_opening(each, SOURCES) for each in (read, first, moved, read, first)]
    assert [(each.route_name, each.path) for each in openings] == [
        *((None, "/files/v1/x"), ("files", "/v1/x"), ("other", "/x")),
        *((None, "/files/v1/x"), ("files", "/v1/x")),
    ]
    assert (read.path, read.target, read.address) == (b"/files/v1/x", b"/files/v1/x", None)


def test_the_route_of_a_recorded_path():
    assert prefix_route("/files/x...", TABLE) == "files"
    assert [prefix_route(path, TABLE) for path in ("/x", "-", "", "/%66iles", "/é…")] == [None] * 5
    assert prefix_route("/files/x", None) is None
