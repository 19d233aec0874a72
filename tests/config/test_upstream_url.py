"""URLs of upstreams: what is read from them, and what is refused."""

# ruff: noqa: E501  (tables read best with a row on a line)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.config.upstream_url import UpstreamError, is_host, parse_upstream
from aimux.core.policy import Upstream

READ = [
    ("http://finance:8001", Upstream("http://finance:8001", False, "finance", 8001, "")),
    ("http://finance", Upstream("http://finance", False, "finance", 80, "")),
    ("http://finance:80/", Upstream("http://finance", False, "finance", 80, "")),
    ("https://a.example", Upstream("https://a.example", True, "a.example", 443, "")),
    ("https://a.example:80/x", Upstream("https://a.example:80/x", True, "a.example", 80, "/x")),
    ("HTTPS://A.Example/X", Upstream("https://a.example/X", True, "a.example", 443, "/X")),
    ("http://x/base/", Upstream("http://x/base", False, "x", 80, "/base")),
    ("http://x/a/b;c=1/%2F~!$&'()*+,=:@", Upstream("http://x/a/b;c=1/%2F~!$&'()*+,=:@", False, "x", 80, "/a/b;c=1/%2F~!$&'()*+,=:@")),
    ("http://x/...", Upstream("http://x/...", False, "x", 80, "/...")),
    ("http://127.0.0.1:1", Upstream("http://127.0.0.1:1", False, "127.0.0.1", 1, "")),
    ("http://[::1]:65535", Upstream("http://[::1]:65535", False, "::1", 65535, "")),
    ("http://[2001:DB8:0::1]", Upstream("http://[2001:db8::1]", False, "2001:db8::1", 80, "")),
    ("http://my_service.default.svc", Upstream("http://my_service.default.svc", False, "my_service.default.svc", 80, "")),
    ("http://1and1.example", Upstream("http://1and1.example", False, "1and1.example", 80, "")),
    ("http://xn--bcher-kva.example", Upstream("http://xn--bcher-kva.example", False, "xn--bcher-kva.example", 80, "")),
]  # fmt: skip

REFUSED = [
    ("", "empty"),
    ("finance:8001", "not an http or https URL"), ("//x", "not an http or https URL"), ("ftp://x", "not an http"),
    ("http:/x", "not an http"), ("http:x", "not an http"), ("httpx://a", "not an http"), ("unix:/run/x", "not an http"),
    ("http://", "no host"), ("http:///x", "no host"), ("http://:80", "no host"),
    ("http://user:password@x", "user name or password"), ("http://@x", "user name or password"),
    ("http://x?a", "a query"), ("http://x/?", "a query"), ("http://x#a", "a fragment"), ("http://x/a#", "a fragment"),
    ("http://x y", "space or a control"), (" http://x", "space or a control"), ("http://x\n", "space or a control"),
    ("http://x\t", "space or a control"), ("http://x\x7f", "space or a control"), ("http://x\u200b", "space or a control"),
    ("http://x\\@y", "backslash"), ("http:\\\\x", "backslash"), ("http://bücher.example", "outside ASCII"),
    ("http://x/ü", "outside ASCII"),
    ("http://x:", "no valid port"), ("http://x:0", "no valid port"), ("http://x:65536", "no valid port"),
    ("http://x:080", "no valid port"), ("http://x:-1", "no valid port"), ("http://x:8O", "no valid port"),
    ("http://x:1:2", "no valid port"), ("http://x:99999999999999", "no valid port"), ("http://x:+1", "no valid port"),
    ("http://::1", "no host"), ("http://fe80::1", "no valid port"), ("http://[::1", "clear host"),
    ("http://[::1]x", "clear host"), ("http://x]", "clear host"), ("http://a[::1]", "clear host"),
    ("http://[]", "no IPv6"), ("http://[127.0.0.1]", "no IPv6"), ("http://[::1%25eth0]", "no IPv6"), ("http://[x]", "no IPv6"),
    ("http://-x", "neither a name"), ("http://x-", "neither a name"), ("http://x..y", "neither a name"),
    ("http://.x", "neither a name"), ("http://x.", "neither a name"), ("http://%61", "neither a name"),
    ("http://x%2fy", "neither a name"), ("http://" + "a" * 64, "neither a name"), ("http://" + "a." * 127 + "a", "neither a name"),
    ("http://*", "neither a name"), ("http://{{x}}", "neither a name"),
    ("http://127.1", "neither a name"), ("http://2130706433", "neither a name"), ("http://0x7f.1", "neither a name"),
    ("http://0x7f000001", "neither a name"), ("http://127.0.0.01", "neither a name"), ("http://256.0.0.1", "neither a name"),
    ("http://1.2.3.4.5", "neither a name"), ("http://x.0x", "neither a name"),
    ("http://x/..", "part . or .."), ("http://x/a/../b", "part . or .."), ("http://x/.", "part . or .."),
    ("http://x/%2e%2E/a", "part . or .."), ("http://x/a%2f..%2fb", "part . or .."), ("http://x/a/.%2e/b", "part . or .."),
    ("http://x/%5c..%5cb", "part . or .."),
    ("http://x//evil", "empty part"), ("http://x/a//", "empty part"), ("http://x//", "empty part"),
    ("http://x/%zz", "percent-encoded"), ("http://x/%4", "percent-encoded"), ("http://x/<a>", "percent-encoded"),
    ('http://x/"', "percent-encoded"), ("http://x/%0d%0a", "control character"), ("http://x/%00", "control character"),
    ("http://x/" + "a" * 2048, "longer than 2048"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "upstream"), READ)
def test_a_clear_url_is_read(url: str, upstream: Upstream) -> None:
    assert parse_upstream(url) == upstream
    assert parse_upstream(upstream.url) == upstream


@pytest.mark.parametrize(("url", "why"), REFUSED)
def test_anything_else_is_refused_with_a_reason_and_a_remedy(url: str, why: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        parse_upstream(url)
    assert why in caught.value.message
    assert caught.value.remedy


def test_certificates_are_kept_for_https_only() -> None:
    assert parse_upstream("https://x", "/ca.pem").ca_file == "/ca.pem"
    assert parse_upstream("http://x", "/ca.pem").ca_file is None


_HOSTILE = st.lists(
    st.sampled_from([*"aZ09.-_~%/\\:@?#[]{}<> \t\n\0é$&", "http://", "https://", "..", "//", "%2e", "[::1]", "127.0.0.1"]), max_size=12
).map("".join)  # fmt: skip


@given(_HOSTILE | _HOSTILE.map("http://a".__add__) | st.text())
def test_what_is_read_can_lead_to_one_place_only(url: str) -> None:
    try:
        upstream = parse_upstream(url)
    except UpstreamError:
        return
    assert is_host(upstream.host)
    assert 1 <= upstream.port <= 65535
    path = upstream.base_path
    assert path == "" or (path.startswith("/") and not path.endswith("/"))
    assert not {"..", ".", ""} & set(path.split("/")[1:])
    assert not set(upstream.url) & set("\\@?# \t\r\n") - {"@"}
    assert "@" not in upstream.authority
    assert parse_upstream(upstream.url) == upstream
