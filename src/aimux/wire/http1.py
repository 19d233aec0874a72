"""The head of an HTTP/1.1 request, read strictly: whatever two parsers could read in two ways is refused.

Everything accepted here is accepted, with the same meaning, by llhttp and h11; the tests hold it against both. Only
methods that llhttp has never heard of are accepted beyond that. Grammar: RFC 9110 section 5, RFC 9112 sections 2-6.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from ipaddress import IPv6Address

from aimux.core.headers import crosses_to_upstream, plain_id
from aimux.core.prefixes import Address
from aimux.core.reason import Failure, Reason
from aimux.wire.upgrades import asks_for_websocket

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VISIBLE = rb"[\x21-\x7e\x80-\xff]"
# PRI begins the preface of HTTP/2 and is no method (RFC 9113 section 11.6).
_REQUEST_LINE = re.compile(rb"(?!PRI )([A-Z][A-Z-]{0,31}) ([\x21-\x7e]+) HTTP/1\.([01])\r\n")
_UNENCODED = re.compile(rb"(?!PRI )[A-Z][A-Z-]{0,31} /[\x20-\x7e\x80-\xff]* HTTP/1\.[01]\r\n")
_REFUSED_METHODS = (b"TRACE", b"CONNECT")
# A line must begin where the one before ended, so that counting matches against line ends proves that none was skipped.
# What has matched is never tried again in another way (`++`, `*+`): a line of blanks would take time squared.
_FIELD_LINE = re.compile(
    rb"(?<=\r\n)((" + _TOKEN + rb"):[ \t]*+((?:" + _VISIBLE + rb"++(?:[ \t]++" + _VISIBLE + rb"++)*+)?)[ \t]*+)\r\n"
)
_HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]{2,45})\]|[0-9A-Za-z._~\-]{1,253})(?::([0-9]{1,5}))?")
_ABSOLUTE = re.compile(rb"[Hh][Tt][Tt][Pp]://([^/?#]++)(/[^#?]*+)?(\?[^#]*+)?")
_FORBIDDEN_IN_TARGET = re.compile(rb"[#\\]|%(?![0-9A-Fa-f]{2})|%00")
_LONGEST_HOST = 260
_LENGTH = re.compile(rb"[0-9]{1,18}")
_END = b"\r\n\r\n"
_TLS = b"\x16\x03"  # how every TLS handshake begins (RFC 8446 section 5.1)

CHUNKED = -1


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """How large a request's head may be, in bytes and in header lines."""

    header_bytes: int = 32 * 1024
    headers: int = 100
    target_bytes: int = 8 * 1024


@dataclass
class Head:
    """A request's head. Header names are in lower case; `lines` keep each header as it was received.

    `length` is the body's size in bytes, or CHUNKED. `padded` names the headers whose value had more white space
    around it than the one customary blank. `websocket` says that the client wants to speak that from now on.
    `address` is what the path addresses by a prefix, which `target` and `path` are without then (`path` may be empty).
    Nothing changes a head once it has been read: one that is `remembered` stands for every request that began with the
    same bytes.
    """

    method: str
    target: bytes
    path: bytes
    query: bytes
    minor: int
    lines: list[tuple[bytes, bytes, bytes]]
    first: dict[bytes, bytes]
    length: int = 0
    repeated: dict[bytes, list[bytes]] = field(default_factory=dict)
    padded: frozenset[bytes] = frozenset()
    remembered: bool = False
    websocket: bool = False
    address: Address | None = None

    __hash__ = object.__hash__  # caches know a head as the object that it is

    def values(self, name: bytes) -> Sequence[bytes]:
        """All the values of a header, in order; empty where it is absent."""
        if self.repeated and name in self.repeated:
            return self.repeated[name]
        value = self.first.get(name)
        return () if value is None else (value,)

    def single(self, name: bytes) -> bytes | None:
        """The value of a header that may stand only once; Failure where it stands twice."""
        if self.repeated and name in self.repeated:
            raise bad(f"the header {name.decode('ascii')} may stand only once")
        return self.first.get(name)

    @cached_property
    def connection(self) -> frozenset[bytes]:
        """The options of the Connection header, in lower case."""
        values = self.values(b"connection")
        return frozenset(t.strip().lower() for v in values for t in v.split(b",")) if values else frozenset()

    @cached_property
    def passed_on(self) -> tuple[bytes, ...]:
        """The lines that cross to an upstream, as they were received."""
        options = self.connection
        return tuple(line for name, _, line in self.lines if crosses_to_upstream(name, options))

    @cached_property
    def forwarded_host(self) -> tuple[bytes, ...]:
        """The line that tells an upstream which host was asked for; none where HTTP/1.0 has named none."""
        host = self.first.get(b"host")
        return () if host is None else (b"X-Forwarded-Host: " + host,)

    @cached_property
    def client_request_id(self) -> str | None:
        """The id that the caller has given its request, where it can be passed on."""
        return plain_id(self.values(b"x-request-id")) or plain_id(self.values(b"x-client-request-id"))

    @cached_property
    def path_text(self) -> str:
        """The path, each byte a character."""
        return self.path.decode("latin-1")


def bad(message: str) -> Failure:
    """A request that cannot be read, or can be read in more than one way."""
    return Failure(Reason.BAD_REQUEST, message)


def find_head(data: bytes | bytearray, limits: HeadLimits, seen: int = 0) -> int:
    """Length of the head at the start of `data` with its closing empty line; 0 while it is not complete.

    `seen` is how many of the bytes were there at an earlier look, which found it incomplete: they are not looked at
    again. Raises Failure as soon as the limits are passed, complete or not: how the bytes come in makes no difference.
    """
    if seen < len(_TLS) and data.startswith(_TLS):
        # It waits for an answer and never sends an empty line: say so now, not when its time is up.
        raise bad("these bytes are TLS, and this port speaks plain HTTP: write http:// in the URL")
    end = data.find(_END, max(seen - len(_END) + 1, 0), limits.target_bytes + limits.header_bytes + 64)
    size = len(data) if end < 0 else end + len(_END)
    line_end = data.find(b"\r\n", 0, limits.target_bytes + 64)
    most = limits.target_bytes + 64 if line_end < 0 else line_end + 2 + limits.header_bytes
    if end < 0 or size > most:
        _check_line_ends(data, seen, min(size, most))
    if size > most:
        raise _target_too_long(limits) if line_end < 0 else _headers_too_large(limits)
    return 0 if end < 0 else size


def _check_line_ends(data: bytes | bytearray, start: int, stop: int) -> None:
    # Whoever ends lines otherwise would wait for an answer that waits for the end of the head.
    if data[start - 1 : start] == b"\r":
        start -= 1
    pairs = data.count(b"\r\n", start, stop)
    unpaired = data[stop - 1 : stop] == b"\r"
    if data.count(b"\n", start, stop) != pairs or data.count(b"\r", start, stop) != pairs + unpaired:
        raise bad("every line of the head must end with CRLF")


def parse_head(data: bytes, limits: HeadLimits) -> Head:
    """Read a whole head that `find_head` has measured. Raises Failure for whatever is not exactly as it must be."""
    match = _REQUEST_LINE.match(data)
    if match is None:
        raise _malformed_request_line(data)
    method, target, minor = match.groups()
    start = match.end()
    lines = _FIELD_LINE.findall(data, start, len(data) - 2)
    if len(lines) != data.count(b"\r\n", start) - 1:
        raise bad("a header line is malformed")
    if method in _REFUSED_METHODS:
        raise Failure(Reason.METHOD_NOT_ALLOWED, "the methods TRACE and CONNECT are not forwarded")
    if len(target) > limits.target_bytes:
        raise _target_too_long(limits)
    if len(lines) > limits.headers:
        raise _headers_too_large(limits)
    head = _index(method.decode("ascii"), target, int(minor), lines)
    if b"  " in data or b" \r" in data or b"\t" in data:
        head.padded = _padded(lines)
    _read_target(head)
    head.length = _body_length(head)
    if b"upgrade" in head.first and head.minor == 1:
        head.websocket = asks_for_websocket(head.values(b"upgrade"), head.connection)
    return head


def _malformed_request_line(data: bytes) -> Failure:
    """Says what is wrong with it; most often somebody has typed a text into the URL as it is."""
    if _UNENCODED.match(data):
        return bad(
            "the request target holds blanks or bytes that are not ASCII: percent-encode them "
            "(curl -G --data-urlencode 'q=...' does so, and so do HTTP libraries where a parameter is given apart)"
        )
    return bad("the request line must be METHOD SP target SP HTTP/1.1")


def _index(method: str, target: bytes, minor: int, raw: list[tuple[bytes, bytes, bytes]]) -> Head:
    lines: list[tuple[bytes, bytes, bytes]] = []
    first: dict[bytes, bytes] = {}
    repeated: dict[bytes, list[bytes]] = {}
    for line, name, value in raw:
        lower = name.lower()
        lines.append((lower, value, line))
        if lower in first:
            repeated.setdefault(lower, [first[lower]]).append(value)
        else:
            first[lower] = value
    return Head(method, target, target, b"", minor, lines, first, repeated=repeated)


def _padded(lines: list[tuple[bytes, bytes, bytes]]) -> frozenset[bytes]:
    return frozenset(
        name.lower() for line, name, value in lines if line not in (name + b":" + value, name + b": " + value)
    )


def _read_target(head: Head) -> None:
    host = head.single(b"host")
    if not _names_host(host) if host is not None else head.minor == 1:  # HTTP/1.0 knows no Host
        raise bad("a request needs exactly one Host header with a host name or address")
    target = head.target
    if not target.startswith(b"/"):
        absolute = _ABSOLUTE.fullmatch(target)
        if absolute is None:
            raise bad("the request target must be a path, or an absolute http URL")
        authority, path, query = absolute.groups()
        if not _names_host(authority):
            raise bad("the request target names no host")
        if host is not None and authority.lower() != host.lower():
            raise bad("the request target and the Host header name different hosts")
        target = (path or b"/") + (query or b"")
    if _FORBIDDEN_IN_TARGET.search(target):
        raise bad(
            "the request target holds a fragment (#), a backslash, a null or a % that begins no escape: "
            "percent-encode them, as %23, %5C and %25"
        )
    head.target = target
    head.path, _, head.query = target.partition(b"?")


def _names_host(host: bytes) -> bool:
    return len(host) <= _LONGEST_HOST and _is_authority(host)


@lru_cache(maxsize=64)
def _is_authority(host: bytes) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    address, port = match.groups()
    return (address is None or _is_ipv6(address)) and (port is None or int(port) <= 65535)


def _is_ipv6(address: bytes) -> bool:
    try:
        IPv6Address(address.decode("ascii"))
    except ValueError:
        return False
    return True


def _body_length(head: Head) -> int:
    coding = head.single(b"transfer-encoding")
    length = head.single(b"content-length")
    if coding is not None:
        # White space that parsers strip differently hides the coding from some of them.
        exact = coding.lower() == b"chunked" and b"transfer-encoding" not in head.padded
        if head.minor == 0 or length is not None or not exact:
            raise bad("Transfer-Encoding must be exactly 'chunked', in HTTP/1.1, and without Content-Length")
        return CHUNKED
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise bad("Content-Length must be a plain number")
    return int(length)


def _target_too_long(limits: HeadLimits) -> Failure:
    return Failure(Reason.TARGET_TOO_LONG, f"the request target is longer than {limits.target_bytes} bytes")


def _headers_too_large(limits: HeadLimits) -> Failure:
    return Failure(
        Reason.HEADERS_TOO_LARGE, f"the headers exceed {limits.header_bytes} bytes or {limits.headers} lines"
    )
