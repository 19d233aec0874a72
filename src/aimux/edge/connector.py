"""Opening connections to one upstream: name resolution, an attempt on each address, and TLS, within one timeout."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from aimux.core.exhaustion import EXHAUSTED, out_of_descriptors
from aimux.core.policy import Upstream
from aimux.core.reason import Failure, Reason
from aimux.edge.causes import attempts, os_error
from aimux.edge.descriptors import Descriptors
from aimux.edge.happy_eyeballs import Attempt, connect, delay_for, interleaved
from aimux.edge.resolver import Address, Resolver, literal, lookup_error
from aimux.edge.tls_causes import TlsCauses

_MOST_ADDRESSES: Final = 32
"""Addresses of a name that are tried for one connection."""
_AVOIDED: Final = 30.0
"""Seconds for which an address that failed, or was overtaken by another one, is tried last."""

T = TypeVar("T")
Speak = Callable[..., Awaitable[T]]
"""Makes something of a connection: called with `sock`, a connected socket, or with the `host` and `port` to connect to.

Raises OSError, ssl.SSLError among them.
"""


@dataclass(slots=True)
class _Trail:
    """How far connecting has come: the addresses that were tried, and the one that is connected to."""

    timeout: float
    resolved: bool = False
    tried: list[Attempt] = field(default_factory=list)
    address: Address | None = None

    @property
    def exhausted(self) -> bool:
        """Whether an attempt found no file descriptor."""
        return any(each.error is not None and each.error.errno in EXHAUSTED for each in self.tried)


@dataclass(frozen=True, slots=True)
class Shared:
    """What the connectors of one process share.

    `reclaim` closes connections that carry no request, where descriptors have run out, and returns how many.
    """

    resolver: Resolver
    descriptors: Descriptors
    reclaim: Callable[[], int]


class Connector:
    """Opens connections to one upstream."""

    def __init__(self, upstream: Upstream, shared: Shared) -> None:
        self._upstream = upstream
        self._resolver = shared.resolver
        self._descriptors = shared.descriptors
        self._reclaim = shared.reclaim
        self._loop = asyncio.get_running_loop()
        self._literal = literal(upstream.host, upstream.port)
        self._avoided: dict[Address, float] = {}
        self._tls_causes = TlsCauses(upstream.host, shared.descriptors.new_socket)

    async def connect(self, speak: Speak[T], timeout: float) -> tuple[T, Address]:  # noqa: ASYNC109  (of all steps)
        """What `speak` makes of a connection, TLS included where the upstream has it, and the address that it is to.

        `timeout` is in seconds and covers name resolution, connecting and TLS. Raises Failure, whose detail names each
        address and its error.
        """
        await asyncio.sleep(0)  # a timeout needs a task, which a request has only once it has waited
        try:
            return await self._connect(speak, _Trail(timeout))
        except Failure as failure:
            if failure.reason is not Reason.OUT_OF_DESCRIPTORS or not self._reclaim():
                raise
        await asyncio.sleep(0)  # what was reclaimed is closed by then
        return await self._connect(speak, _Trail(timeout))

    async def _connect(self, speak: Speak[T], trail: _Trail) -> tuple[T, Address]:
        try:
            async with asyncio.timeout(trail.timeout):
                addresses = self._literal or await self._resolver.resolve(self._upstream.host, self._upstream.port)
                trail.resolved = True
                if len(addresses) == 1 and not self._upstream.secure and not addresses[0].has_scope:
                    return await self._directly(addresses[0], speak, trail), addresses[0]
                connected, trail.address = await self._race(addresses, trail)
                return await speak(sock=connected), trail.address
        except TimeoutError as error:
            raise self._late(trail, error) from error
        except ssl.SSLCertVerificationError as error:
            message = "the upstream's TLS certificate is not trusted"
            detail = self._detail(await self._tls_causes.untrusted(error, trail.address))
            raise Failure(Reason.UPSTREAM_UNREACHABLE, message, detail, passing=False) from error
        except (OSError, UnicodeError) as error:
            raise self._failed(trail, error) from error

    async def _directly(self, address: Address, speak: Speak[T], trail: _Trail) -> T:
        """Let the event loop connect to the only address: that costs less than an attempt of ours. Raises OSError."""
        attempt = Attempt(address)
        trail.tried.append(attempt)
        try:
            self._descriptors.check()
            return await speak(host=address.sockaddr[0], port=address.sockaddr[1])
        except OSError as error:
            attempt.error = error
            raise

    async def _race(self, addresses: Sequence[Address], trail: _Trail) -> tuple[socket.socket, Address]:
        """A socket that is connected to one of the addresses, and which. Raises OSError."""
        ordered = self._ordered(addresses)[:_MOST_ADDRESSES]
        connected, address = await connect(
            ordered, delay_for(len(ordered), trail.timeout), trail.tried, self._descriptors.new_socket
        )
        if len(trail.tried) > 1:
            self._avoid(trail.tried, address)
        return connected, address

    def _ordered(self, addresses: Sequence[Address]) -> list[Address]:
        """The addresses in the order in which they are tried: those that gave no connection lately come last."""
        if not self._avoided:
            return interleaved(addresses)
        now = self._loop.time()
        self._avoided = {address: until for address, until in self._avoided.items() if until > now}
        return sorted(interleaved(addresses), key=self._avoided.__contains__)

    def _avoid(self, tried: Sequence[Attempt], won: Address) -> None:
        until = self._loop.time() + _AVOIDED
        for each in tried:
            if each.address != won and (each.overtaken or each.error is not None):
                self._avoided[each.address] = until
        self._avoided.pop(won, None)

    # What went wrong.

    def _late(self, trail: _Trail, error: TimeoutError) -> Failure:
        if trail.exhausted:
            return out_of_descriptors(self._detail(attempts(trail.tried)))
        within = f"within upstreams.connect_timeout ({trail.timeout:g} s)"
        if not trail.resolved:
            waiting = self._resolver.waiting
            others = f"; {waiting} names wait for their lookup" if waiting else ""
            detail = f"its name was not resolved {within}{others}"
        elif trail.address is None:
            why = "no answer" if error.errno else f"no connection {within}"
            detail = f"{why}: {attempts(trail.tried)}"
        else:
            detail = f"{trail.address}: TLS handshake not finished {within}"
        message = "the upstream could not be reached in time"
        return Failure(Reason.UPSTREAM_TIMEOUT, message, self._detail(detail), passing=True)

    def _failed(self, trail: _Trail, error: OSError | UnicodeError) -> Failure:
        if not trail.resolved:
            exhausted = isinstance(error, OSError) and (error.errno in EXHAUSTED or self._descriptors.exhausted)
            detail = f"its name cannot be resolved: {lookup_error(error)}"
        elif trail.address is None:
            exhausted, detail = trail.exhausted, attempts(trail.tried)
        else:
            exhausted = isinstance(error, OSError) and error.errno in EXHAUSTED
            why = os_error(error) if isinstance(error, OSError) else repr(error)
            detail = f"{trail.address}: {'TLS handshake failed: ' if self._upstream.secure else ''}{why}"
        if exhausted:
            return out_of_descriptors(self._detail(detail))
        return Failure(Reason.UPSTREAM_UNREACHABLE, "the upstream cannot be reached", self._detail(detail))

    def _detail(self, what: str) -> str:
        return f"{self._upstream.authority}: {what}"
