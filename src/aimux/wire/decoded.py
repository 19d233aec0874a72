"""A path in the ways that servers decode it: once or several times over, with marks that some of them leave out."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from aimux.wire.http1 import bad

# No server decodes as often; each round costs, and a path of 8 KiB could ask for thousands.
_MOST_DECODINGS: Final = 8
_IGNORED: Final = bytes(range(0x21))
_SEPARATOR: Final = re.compile(rb"[/\\]")
_SEGMENT_END: Final = re.compile(rb"[;?#]")
# Dot, slash and backslash as no encoder of UTF-8 writes them, and as some decoders read them nevertheless.
_OVERLONG: Final = re.compile(rb"(?:\xc0|\xe0\x80|\xf0\x80\x80)(?:(\xae)|\xaf)|(?:\xc1|\xe0\x81|\xf0\x80\x81)\x9c")


def decodings(path: bytes) -> Iterator[bytes]:
    """The path as it is, then decoded once, twice and so on, as far as that changes it.

    In the decoded ones blanks and control characters are left out, and overlong forms of dots and slashes are read.
    Raises Failure for a path that is encoded more often than any server decodes.
    """
    yield path
    rounds = 0
    while b"%" in path and (decoded := unquote_to_bytes(path)) != path:
        path = decoded
        rounds += 1
        if rounds > _MOST_DECODINGS:
            raise bad(f"the request path is percent-encoded more than {_MOST_DECODINGS} times over")
        yield _OVERLONG.sub(lambda found: b"." if found[1] else b"/", path).translate(None, _IGNORED)


def segments(path: bytes) -> list[bytes]:
    """The segments of a decoded path, without what some servers cut off (`;` and all that follows in a segment).

    An absolute path has an empty one first.
    """
    return [_SEGMENT_END.split(segment, maxsplit=1)[0] for segment in _SEPARATOR.split(path)]


def climbs(path: bytes) -> bool:
    """Whether a path has a segment `..`, in whichever way a server may decode it. Raises as `decodings` does."""
    if b"%" not in path and b".." not in path:
        return False
    return any(b".." in each and b".." in segments(each) for each in decodings(path))
