"""The origin of a request to management: this machine itself, a proxy, or the page of another site."""

import re
from ipaddress import ip_address
from typing import Final

from aimux.edge.exchange import Exchange
from aimux.wire.http1 import Head

_LOOPBACK_HOST: Final = re.compile(rb"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_FORWARDING: Final = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via")
_OWN_PAGES: Final = frozenset({b"none", b"same-origin"})


def is_from_this_machine(exchange: Exchange) -> bool:
    """Whether a peer on this machine asks as localhost, through no proxy and from no other site's page."""
    head = exchange.head
    return (
        is_loopback(exchange.origin.peer)
        and _LOOPBACK_HOST.fullmatch(head.first.get(b"host", b"")) is not None
        and not came_through_a_proxy(head)
        and is_same_origin(head)
    )


def came_through_a_proxy(head: Head) -> bool:
    """Whether a proxy says that it passed the request on."""
    return any(name in head.first for name in _FORWARDING)


def is_same_origin(head: Head) -> bool:
    """Whether no other site's page made a browser ask."""
    if head.first.get(b"sec-fetch-site", b"none") not in _OWN_PAGES:
        return False
    origin = head.first.get(b"origin")
    return origin is None or origin.lower() == b"http://" + head.first.get(b"host", b"").lower()


def is_cross_site(head: Head) -> bool:
    """Whether the page of another site made a browser ask.

    Behind a proxy that ends TLS the gateway's own page has the scheme https, so that both are its own.
    """
    if head.first.get(b"sec-fetch-site", b"none") not in _OWN_PAGES:
        return True
    origin = head.first.get(b"origin")
    host = head.first.get(b"host", b"").lower()
    return origin is not None and origin.lower() not in {b"http://" + host, b"https://" + host}


def is_loopback(peer: str) -> bool:
    """Whether an address is one of this machine's alone. What is no address, such as `unix`, is not."""
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
