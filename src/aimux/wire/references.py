"""References to resources, as headers carry them: their parts, the origin that they name, the path that they lead to.

Grammar and resolution: RFC 3986 sections 4, 5 and appendix B. What browsers read otherwise (a backslash, control
characters, `http:/x`) names no clear place and is not resolved.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final

_REFERENCE: Final = re.compile(rb"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_AUTHORITY: Final = re.compile(rb"(?:\[([0-9A-Fa-f:.]{2,45})\]|([^\[\]:@]+))(?::([0-9]{0,5}))?")
_CONTROLS: Final = re.compile(rb"[\x00-\x1f\x7f]")
_TO_ENCODE: Final = re.compile(rb"[\x00-\x20\x7f-\xff]")
_PORTS: Final = {b"http": 80, b"https": 443}


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts of a reference. `scheme` is in lower case; `query` and `fragment` begin with their sign."""

    scheme: bytes | None
    authority: bytes | None
    path: bytes
    query: bytes = b""
    fragment: bytes = b""

    @property
    def is_relative(self) -> bool:
        """Whether it names neither a scheme nor a host."""
        return self.scheme is None and self.authority is None


@dataclass(frozen=True, slots=True)
class WebOrigin:
    """A scheme, a host in lower case (an IPv6 address in its shortest form) and a port."""

    scheme: bytes
    host: bytes
    port: int


def read_reference(text: bytes) -> Reference | None:
    """The parts of a reference; None where clients could read it in several ways."""
    match = _REFERENCE.fullmatch(text)
    if match is None or _CONTROLS.search(text):
        return None
    scheme, authority, path, query, fragment = match.groups()
    if b"\\" in path or b"\\" in (authority or b""):
        return None  # a slash to browsers, and no slash to others
    if scheme is not None and authority is None:
        return None  # `http:x` and `http:/x` lead to a host in browsers, and `mailto:` is no place
    return Reference(scheme and scheme.lower(), authority, path, query or b"", fragment or b"")


def web_origin(scheme: bytes, authority: bytes) -> WebOrigin | None:
    """The origin that an http or https scheme and an authority name; None where they name none, or credentials too."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None or scheme not in _PORTS:
        return None
    address, name, port = match.groups()
    host = name.lower() if address is None else _shortest(address)
    return None if host is None else WebOrigin(scheme, host, int(port) if port else _PORTS[scheme])


def _shortest(address: bytes) -> bytes | None:
    try:
        return IPv6Address(address.decode("ascii")).compressed.encode("ascii")
    except ValueError:
        return None


def resolve(reference: Reference, target: bytes) -> tuple[bytes, bytes]:
    """The path and query that a reference leads to from a request's target, on whichever host. The path is absolute."""
    path, query = reference.path, reference.query
    if reference.is_relative and not path.startswith(b"/"):
        base, sign, rest = target.partition(b"?")
        if not path:
            path, query = base, query or sign + rest
        else:
            path = base[: base.rindex(b"/") + 1] + path
    return _without_dots(path or b"/"), query


def _without_dots(path: bytes) -> bytes:
    """An absolute path without segments `.` and `..`, the encoded ones (`%2e`) included, as browsers read them."""
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        plain = segment.lower().replace(b"%2e", b".")
        if plain == b"..":
            del kept[-1:]
        elif plain != b".":
            kept.append(segment)
    if segments[-1].lower().replace(b"%2e", b".") in {b".", b".."}:
        kept.append(b"")
    return b"/" + b"/".join(kept)


def encoded(text: bytes) -> bytes:
    """The text with blanks and all bytes beyond ASCII percent-encoded, so that nobody has to guess their encoding."""
    return _TO_ENCODE.sub(lambda found: b"%%%02X" % found[0][0], text)
