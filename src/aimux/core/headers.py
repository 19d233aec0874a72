"""What may cross the gateway, and what it says of itself, in either direction. Names are lower-case bytes.

Hop-by-hop fields: RFC 9110 section 7.6.1. Trace context: W3C Trace Context, level 1.
"""

import re
from collections.abc import Sequence, Set
from typing import Final

from aimux.core.values import value

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"http2-settings",
    }
)
# Framing, Host and Expect are this hop's own; the rest is what the gateway says itself.
_SET_FOR_UPSTREAM: Final = HOP_BY_HOP | {
    b"host",
    b"content-length",
    b"expect",
    b"x-request-id",
    b"x-client-request-id",
    b"x-upstream-request-id",
    b"traceparent",
    b"tracestate",
    b"forwarded",
    b"x-forwarded",
    b"x-original-forwarded-for",
    b"x-real-ip",
    b"proxy",  # CGI makes HTTP_PROXY of it, which HTTP clients obey
}
_SET_FOR_CLIENT: Final = HOP_BY_HOP | {b"content-length", b"x-request-id", b"request-id", b"x-upstream-request-id"}
COMMON: Final = frozenset(
    b"accept accept-encoding accept-language authorization cache-control content-type cookie date etag expires"
    b" last-modified location server set-cookie user-agent vary x-client-id x-source-agent".split()
)
"""What most messages carry, and no rule but Connection stops: known without looking."""
_FOLD: Final = bytes(byte if chr(byte).isalnum() and byte < 128 else ord("-") for byte in range(256))
_OWN_PREFIX: Final = b"x-aimux-"
_FORWARDED_PREFIX: Final = b"x-forwarded-"
_PLAIN_ID = re.compile(rb"[\x20-\x7e]{1,128}")
_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def folded(name: bytes) -> bytes:
    """A name as servers behind CGI-like interfaces read it: what is no letter or digit is all the same to them."""
    return name.translate(_FOLD)


def crosses_to_upstream(name: bytes, connection: Set[bytes]) -> bool:
    """Whether a request's header is passed on; `connection` are the options of its Connection header."""
    if not connection and name in COMMON:
        return True
    plain = folded(name)
    if plain in _SET_FOR_UPSTREAM or plain.startswith((_OWN_PREFIX, _FORWARDED_PREFIX)):
        return False
    return not connection or (name not in connection and plain not in connection)


def crosses_to_client(name: bytes, connection: Set[bytes]) -> bool:
    """Whether a response's header is passed back; `connection` are the options of its Connection header."""
    plain = folded(name)
    if plain in _SET_FOR_CLIENT or plain.startswith(_OWN_PREFIX):
        return False
    return not connection or (name not in connection and plain not in connection)


def id_lines(request_id: str) -> tuple[bytes, bytes]:
    """The header lines that tell a client the request's id: the first by the usual name, then by that of Anthropic."""
    value = request_id.encode("ascii")
    return b"X-Request-ID: " + value, b"request-id: " + value


def plain_id(values: Sequence[bytes]) -> str | None:
    """The id that somebody else has given a request, from the values of its header.

    None where there is none, and for what cannot be written down as it is: two of them, more than 128 characters, and
    anything but printable ASCII.
    """
    return values[0].decode("ascii") if len(values) == 1 and _PLAIN_ID.fullmatch(values[0]) else None


@value
class Trace:
    """One request's place in a distributed trace, in lower-case hexadecimal digits."""

    trace_id: str
    span_id: str
    flags: str = "01"
    parent_id: str | None = None

    @property
    def traceparent(self) -> bytes:
        """The header that continues the trace behind the gateway."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}".encode("ascii")


def trace_from(inbound: Sequence[bytes], new_trace_id: str, new_span_id: str) -> Trace:
    """Continue the caller's trace where it sent exactly one valid traceparent, else begin one."""
    match = _TRACEPARENT.fullmatch(inbound[0]) if len(inbound) == 1 else None
    if match is None or not match.group(1).strip(b"0") or not match.group(2).strip(b"0"):
        return Trace(new_trace_id, new_span_id)
    trace_id, parent_id, flags = (part.decode("ascii") for part in match.groups())
    return Trace(trace_id, new_span_id, flags, parent_id)
