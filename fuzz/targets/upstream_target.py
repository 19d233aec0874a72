"""Where a request goes at its upstream: never out of the route's base path, however a server may decode the path."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from aimux.core.policy import Upstream
from aimux.core.reason import Failure
from aimux.wire.forwarding import upstream_target
from aimux.wire.http1 import HeadLimits, find_head, parse_head
from fuzz import seeds
from fuzz.target import Target, expect

_LIMITS: Final = HeadLimits()
_BASES: Final = ("", "/base", "/base/v2")
# Ways to write a dot, a slash and a backslash in more bytes than UTF-8 allows.
_OVERLONG: Final = {
    b".": (b"\xc0\xae", b"\xe0\x80\xae", b"\xf0\x80\x80\xae"),
    b"/": (b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf"),
    b"\\": (b"\xc1\x9c", b"\xe0\x81\x9c", b"\xf0\x80\x81\x9c"),
}


def check(data: bytes) -> None:
    """Send what follows the first byte, which chooses the base path, as a target."""
    if not data:
        return
    base = _BASES[data[0] % len(_BASES)]
    upstream = Upstream(f"http://x{base}", False, "x", 80, base)
    raw = b"GET " + data[1:] + b" HTTP/1.1\r\nHost: gateway:8080\r\n\r\n"
    try:
        if find_head(raw, _LIMITS) != len(raw):
            return
        head = parse_head(raw, _LIMITS)
        found = upstream_target(head, upstream)
    except Failure:
        return
    expect("a target is the base path and the request's own", kept=found == base.encode() + head.target)
    expect("a target is a path", kept=found.startswith(b"/"))
    for reading in _readings(found.partition(b"?")[0]) if base else ():
        expect(f"no path leads out of the base path: {reading!r}", kept=_is_within(reading, base.encode()))


def _readings(path: bytes) -> list[bytes]:
    """The path as servers may read it: as it is, decoded once, twice, and so on; each also read leniently."""
    found = [path]
    while (decoded := unquote_to_bytes(found[-1])) != found[-1]:
        found.append(decoded)
    return [way for reading in found for way in (reading, _leniently(reading))]


def _leniently(path: bytes) -> bytes:
    for plain, others in _OVERLONG.items():
        for other in others:
            path = path.replace(other, plain)
    path = bytes(byte for byte in path if byte > 0x20).replace(b"\\", b"/")
    return b"/".join(re.split(rb"[;?#]", segment)[0] for segment in path.split(b"/"))


def _is_within(path: bytes, base: bytes) -> bool:
    inside = _resolved(base)
    resolved = _resolved(path)
    return resolved is not None and inside is not None and resolved[: len(inside)] == inside


def _resolved(path: bytes) -> list[bytes] | None:
    """The segments that are left once `..` has taken away what stands before it; None above the root."""
    found: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            if not found:
                return None
            found.pop()
        elif segment not in {b"", b"."}:
            found.append(segment)
    return found


TARGET = Target(
    "upstream-target",
    check,
    lambda: [bytes([at]) + target for target in seeds.targets() for at in (1, 2)],
    (
        *(
            b"/../",
            b"/..;",
            b"%2e",
            b"%2f",
            b"%5c",
            b"%252e",
            b"%25",
            b"%c0%ae",
            b"%c0%af",
            b"%c1%9c",
            b"%e0%80%af",
            b"%3b",
        ),
        *(b"%09", b"%0d%0a", b"http://gateway:8080/", b"?", b"//", b"/./"),
    ),
    longest=512,
)
