"""Routes addressed by path: the prefix is read by its raw text and whole segments, and taken off; nothing is resolved.

A path that no prefix begins by its raw text, and that one begins once a server has decoded or resolved it, is refused:
whoever reads it later could take it for another route's than the gateway did.
"""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Final

from aimux.core.prefixes import Address, PrefixTable
from aimux.core.reason import Failure
from aimux.wire.decoded import climbs, readings
from aimux.wire.http1 import Head, bad

INSERTED: Final = (
    b"oauth-protected-resource",  # RFC 9728 section 3.1
    b"oauth-authorization-server",  # RFC 8414 section 3.1
    b"openid-configuration",  # RFC 8414 section 5: OpenID's own form appends it, which is plain addressing
)
"""Documents of a path that are asked for with their name inserted between host and path."""
APPENDED: Final = (b"agent-card.json",)  # A2A 1.0 section 8.2: the card of an agent lies below the agent's own path
"""Documents that the upstream keeps below the path, and that are asked for in the other form all the same."""

_WELL_KNOWN: Final = b"/.well-known/"
_UNCLEAR: Final = re.compile(rb"[%;]|//|/\.")
"""Whatever makes servers read a path in another way than its raw text; a backslash is refused before."""
_MOST_REMEMBERED: Final = 512
_CLIMBS: Final = "the request path holds '..' behind a prefix, which could lead out of its route: write it resolved"
_OTHERWISE: Final = (
    "the request path spells a route's prefix in another way: write the prefix as it is, without percent-encoding, "
    "dot segments, empty segments and ';'"
)


def without_prefix(head: Head, table: PrefixTable) -> Head:
    """The head as its route sees it: the prefix taken off, and what it addresses in `address`.

    A head whose path begins with no prefix is given back as it is. Raises Failure where the path could be read as
    behind a prefix and is not written so, and for a `..` behind one.
    """
    return _remembered(head, table) if head.remembered else _without_prefix(head, table)


def _without_prefix(head: Head, table: PrefixTable) -> Head:
    address = address_of(head.path, table)
    if address is None:
        return head
    return replace(head, target=address.rest + head.target[len(head.path) :], path=address.rest, address=address)


_remembered = lru_cache(maxsize=_MOST_REMEMBERED)(_without_prefix)


def address_of(path: bytes, table: PrefixTable) -> Address | None:
    """What a request's path addresses by a prefix; None where it begins with none. Raises as `without_prefix` does."""
    found = _read(path, table)
    if _UNCLEAR.search(path) is None:
        return found
    if found is not None and climbs(path):
        raise bad(_CLIMBS)
    meant = _place(found)
    if any(_place(_read(each, table)) != meant for each in readings(path)):
        raise bad(_OTHERWISE)
    return found


def prefix_route(path: str, table: PrefixTable | None) -> str | None:
    """The route that a path, as it was recorded, addresses by a prefix; None for no route, and for an unclear path."""
    try:
        found = None if table is None else recorded_address(path, table)
    except Failure:
        return None
    return None if found is None else found.prefix.route


def recorded_address(path: str, table: PrefixTable) -> Address | None:
    """What a path addresses as it was recorded, maybe cut short. Raises as `address_of` does."""
    return address_of(path.encode("latin-1", "replace"), table)


def leads_to(path: bytes, table: PrefixTable) -> str | None:
    """The prefix that a path begins with, empty for none; None where that is not clear."""
    try:
        found = address_of(path, table)
    except Failure:
        return None
    return "" if found is None else found.prefix.path.decode("ascii")


def path_at_gateway(path: bytes, base: bytes, address: Address | None) -> bytes | None:
    """The path at the gateway of an upstream's path, for a client that has come by `address` (None: by no prefix).

    `base` is the upstream's base path. None where it lies nowhere there.
    """
    rest = path[len(base) :]
    if path.startswith(base) and (rest.startswith(b"/") or (address is not None and not rest)):
        if address is not None:
            return address.prefix.path + rest
        return None if rest.startswith(b"//") else rest
    if address is not None:
        for name in INSERTED:
            before = _WELL_KNOWN + name
            rest = path[len(before) + len(base) :]
            if path.startswith(before + base) and (not rest or rest.startswith(b"/")):
                return before + address.prefix.path + rest
    return None


def _read(path: bytes, table: PrefixTable) -> Address | None:
    """The address in a path as it is written."""
    if path.startswith(_WELL_KNOWN):
        name, slash, behind = path[len(_WELL_KNOWN) :].partition(b"/")
        if not slash or name not in (*INSERTED, *APPENDED):
            return None
        found = table.find(b"/" + behind)
        if found is None:
            return None
        document, rest = _WELL_KNOWN + name, behind[len(found.path) - 1 :]
        if name in INSERTED:
            return Address(found, rest, document)
        return Address(found, rest.removesuffix(b"/") + document)
    found = table.find(path)
    return None if found is None else Address(found, path[len(found.path) :])


def _place(address: Address | None) -> tuple[bytes, bytes] | None:
    return None if address is None else (address.prefix.path, address.inserted)
