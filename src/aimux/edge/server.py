"""The listening side of this process: its limits, and all of its client connections."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final, Protocol

from aimux.core.headers import Trace, trace_from
from aimux.core.reason import Failure
from aimux.edge.deadlines import Deadlines
from aimux.edge.exchange import Exchange
from aimux.edge.identifiers import Identifiers
from aimux.wire.heads import HeadReader
from aimux.wire.http1 import HeadLimits


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one client may take: bytes, header lines, connections, and seconds."""

    head: HeadLimits
    max_body: int
    max_connections: int
    header_timeout: float
    body_timeout: float
    send_timeout: float
    idle_timeout: float
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


_MAPPED: Final = "::ffff:"

BeginTrace = Callable[[Sequence[bytes], str, str], Trace]
"""From a request's traceparent lines, and a new trace id and span id, to its place in a trace."""


def address_of(peername: object) -> str:
    """The address of a peer, `-` where it has none; an IPv4 address that came through an IPv6 socket is written as IPv4."""
    if not isinstance(peername, tuple):
        return "-"
    address: str = peername[0]
    return address.removeprefix(_MAPPED) if address.startswith(_MAPPED) and "." in address else address


class Site(Protocol):
    """What answers the requests."""

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request."""

    def reject(self, exchange: Exchange, failure: Failure) -> None:
        """Answer a request whose head could not be read."""


class Client(Protocol):
    """A client's connection."""

    @property
    def idle(self) -> bool:
        """Whether no request is being served."""

    def close(self) -> None:
        """Close once everything written has been sent."""

    def cut(self) -> None:
        """Close at once."""


class Server:
    """What all client connections share, and the set of them."""

    def __init__(
        self, site: Site, limits: ServerLimits, deadlines: Deadlines, begin_trace: BeginTrace = trace_from
    ) -> None:
        self.site = site
        self.begin_trace = begin_trace
        self.limits = limits
        self.deadlines = deadlines
        self.heads = HeadReader(limits.head)
        self.identifiers = Identifiers()
        self.loop = asyncio.get_running_loop()
        self.connections: set[Client] = set()
        self.emptied = asyncio.Event()

    def trusts(self, peer: str) -> bool:
        """Whether forwarding headers of this peer are believed."""
        networks = self.limits.trusted_proxies
        return bool(networks) and any(ip_address(peer) in network for network in networks)

    async def finish(self) -> None:
        """Close every connection once what was written to it has been sent, and wait for that."""
        for connection in list(self.connections):
            connection.close()
        if self.connections:
            await self.emptied.wait()

    def abort(self) -> int:
        """Cut every connection; the number of requests that were under way."""
        busy = sum(not connection.idle for connection in self.connections)
        for connection in list(self.connections):
            connection.cut()
        return busy
