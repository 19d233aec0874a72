"""Forwarding: the connections to every upstream, kept alive between requests, and which of them a request gets."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aimux.core.decision import Permit
from aimux.core.headers import id_lines
from aimux.core.policy import Redirects, Route, Upstream
from aimux.core.prefixes import PrefixTable
from aimux.core.reason import Failure, Reason
from aimux.core.record import Ended
from aimux.edge.connector import Connector, Shared
from aimux.edge.deadlines import NEVER, Deadlines
from aimux.edge.descriptors import Descriptors
from aimux.edge.exchange import Exchange
from aimux.edge.outgoing import Outgoing, StaleConnectionError, TruncatedError, UpstreamLimits
from aimux.edge.resolver import Resolver
from aimux.edge.upstream import UpstreamConnection
from aimux.gateway.ports import Outcome
from aimux.wire.forwarding import route_line, upstream_head
from aimux.wire.redirects import Kept

# RFC 9110 section 9.2.2: sent twice, these do what they do once.
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

_UPSTREAM_ERROR: Final = Reason.UPSTREAM_INVALID.kind
_READ_AT_ONCE: Final = 64 * 1024


Trust = Mapping[str | None, ssl.SSLContext]
"""A TLS context for each `ca_file`, None standing for the system's certificates."""


class Pool:
    """The connections to one upstream; the one that was used last is used first."""

    def __init__(
        self,
        upstream: Upstream,
        limits: UpstreamLimits,
        deadlines: Deadlines,
        tls: ssl.SSLContext | None,
        shared: Shared,
    ) -> None:
        self._connector = Connector(upstream, shared)
        self._host = upstream.host
        self._authority = upstream.authority
        self._tls = tls
        self._limits = limits
        self._deadlines = deadlines
        self._loop = asyncio.get_running_loop()
        self._idle: list[UpstreamConnection] = []
        self._open: set[UpstreamConnection] = set()
        self._into = memoryview(bytearray(_READ_AT_ONCE))

    def __len__(self) -> int:
        return len(self._open)

    def take_idle(self) -> UpstreamConnection | None:
        """A kept connection that is still good, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                connection.deadline = NEVER
                return connection
            connection.close()
        return None

    async def connect(self, timeout: float) -> UpstreamConnection:  # noqa: ASYNC109  (it is a part of the route)
        """A new connection, within so many seconds. Raises Failure."""
        connection, address = await self._connector.connect(self._speak, timeout)
        connection.address = str(address)
        if not connection.is_open:
            what = "the upstream closed the connection as soon as it was made"
            raise Failure(Reason.UPSTREAM_UNREACHABLE, what, self.described(connection, what))
        self._open.add(connection)
        self._deadlines.watch(connection)
        return connection

    async def _speak(self, **where: Any) -> UpstreamConnection:
        """A connection over a connected socket (`sock`), or to a `host` and `port`. Raises OSError."""
        _, connection = await self._loop.create_connection(
            lambda: UpstreamConnection(self, self._limits, self._loop, self._into),
            **where,
        )
        if self._tls is not None:
            await connection.start_tls(self._tls, self._host)
        return connection

    def give_back(self, connection: UpstreamConnection) -> None:
        """Keep a connection for the next request, if it can carry one."""
        if connection.is_open:
            self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """The connection is closed."""
        self._open.discard(connection)
        self._deadlines.forget(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def described(self, connection: UpstreamConnection, what: str) -> str:
        """What went wrong with a connection, for the operator: with the upstream and the address that it was to."""
        return f"{self._authority}: {connection.address}: {what}"

    def close_idle(self) -> int:
        """Close the connections that are kept for later; how many."""
        closed, self._idle = self._idle, []
        for connection in closed:
            connection.close()
        return len(closed)

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._open):
            connection.close()


@dataclass(frozen=True, slots=True)
class _Way:
    """A route's pool, and what the gateway says of the route in both directions, made once.

    `keeps` is there where the redirects of its upstream are kept at the gateway.
    """

    route: Route
    pool: Pool
    line: bytes
    keeps: Kept | None


class Upstreams:
    """Forwards permitted requests over one pool an upstream, by the routes that are open."""

    def __init__(self, limits: UpstreamLimits, deadlines: Deadlines, descriptors: Descriptors) -> None:
        self._limits = limits
        self._deadlines = deadlines
        self._shared = Shared(Resolver(), descriptors, self.close_idle)
        self._ways: dict[int, _Way] = {}

    def open(
        self,
        routes: Iterable[Route],
        trust: Trust,
        speaking: frozenset[str] = frozenset(),
        prefixes: PrefixTable | None = None,
    ) -> None:
        """Take these routes, with what `trust_of` has made for them.

        `speaking` are the query parameters that requests go by, `prefixes` those of paths that address routes.

        Plain upstreams that are known already keep their connections. TLS is set up anew: a certificate that is trusted
        no longer must not live on in a kept connection.
        """
        pools = {way.route.upstream: way.pool for way in self._ways.values() if not way.route.upstream.secure}
        ways = {}
        for route in routes:
            upstream = route.upstream
            if upstream not in pools:
                tls = trust[upstream.ca_file] if upstream.secure else None
                pools[upstream] = Pool(upstream, self._limits, self._deadlines, tls, self._shared)
            keeps = Kept(upstream, speaking, prefixes) if route.redirects is Redirects.REWRITE else None
            ways[id(route)] = _Way(route, pools[upstream], route_line(route), keeps)
        self._ways |= ways

    def shut(self, routes: Iterable[Route]) -> None:
        """Give up routes that nobody uses any more, and connections that belong to no other route."""
        shut = [self._ways.pop(id(route)) for route in routes]
        used = {id(way.pool) for way in self._ways.values()}
        for way in shut:
            if id(way.pool) not in used:
                way.pool.close()

    @property
    def open_connections(self) -> int:
        """How many connections to upstreams are open."""
        return sum(len(pool) for pool in self._pools())

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools():
            pool.close()

    def close_idle(self) -> int:
        """Close the connections that carry no request: how many."""
        return sum(pool.close_idle() for pool in self._pools())

    def _pools(self) -> set[Pool]:
        return {way.pool for way in self._ways.values()}

    async def forward(self, permit: Permit, exchange: Exchange, body: bytes | None) -> Outcome:
        """Carry the request to the permit's route and the response back.

        `body` is the body where it has been read, else it is streamed. Raises Failure only while nothing of a response
        has reached the client.
        """
        if not isinstance(permit, Permit):
            raise TypeError("only a Permit forwards")
        way = self._ways.get(id(permit.route))
        if way is None:
            raise ValueError("the permit is for a route that is not open")
        if body is None and exchange.body_complete:
            body = exchange.body
        named, named_again = id_lines(exchange.request_id)
        head = upstream_head(
            exchange.head,
            permit.route.upstream,
            agent=permit.principal.agent,
            own=(way.line, named),
            trace=exchange.trace,
            origin=exchange.origin,
            length=exchange.head.length if body is None else len(body),
        )
        pool = way.pool
        timeouts = permit.route.timeouts
        request = Outgoing(head, body, [way.line, named, named_again], way.keeps, timeouts)
        try:
            connection = pool.take_idle() or await pool.connect(timeouts.connect)
            return await _exchange(pool, connection, request, exchange)
        except StaleConnectionError as error:
            if not _may_resend(exchange, body):
                message = "the upstream closed a kept connection, and this request may not be sent twice: try again"
                raise Failure(Reason.UPSTREAM_UNREACHABLE, message, str(error)) from error
        return await _exchange(pool, await pool.connect(timeouts.connect), request, exchange)


def _may_resend(exchange: Exchange, body: bytes | None) -> bool:
    """Whether a request that got no answer may be sent again: it does the same twice, and all of it is at hand.

    A body that is streamed is gone once some of it has come.
    """
    return exchange.head.method in _IDEMPOTENT and (body is not None or exchange.received == 0)


async def _exchange(pool: Pool, connection: UpstreamConnection, request: Outgoing, exchange: Exchange) -> Outcome:
    try:
        seconds = await connection.exchange(request, exchange)
    except TruncatedError as error:
        exchange.abort()
        return Outcome(Ended.TRUNCATED, 0.0, pool.described(connection, str(error)))
    except StaleConnectionError as error:
        raise StaleConnectionError(pool.described(connection, str(error))) from error
    except Failure as failure:
        if failure.reason.kind == _UPSTREAM_ERROR or failure.reason is Reason.UPSTREAM_TIMEOUT:
            failure.detail = pool.described(connection, failure.detail or failure.message)
        raise
    pool.give_back(connection)
    return Outcome(connection.ended, seconds)


def trust_of(routes: Iterable[Route]) -> Trust:
    """Whom the TLS upstreams of routes are verified by, read anew. Raises ValueError for a file that cannot be used."""
    secure = {route.upstream.ca_file: route.upstream for route in routes if route.upstream.secure}
    return {ca_file: _tls_context(upstream) for ca_file, upstream in secure.items()}


def _tls_context(upstream: Upstream) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=upstream.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"the ca_file of {upstream.url} cannot be read: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
