"""The heads that the gateway writes: the request's to an upstream, the response's to a client."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aimux.core.headers import Trace
from aimux.core.policy import Route, Upstream
from aimux.wire.decoded import climbs
from aimux.wire.http1 import CHUNKED, Head, bad
from aimux.wire.redirects import Asked, Kept

_PHRASES: Final = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Origin:
    """The connection that a request came by: the peer's address, and whether its forwarding headers are believed.

    That of a Unix socket has `unix` for an address, and the peer's user id, as the kernel tells it.
    """

    peer: str
    trusted: bool = False
    uid: int | None = None


def upstream_target(head: Head, upstream: Upstream) -> bytes:
    """The target at the upstream: its base path and the request's own, joined as text, nothing resolved.

    Raises Failure where a `..` could lead out of the base path, in whichever way a server may decode it.
    """
    if not upstream.base_path and head.address is None:
        return head.target
    if climbs(head.path):
        raise bad("the request path holds '..', which could lead out of the route's base path")
    return _joined(head, upstream)


def _joined(head: Head, upstream: Upstream) -> bytes:
    base, address = upstream.base_path.encode("ascii"), head.address
    if address is None:
        return base + head.target
    joined = address.inserted + base + head.target
    return joined if joined.startswith(b"/") else b"/" + joined


def route_line(route: Route) -> bytes:
    """The header line that names a route, to its upstream and to its callers."""
    return b"X-AIMux-Route: " + route.name.encode("ascii")


def upstream_head(
    head: Head,
    upstream: Upstream,
    *,
    agent: str | None,
    own: Sequence[bytes],
    trace: Trace,
    origin: Origin,
    length: int,
) -> bytes:
    """The request head for the upstream: what crosses, then what the gateway says itself.

    `own` are complete header lines, `length` is the body's as it will be sent: bytes or
    CHUNKED. Raises Failure where the path could lead out of the upstream's base path.
    """
    lines = [head.method.encode("ascii") + b" " + upstream_target(head, upstream) + b" HTTP/1.1"]
    lines.append(b"Host: " + upstream.authority.encode("ascii"))
    lines += head.passed_on
    if length == CHUNKED:
        lines.append(b"Transfer-Encoding: chunked")
    elif length or b"content-length" in head.first or b"transfer-encoding" in head.first:
        lines.append(b"Content-Length: %d" % length)
    if agent is not None:
        lines.append(b"X-AIMux-Agent: " + agent.encode("ascii"))
    lines += own
    if head.client_request_id is not None:
        lines.append(b"X-Client-Request-ID: " + head.client_request_id.encode("ascii"))
    lines.append(b"traceparent: " + trace.traceparent)
    if trace.parent_id is not None:
        lines += [line for name, _, line in head.lines if name == b"tracestate"]
    lines += _forwarded(head, origin)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _forwarded(head: Head, origin: Origin) -> list[bytes]:
    peer = origin.peer.encode("ascii")
    if not origin.trusted:
        return [b"X-Forwarded-For: " + peer, b"X-Forwarded-Proto: http", *head.forwarded_host]
    kept = [
        line
        for name, _, line in head.lines
        if name == b"forwarded" or (name.startswith(b"x-forwarded-") and name != b"x-forwarded-for")
    ]
    before = b", ".join(head.values(b"x-forwarded-for"))
    kept.append(b"X-Forwarded-For: " + (before + b", " + peer if before else peer))
    if b"x-forwarded-proto" not in head.first:
        kept.append(b"X-Forwarded-Proto: http")
    if b"x-forwarded-host" not in head.first:
        kept += head.forwarded_host
    return kept


def asked_at(head: Head, kept: Kept, origin: Origin) -> Asked:
    """The request as the addresses in its response are resolved against."""
    told = head.values(b"x-forwarded-host") if origin.trusted else ()
    hosts = [host.strip() for value in told or head.values(b"host") for host in value.split(b",")]
    return Asked(kept, _joined(head, kept.upstream), tuple(hosts), head.address)


def client_head(
    status: int,
    phrase: bytes,
    passed: Sequence[bytes],
    own: Sequence[bytes],
) -> bytes:
    """The response head for the client: the lines that are `passed` on, then the gateway's `own`."""
    return b"\r\n".join((b"HTTP/1.1 %d %s" % (status, phrase), *passed, *own, b"", b""))


def phrase_of(status: int) -> bytes:
    """The standard reason phrase of a status, or nothing."""
    return _PHRASES.get(status, b"")
