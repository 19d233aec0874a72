"""Paths that claim requests without a text: what a pattern says, and what it claims."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.core.paths import PathPattern, PathTable, parse_pattern


def claims(pattern, method, path):
    return PathTable(((7, parse_pattern(pattern)),)).claim(method, path) == 7


@pytest.mark.parametrize(
    ("pattern", "method", "path", "claimed"),
    [
        ("GET /v1/files", "GET", "/v1/files", True),
        ("GET /v1/files", "HEAD", "/v1/files", True),
        ("GET /v1/files", "POST", "/v1/files", False),
        ("GET /v1/files", "GET", "/v1/files/", False),
        ("GET /v1/files", "GET", "/v1/files/a", False),
        ("GET /v1/files", "GET", "/V1/files", False),
        ("GET /", "GET", "/", True),
        ("GET /v1/files/*", "GET", "/v1/files/a", True),
        ("GET /v1/files/*", "HEAD", "/v1/files/a", True),
        ("GET /v1/files/*", "GET", "/v1/files/a/content", True),
        ("GET /v1/files/*", "GET", "/v1/files/a%20b", True),
        ("GET /v1/files/*", "GET", "/v1/files", False),
        ("GET /v1/files/*", "GET", "/v1/files/", False),
        ("GET /v1/files/*", "GET", "/v1/filesystem", False),
        ("GET /*", "GET", "/anything", True),
        ("GET /*", "GET", "/", False),
        ("DELETE /v1/files/*", "DELETE", "/v1/files/a", True),
        # In whichever way a server resolves or decodes it, it could be elsewhere.
        *(("GET /v1/files/*", "GET", "/v1/files/" + way, False) for way in ("..", "../x", "a/..", "./a", "a//b")),
        *(("GET /v1/files/*", "GET", "/v1/files/" + way, False) for way in ("%2e%2e/x", "..;/x", "a%2Fb", "a%5cb")),
        *(("GET /v1/files/*", "GET", "/v1/files/" + way, False) for way in ("%252e", "a;b", "/a", "a\\b")),
        *(("GET /v1/files/*", "GET", "/v1/files/" + way, False) for way in ("..%3b/x", "%c0%ae%C0%AE/x", "..%20/x")),
        *(("GET /v1/files/*", "GET", "/v1/files/" + way, False) for way in (".%09./x", "%20../x", "a%c0%af..", "a%0d")),
        *(
            ("GET /v1/files/*", "GET", "/v1/files/" + way, False)
            for way in ("%e0%80%af", "%F0%80%80%AF", "a%7f", ".%20")
        ),
        *(("GET /v1/files/*", "GET", "/v1/files/" + way, True) for way in (".env", "a..b", "%C3%A9%E2%82%AC", "...")),
    ],
)
def test_what_a_pattern_claims(pattern, method, path, claimed):
    assert claims(pattern, method, path) is claimed


@pytest.mark.parametrize(
    "text",
    [
        *("", "/v1/files", "GET", "GET v1", "get /v1", "GET  /v1", "GET /v1 ", "GET /v1?a=b", "GET /a#b", "GET /a b"),
        *("GET /v1/*/content", "GET /v1/file*", "GET *", "GET /**", "GET /a//b", "GET /a/../b", "GET /%2e/a"),
        *("HEAD /v1", "GET /é", "* /v1", "GET /" + "a" * 512),
    ],
)
def test_what_is_no_pattern(text):
    with pytest.raises(ValueError, match=r"write|\*"):
        parse_pattern(text)


PATTERNS = st.builds(
    PathPattern, st.sampled_from(["GET", "POST"]), st.sampled_from(["/", "/a", "/a/b", "/ab"]), st.just(False)
) | st.builds(
    PathPattern, st.sampled_from(["GET", "POST"]), st.sampled_from(["/", "/a/", "/a/b/", "/ab/"]), st.just(True)
)


@given(PATTERNS, PATTERNS)
def test_two_patterns_overlap_where_a_request_exists_that_both_claim(one, other):
    ends = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/ab/c", "/x"]
    requests = [(method, path) for method in ("GET", "POST", "HEAD") for path in ends]
    both = any(
        PathTable(((0, one),)).claim(*request) is not None and PathTable(((0, other),)).claim(*request) is not None
        for request in requests
    )
    assert one.overlaps(other) is other.overlaps(one) is both
