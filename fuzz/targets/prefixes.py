"""Routes addressed by path: everybody reads the same route, and the way back lies below the prefix."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

from aimux.core.policy import Upstream
from aimux.core.prefixes import PrefixTable
from aimux.core.reason import Failure
from aimux.wire.forwarding import upstream_target
from aimux.wire.http1 import Head, HeadLimits, find_head, parse_head
from aimux.wire.prefixes import path_at_gateway, without_prefix
from fuzz import seeds
from fuzz.target import Target, expect

_LIMITS: Final = HeadLimits()
_PREFIXES: Final = ((b"/files/private", "private"), (b"/files", "files"), (b"/p/q", "deep"))
_TABLE: Final = PrefixTable(tuple((path.decode("ascii"), name) for path, name in _PREFIXES))
_BASES: Final = ("", "/base", "/files")
_INSERTED: Final = (b"oauth-protected-resource", b"oauth-authorization-server", b"openid-configuration")
_CARD: Final = b"/.well-known/agent-card.json"
_UNRESERVED: Final = re.compile(rb"%(2[DdEe]|3\d|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")
_MOST_READINGS: Final = 300


def check(data: bytes) -> None:
    """Send what follows the first byte, which chooses the base path, as a target."""
    if not data:
        return
    base = _BASES[data[0] % len(_BASES)]
    raw = b"GET " + data[1:] + b" HTTP/1.1\r\nHost: gateway:8080\r\n\r\n"
    try:
        if find_head(raw, _LIMITS) != len(raw):
            return
        asked = parse_head(raw, _LIMITS)
        head = without_prefix(asked, _TABLE)
        target = upstream_target(head, Upstream(f"http://x{base}", False, "x", 80, base))
    except Failure:
        return
    expect("a route and what its upstream sees are as written", kept=_expected(asked, base) == (_route(head), target))
    for reading in _readings(asked.path):
        expect(f"nobody reads another route: {reading!r}", kept=_addressed(reading) == _addressed(asked.path))
        climbs = head.address is not None and b".." in reading.split(b"/")
        expect(f"nothing climbs behind a prefix: {reading!r}", kept=not climbs)
    if head.address is not None:
        _check_way_back(head, target.partition(b"?")[0], base.encode("ascii"))


def _route(head: Head) -> str | None:
    return None if head.address is None else head.address.prefix.route


def _expected(asked: Head, base: str) -> tuple[str | None, bytes]:
    """The route and the target at its upstream, spelt out for each form."""
    route, form, rest = _addressed(asked.path), _form(asked.path), b""
    before, query = base.encode("ascii"), asked.target[len(asked.path) :]
    if route is None:
        return None, before + asked.target
    for path, name in _PREFIXES:
        if name == route:
            rest = asked.path[len(form) + len(path) :]
    if form == _CARD:
        return route, before + rest.removesuffix(b"/") + _CARD + query
    return route, (form + before + rest or b"/") + query


def _form(path: bytes) -> bytes:
    """What stands before the prefix: nothing, or the path of a well-known document."""
    found = next((name for name in _INSERTED if path.startswith(b"/.well-known/" + name + b"/")), None)
    if found is not None:
        return b"/.well-known/" + found
    return _CARD if path.startswith(_CARD + b"/") else b""


def _addressed(path: bytes) -> str | None:
    below = path[len(_form(path)) :] + b"/"
    return next((name for prefix, name in _PREFIXES if below.startswith(prefix + b"/")), None)


def _check_way_back(head: Head, at_upstream: bytes, base: bytes) -> None:
    address = head.address
    back = path_at_gateway(at_upstream, base, address)
    expect("what the upstream names has a place at the gateway", kept=back is not None)
    if back is not None and address is not None:
        prefix = address.prefix.path
        expect("it lies below the prefix", kept=(back[len(_form(back)) :] + b"/").startswith(prefix + b"/"))


# What servers do to a path, each in the plainest way, in whichever order.


def _unreserved(path: bytes) -> bytes:
    return _UNRESERVED.sub(lambda found: bytes.fromhex(found[1].decode("ascii")), path)


def _cut(path: bytes) -> bytes:
    return b"/".join(segment.partition(b";")[0] for segment in path.split(b"/"))


def _merged(path: bytes) -> bytes:
    return b"/" + b"/".join(segment for segment in path.split(b"/") if segment)


def _resolved(path: bytes) -> bytes:
    found: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        if segment == b"..":
            del found[-1:]
        elif segment != b".":
            found.append(segment)
    return b"/" + b"/".join(found)


def _slashes(path: bytes) -> bytes:
    return path.replace(b"\\", b"/")


_STEPS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    unquote_to_bytes,
    _unreserved,
    _cut,
    _merged,
    _resolved,
    _slashes,
)


def _readings(path: bytes) -> set[bytes]:
    """What the path becomes by these steps; of very many ways the first ones."""
    found, unread = {path}, [path]
    while unread and len(found) < _MOST_READINGS:
        each = unread.pop(0)
        new = {step(each) for step in _STEPS} - found
        found |= new
        unread += sorted(new)
    return found


TARGET = Target(
    "prefixes",
    check,
    lambda: [bytes([at]) + target for target in seeds.targets() for at in range(len(_BASES))],
    (
        *(b"/files", b"/private", b"/p/q", b"/.well-known/", b"agent-card.json", *_INSERTED, b"%66", b"%2566", b"/../"),
        *(b"/./", b"//", b"/..;", b"%2e", b"%2f", b"%5c", b"%3b", b"%25", b"%20", b"?", b"http://gateway:8080/", b";a"),
    ),
    longest=256,
)
