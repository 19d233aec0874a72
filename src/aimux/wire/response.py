"""The head of an upstream's response: its lines as they come, what they say of the body, and which of them go on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from aimux.core.headers import crosses_to_client, plain_id
from aimux.core.reason import Failure, Reason
from aimux.wire.redirects import LEADING

_NO_OPTIONS: frozenset[bytes] = frozenset()
_PHRASE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_IDS = (b"x-request-id", b"request-id")
_LOOKED_AT = frozenset({b"content-length", b"transfer-encoding", b"connection", *_IDS, *LEADING})
_PERSISTENCE = frozenset({b"keep-alive"})
_LONGEST_LENGTH = 18
_LONGEST_KNOWN = 64


@dataclass(frozen=True, slots=True)
class ResponseHeadLimits:
    """How large a response's head may be, in bytes and in header lines."""

    header_bytes: int = 64 * 1024
    headers: int = 200


@dataclass(slots=True)
class ResponseHead:
    """A head that grows. `lines` are what may go on: each header's name in lower case, and its line.

    `leads` says whether any header holds an address for the reader, as LEADING names them.
    `ids` are what the upstream calls the request, by the header.
    """

    phrase: bytes = b""
    lines: list[tuple[bytes, bytes]] = field(default_factory=list)
    size: int = 0
    count: int = 0
    connection: frozenset[bytes] = _NO_OPTIONS
    lengths: tuple[bytes, ...] = ()
    codings: tuple[bytes, ...] = ()
    leads: bool = False
    ids: tuple[tuple[bytes, bytes], ...] = ()

    def add(self, headers: Sequence[tuple[bytes, bytes]], limits: ResponseHeadLimits) -> None:
        """Take headers. Raises Failure over the limits."""
        lines, size = self.lines, self.size
        for name, padded in headers:
            size += len(name) + len(padded) + 4
            lower, counts, crosses = _known(name) if len(name) <= _LONGEST_KNOWN else _look_at(name)
            value = padded.strip(b" \t")
            if counts:
                self._heed(lower, value)
            if crosses:
                lines.append((lower, name + b": " + value))
        self.size = size
        self.count += len(headers)
        if size > limits.header_bytes or self.count > limits.headers:
            raise headers_too_large()

    def _heed(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            self.lengths += (value,)
        elif name == b"transfer-encoding":
            self.codings += (value,)
        elif name in LEADING:
            self.leads = True
        elif name in _IDS:
            self.ids += ((name, value),)
        else:
            self.connection |= {option.strip().lower() for option in value.split(b",")}

    def check_status_line(self, version: str) -> None:
        """Raises Failure for another version than 1.0 and 1.1, and for a reason phrase that is no text."""
        if version not in {"1.0", "1.1"}:
            raise invalid("the upstream does not answer in HTTP/1.1 or HTTP/1.0")
        if not _PHRASE.fullmatch(self.phrase):
            raise invalid("the reason phrase of the upstream's response holds control characters")
        if version == "1.0" and self.codings:
            raise invalid("the upstream's response is in HTTP/1.0, which knows no transfer coding")

    def for_client(self) -> list[bytes]:
        """The lines that go on to the client."""
        # Persistence names no header that another rule does not stop; without it the common case has no options.
        connection = self.connection - _PERSISTENCE if self.connection else _NO_OPTIONS
        return [line for name, line in self.lines if not connection or crosses_to_client(name, connection)]

    def id_besides(self, ours: str) -> str | None:
        """The upstream's id of the request, where it can be passed on. An echo of our own id is none."""
        for name in _IDS:
            found = plain_id([value for key, value in self.ids if key == name])
            if found is not None and found != ours:
                return found
        return None

    def body_length(self) -> int | None:
        """The body's length; None where chunks or the connection's end tell. Raises Failure where it is ambiguous."""
        if len(self.lengths) + len(self.codings) > 1:
            raise invalid("the length of the upstream's response can be read in two ways")
        if self.codings and self.codings[0].lower() != b"chunked":
            raise invalid("the upstream's response has a transfer coding other than chunked")
        if not self.lengths:
            return None
        (length,) = self.lengths
        if not (length.isdigit() and len(length) <= _LONGEST_LENGTH):
            raise invalid("the upstream's response has a malformed length")
        return int(length)

    def ends_with_connection(self, status: int) -> bool:
        """Whether the body has no other end than the connection's."""
        return not self.lengths and not self.codings and status not in {204, 304}


def _look_at(name: bytes) -> tuple[bytes, bool, bool]:
    """A header's name in lower case, whether the gateway looks at it, and whether it may go on to the client."""
    lower = name.lower()
    return lower, lower in _LOOKED_AT, crosses_to_client(lower, _NO_OPTIONS)


_known = lru_cache(maxsize=512)(_look_at)


def invalid(message: str) -> Failure:
    """A response that cannot be read, or can be read in more than one way."""
    return Failure(Reason.UPSTREAM_INVALID, message)


def headers_too_large() -> Failure:
    """A response whose head is over the limits."""
    return invalid("the headers of the upstream's response are too large")
