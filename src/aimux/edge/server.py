"""The listening side of this process: its limits, and all of its client connections."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final, Protocol

from aimux.core.exhaustion import out_of_descriptors
from aimux.core.headers import Trace, trace_from
from aimux.core.reason import Failure, Reason
from aimux.edge.deadlines import Deadlines
from aimux.edge.descriptors import Descriptors
from aimux.edge.exchange import Exchange
from aimux.edge.identifiers import Identifiers
from aimux.wire.forwarding import Origin
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
_GONE: Final = "-"
"""Stands for the address of a peer that had left before it was asked for."""

_UNIX: Final = "unix"
"""Stands for the address of a peer on a Unix socket, in records and in the log."""
_CREDENTIALS: Final = struct.Struct("iII")  # process, user and group, as Linux tells them

BeginTrace = Callable[[Sequence[bytes], str, str], Trace]
"""From a request's traceparent lines, and a new trace id and span id, to its place in a trace."""


def origin_of(transport: asyncio.BaseTransport, trusts: Callable[[str], bool]) -> Origin:
    """Who is at the other end of a connection. `trusts` says whether forwarding headers of an address are believed."""
    connected = transport.get_extra_info("socket")
    if connected.family == socket.AF_UNIX:
        return Origin(_UNIX, uid=_user_of(connected))
    address = address_of(transport.get_extra_info("peername"))
    return Origin(address, trusts(address))


def _user_of(connected: socket.socket) -> int | None:
    """The user at the other end of a Unix socket when it connected; None where the system does not tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    try:
        given = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return None
    _, uid, _ = _CREDENTIALS.unpack(given)
    return int(uid)


def address_of(peername: object) -> str:
    """The address of a peer, `-` where it has left. One of IPv4 that came through an IPv6 socket is written as IPv4."""
    if not isinstance(peername, tuple):
        return _GONE
    address: str = peername[0]
    return address.removeprefix(_MAPPED) if address.startswith(_MAPPED) and "." in address else address


class Handler(Protocol):
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
        self,
        handler: Handler,
        limits: ServerLimits,
        deadlines: Deadlines,
        descriptors: Descriptors,
        *,
        reclaim: Callable[[], int],
        begin_trace: BeginTrace = trace_from,
    ) -> None:
        """`reclaim` closes connections to upstreams that carry no request, and returns how many."""
        self.handler = handler
        self.begin_trace = begin_trace
        self.limits = limits
        self.deadlines = deadlines
        self._descriptors = descriptors
        self._reclaim = reclaim
        self._refused: deque[Client] = deque()
        self.heads = HeadReader(limits.head)
        self.identifiers = Identifiers()
        self.loop = asyncio.get_running_loop()
        self.connections: set[Client] = set()
        self.emptied = asyncio.Event()

    def admit(self, client: Client, descriptor: int) -> Failure | None:
        """Why a client that has just connected is refused, None where it is not. `descriptor` is its socket's."""
        shares = self._descriptors
        if descriptor >= shares.clients and not self._makes_room(descriptor):
            # It is told so and may read that, but not for long: each that waits keeps a descriptor.
            self._refused.append(client)
            if len(self._refused) > shares.lingering:
                self._refused.popleft().cut()
            return out_of_descriptors(
                f"client connections end at descriptor {shares.clients} of {shares.limit}: raise the limit "
                "(LimitNOFILE=, ulimit -Hn), or lower server.max_connections"
            )
        if len(self.connections) > self.limits.max_connections:
            return Failure(Reason.OVERLOADED, "the gateway has as many connections as it takes")
        return None

    def _makes_room(self, descriptor: int) -> bool:
        """Whether connections that nobody uses have had the share of clients, and give it up."""
        shares = self._descriptors
        return descriptor < shares.upstreams and len(self.connections) <= shares.clients and self._reclaim() > 0

    def trusts(self, peer: str) -> bool:
        """Whether forwarding headers of this peer are believed."""
        networks = self.limits.trusted_proxies
        if not networks or peer == _GONE:
            return False
        address = ip_address(peer)
        return any(address in network for network in networks)

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
