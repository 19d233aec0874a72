"""A path in the ways that servers read it: decoded once or several times over, shortened and resolved in any order."""

import re
from collections.abc import Callable, Iterator
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
_ODD: Final = re.compile(rb"[\x00-\x20\\\x80-\xff]")
_PARAMETERS: Final = re.compile(rb"[;?#][^/]*+")
_EMPTY: Final = re.compile(rb"//++")
_DOTTED: Final = re.compile(rb"/(?:\.|%2e)", re.IGNORECASE)
_DOTS: Final = {b".": 0, b"%2e": 0, b"..": 1, b".%2e": 1, b"%2e.": 1, b"%2e%2e": 1}
"""Dot segments, also encoded ones, which proxies resolve too; and how many segments before them they take away."""
_MOST_READINGS: Final = 64
"""Paths that are meant to be read have up to two dozen: escapes, blanks, empty segments, parameters and dots in one."""
# Each reading costs time in proportion to its length: a path of 8 KiB may have 16.
_MOST_READ: Final = 16 * 8192
_TOO_MANY: Final = (
    "the request path can be read in too many ways: encode it once, and write it resolved and without ';'"
)


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
        yield _leniently(path)


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


def readings(path: bytes) -> Iterator[bytes]:
    """The path as it is, and all that servers could take it for, each once.

    They decode it, leave out blanks and empty segments, cut off what follows a `;`, take a backslash for a slash and
    resolve dot segments: once or several times, in whichever order. Raises Failure where there are too many ways.
    """
    found, unread = {path}, [path]
    most = min(_MOST_READINGS, _MOST_READ // max(len(path), 1))
    while unread:
        each = unread.pop()
        yield each
        for step in _STEPS:
            reading = step(each)
            if reading not in found:
                if len(found) >= most:
                    raise bad(_TOO_MANY)
                found.add(reading)
                unread.append(reading)


def _leniently(path: bytes) -> bytes:
    return _OVERLONG.sub(lambda found: b"." if found[1] else b"/", path).translate(None, _IGNORED)


def _decoded(path: bytes) -> bytes:
    return unquote_to_bytes(path) if b"%" in path else path


def _with_slashes(path: bytes) -> bytes:
    return _leniently(path).replace(b"\\", b"/") if _ODD.search(path) else path


def _without_parameters(path: bytes) -> bytes:
    return _PARAMETERS.sub(b"", path)


def _without_empty(path: bytes) -> bytes:
    return _EMPTY.sub(b"/", path) if b"//" in path else path


def _resolved(path: bytes) -> bytes:
    if _DOTTED.search(path) is None:
        return path
    kept: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        taken = _DOTS.get(segment.lower())
        if taken is None:
            kept.append(segment)
        elif taken:
            del kept[-1:]
    return b"/" + b"/".join(kept)


_STEPS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    _decoded,
    _with_slashes,
    _without_parameters,
    _without_empty,
    _resolved,
)
