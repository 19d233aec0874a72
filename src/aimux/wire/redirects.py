"""Addresses in a response that lead its reader on: kept at the gateway, whichever way the upstream writes them.

A client follows a redirect by itself, with its method, its body and its own headers. One to the upstream's own origin
would take it past the gateway, where nobody decides and nothing is recorded. Header names are in lower case.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from aimux.core.policy import Upstream
from aimux.core.prefixes import Address, PrefixTable
from aimux.core.reason import Failure, Reason
from aimux.wire.prefixes import leads_to, path_at_gateway
from aimux.wire.references import Reference, WebOrigin, encoded, read_reference, resolve, web_origin

LEADING: Final = frozenset({b"location", b"refresh", b"content-location", b"link"})
"""The headers that hold an address for the reader."""
# HTML's "shared declarative refresh steps": seconds, then the address, in quotes or not, behind `url=` or not.
_REFRESH: Final = re.compile(
    rb"([0-9]++(?:\.[0-9]*+)?+)[ \t]*+(?:[;,][ \t]*+(?:[uU][rR][lL][ \t]*+=[ \t]*+)?+(.+)?)?", re.DOTALL
)
_QUOTED: Final = re.compile(rb"(['\"])([^'\"]*)\1")
# A quoted parameter of a link may hold anything, brackets too. One that does not end is taken to the header's end, so
# that it is not looked through again from each of its quotes.
_LINK: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|<([^<>]*+)>', re.DOTALL)
# Each may be a path that can be read in many ways, which takes up to 0.4 ms.
_MOST_LINKS: Final = 100
_LONGEST_SHOWN: Final = 253
_MESSAGE: Final = (
    "the upstream's response leads its reader past the gateway (to another origin, out of the route's base path, or to "
    "no clear place), to a path that addresses another route, or names another caller or text than the request did. "
    "Let the upstream redirect within its base path, or set redirects: pass for the route"
)

Line = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """An upstream whose redirects are kept at the gateway.

    `speaking` are the query parameters that name a caller or hold a text, `prefixes` those that address routes.
    """

    upstream: Upstream
    speaking: frozenset[str] = frozenset()
    prefixes: PrefixTable | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that is answered: whom it went to, its target there, and the hosts that X-Forwarded-Host named.

    `address` is the prefix that it came by, if any: its reader stays behind it.
    """

    kept: Kept
    target: bytes
    hosts: tuple[bytes, ...] = ()
    address: Address | None = None

    @property
    def upstream(self) -> Upstream:
        """The origin that the request went to."""
        return self.kept.upstream

    def is_said(self, query: bytes) -> bool:
        """Whether the request itself has named each caller and text that a query names."""
        said = self._spoken(self.target.partition(b"?")[2])
        return self._spoken(query) <= said

    def _spoken(self, query: bytes) -> set[tuple[str, str]]:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True)
        return {(name, value) for name, value in pairs if name in self.kept.speaking}

    def is_own(self, reference: Reference) -> bool:
        """Whether a reference leads to the upstream's origin, or to the gateway's as the upstream was told of it."""
        if reference.authority is None:
            return True
        own = WebOrigin(
            b"https" if self.upstream.secure else b"http", self.upstream.host.encode("ascii"), self.upstream.port
        )
        if web_origin(reference.scheme or own.scheme, reference.authority) == own:
            return True
        schemes = (b"http", b"https") if reference.scheme is None else (reference.scheme,)
        named = [web_origin(scheme, reference.authority) for scheme in schemes]
        told = {web_origin(scheme, host) for scheme in schemes for host in self.hosts}
        return any(origin is not None and origin in told for origin in named)

    def at_gateway(self, reference: Reference) -> bytes | None:
        """The path-absolute reference at the gateway; None where it leads elsewhere."""
        if not self.is_own(reference):
            return None
        path, query = resolve(reference, self.target)
        found = path_at_gateway(path, self.upstream.base_path.encode("ascii"), self.address)
        if found is None or not self._stays(encoded(found)):
            return None
        return encoded(found + query + reference.fragment)

    def _stays(self, path: bytes) -> bool:
        """Whether a path at the gateway addresses what the request did: the same prefix, or none."""
        own = "" if self.address is None else self.address.prefix.path.decode("ascii")
        return self.kept.prefixes is None or leads_to(path, self.kept.prefixes) == own


def kept_at_gateway(lines: Sequence[Line], status: int, asked: Asked) -> list[Line]:
    """A response's header lines with their addresses as the gateway's, each with its name in lower case.

    Raises Failure where it would redirect its reader past the gateway, or make it say what it did not.
    """
    binding = [name for name, _ in lines if _binds(name, status)]
    if len(set(binding)) < len(binding):
        raise _refused("several addresses in one response", b"")
    found = []
    for name, line in lines:
        if name in LEADING:
            rewrite = _rewriter(name, status)
            given = line[: len(name)]
            found.append((name, given + b": " + rewrite(line[len(name) + 2 :], asked)))
        else:
            found.append((name, line))
    return found


def _binds(name: bytes, status: int) -> bool:
    """Whether clients go where this header says, by themselves."""
    return name == b"refresh" or (name == b"location" and 300 <= status < 400)


def _rewriter(name: bytes, status: int) -> Callable[[bytes, Asked], bytes]:
    if name == b"link":
        return _link
    if name == b"refresh":
        return _refresh
    return _redirect if _binds(name, status) else _mention


def _redirect(value: bytes, asked: Asked) -> bytes:
    reference = read_reference(value)
    if reference is None:
        raise _refused("an address that clients read in several ways", value)
    found = asked.at_gateway(reference)
    if found is None:
        where = "out of the base path, or to another route" if asked.is_own(reference) else "to another origin"
        raise _refused(where, value)
    # Followed, it would be taken for what the client says: its name, and what it wants of which route.
    if not asked.is_said(encoded(reference.query[1:])):
        raise _refused("to a query that names another caller or text", value)
    return found


def _refresh(value: bytes, asked: Asked) -> bytes:
    match = _REFRESH.fullmatch(value)
    if match is None:
        raise _refused("a Refresh that clients read in several ways", value)
    seconds, address = match.groups()
    if address is None:
        return seconds
    quoted = _QUOTED.fullmatch(address)
    if quoted is None and address[:1] in {b"'", b'"'}:
        raise _refused("a Refresh that clients read in several ways", value)
    return seconds + b"; url=" + _redirect(address if quoted is None else quoted[2], asked)


def _mention(value: bytes, asked: Asked) -> bytes:
    """An address that nobody follows by itself: as it came where it is not the upstream's."""
    reference = read_reference(value)
    if reference is None:
        return value
    if reference.is_relative and not reference.path.startswith(b"/") and asked.address is None:
        return value  # it means the same at the gateway; behind a prefix, where paths are moved, it may not
    return asked.at_gateway(reference) or value


def _link(value: bytes, asked: Asked) -> bytes:
    def rewrite(found: re.Match[bytes]) -> bytes:
        return found[0] if found[1] is None else b"<" + _mention(found[1], asked) + b">"

    return _LINK.sub(rewrite, value, count=_MOST_LINKS)


def _refused(why: str, value: bytes) -> Failure:
    host = _host_in(value)
    detail = f"the upstream leads {why}, host {host!r}" if host else f"the upstream leads {why}"
    return Failure(Reason.REDIRECT_REFUSED, _MESSAGE, detail)


def _host_in(value: bytes) -> str:
    """The host in an address that may be malformed, without credentials; empty where there is none."""
    _, _, rest = value.replace(b"\\", b"/").partition(b"//")
    authority = re.split(rb"[/?#]", rest, maxsplit=1)[0]
    return authority.rpartition(b"@")[2][:_LONGEST_SHOWN].decode("latin-1")
