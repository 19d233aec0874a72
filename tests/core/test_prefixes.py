"""Prefixes of paths: what one is, and which of them a path begins with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.core.prefixes import LONGEST, PrefixTable, check_prefix

SEGMENT = st.text("abAB01._~-", min_size=1, max_size=3).filter(lambda text: text not in {".", ".."})
PREFIX = st.lists(SEGMENT, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
PATH = st.text("/abAB01._~-%;", max_size=12).map(lambda rest: "/" + rest)


@pytest.mark.parametrize("text", ["/files", "/v1/files", "/a.b/~c/_d-e", "/...", "/" + "a" * (LONGEST - 1)])
def test_what_is_a_prefix(text):
    check_prefix(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((text, "without a slash at its end") for text in ("/", "/files/")),
        *((text, "write an absolute path") for text in ("", "files", "//files", "/a//b", "/%66iles", "/a b", "/é")),
        *((text, "write an absolute path") for text in ("/a;b", "/a?b", "/a*", "http://x", "/a\n", "/a\\b")),
        *((text, "without the segments") for text in ("/..", "/a/../b", "/.", "/a/./b")),
        *((text, "choose one without .well-known") for text in ("/.well-known", "/.well-known/x", "/a/.well-known")),
        ("/" + "a" * LONGEST, "shorten it"),
    ],
)
def test_what_is_no_prefix(text, said):
    with pytest.raises(ValueError, match=said):
        check_prefix(text)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        *(
            (path, "files")
            for path in (b"/files", b"/files/", b"/files/x", b"/files//x", b"/files/privates", b"/files/x/")
        ),
        *((path, "private") for path in (b"/files/private", b"/files/private/", b"/files/private/a/b/c")),
        *((path, "deep") for path in (b"/a/b/c", b"/a/b/c/d")),
        *(
            (path, None)
            for path in (b"/", b"", b"/filesx", b"/FILES/x", b"/a", b"/a/b", b"/a/b/cd", b"//files", b"/x/files")
        ),
        *((path, None) for path in (b"/file", b"/files;a", b"/%66iles", b"files")),
    ],
)
def test_the_longest_prefix_is_found_by_whole_segments(path, route):
    table = PrefixTable((("/files", "files"), ("/files/private", "private"), ("/a/b/c", "deep")))
    found = table.find(path)
    assert (found and found.route) == route


@given(st.lists(PREFIX, max_size=5, unique=True), PATH)
def test_it_is_the_longest_one_that_a_search_through_all_finds(prefixes, path):
    table = PrefixTable(tuple((prefix, f"of {prefix}") for prefix in prefixes))
    fitting = [prefix for prefix in prefixes if f"{path}/".startswith(f"{prefix}/")]
    found = table.find(path.encode())
    assert (found and found.route) == (f"of {max(fitting, key=len)}" if fitting else None)
    if found:
        assert path.encode().startswith(found.path)


def test_tables_are_equal_by_their_prefixes():
    one, same, other = (PrefixTable(((path, "a"),)) for path in ("/a", "/a", "/b"))
    assert (one, hash(one)) == (same, hash(same))
    assert one != other
