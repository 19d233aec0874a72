"""Connecting to one of several addresses (RFC 8305): staggered attempts, of which the first to succeed wins.

The attempts are callbacks on sockets of our own: uvloop's `create_connection` tries one address after the other, and
its `sock_connect` drops an IPv6 address's scope. No attempt costs a task.
"""

import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final

from aimux.edge.resolver import Address

_DELAY: Final = 0.25
"""Seconds that an attempt may take before the next one begins: RFC 8305, section 8."""
_SHORTEST_DELAY: Final = 0.01


@dataclass(slots=True, eq=False)
class Attempt:
    """One address that was tried. `error` is why it failed; None while it is under way and where it succeeded.

    `overtaken` says that it gave no answer until the next one began.
    """

    address: Address
    error: OSError | None = None
    overtaken: bool = False


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """The addresses with families taking turns, beginning with the family of the first: RFC 8305, section 4."""
    first = [each for each in addresses if each.family == addresses[0].family]
    others = [each for each in addresses if each.family != addresses[0].family]
    return [each for each in chain.from_iterable(zip_longest(first, others)) if each is not None]


def delay_for(count: int, timeout: float) -> float:
    """Seconds between the attempts on so many addresses: all of them begin within half of `timeout`."""
    return max(_SHORTEST_DELAY, min(_DELAY, timeout / 2 / count))


NewSocket = Callable[[int], socket.socket]
"""Makes a non-blocking stream socket of a family. Raises OSError."""


def new_socket(family: int) -> socket.socket:
    """A non-blocking stream socket. Raises OSError."""
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


async def connect(
    addresses: Sequence[Address], delay: float, tried: list[Attempt], new_socket: NewSocket = new_socket
) -> tuple[socket.socket, Address]:
    """A non-blocking socket connected to one of the addresses, and which; attempts begin `delay` seconds apart.

    An attempt that fails lets the next one begin at once. Each attempt is appended to `tried` when it begins. Raises
    the OSError of the first address where all have failed. All sockets but the returned one are closed, also where the
    call is cancelled.
    """
    race = _Race(addresses, delay, tried, new_socket)
    try:
        return await race.run()
    finally:
        race.end()


class _Race:
    """The attempts of one connection. A socket stays in `_open` until it is closed or returned."""

    def __init__(self, addresses: Sequence[Address], delay: float, tried: list[Attempt], new_socket: NewSocket) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = deque(addresses)
        self._delay = delay
        self._tried = tried
        self._new_socket = new_socket
        self._open: dict[socket.socket, Attempt] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._won: asyncio.Future[socket.socket] = self._loop.create_future()

    async def run(self) -> tuple[socket.socket, Address]:
        """The first socket that is connected, and its address."""
        self._next()
        winner = await self._won
        return winner, self._open.pop(winner).address

    def end(self) -> None:
        """Close every socket that has not been returned."""
        self._stop_timer()
        for losing in self._open:
            self._loop.remove_writer(losing)
            losing.close()
        self._open.clear()

    def _next(self) -> None:
        """Begin the next attempt, and those behind it where it fails at once."""
        self._stop_timer()
        while self._left and not self._won.done():
            if self._begin(self._left.popleft()) and self._left:
                self._timer = self._loop.call_later(self._delay, self._overtake)
                return
        if not self._open and not self._won.done():
            self._won.set_exception(self._tried[0].error or OSError("no address was tried"))

    def _overtake(self) -> None:
        for attempt in self._open.values():
            attempt.overtaken = True
        self._next()

    def _begin(self, address: Address) -> bool:
        """Begin an attempt; whether it is under way or has succeeded."""
        attempt = Attempt(address)
        self._tried.append(attempt)
        try:
            connecting = self._new_socket(address.family)
        except OSError as error:
            attempt.error = error
            return False
        self._open[connecting] = attempt
        code = connecting.connect_ex(address.sockaddr)
        if code == errno.EINPROGRESS:
            self._loop.add_writer(connecting, self._writable, connecting)
            return True
        return self._settle(connecting, code)

    def _writable(self, connecting: socket.socket) -> None:
        self._loop.remove_writer(connecting)
        if not self._settle(connecting, connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)):
            self._next()

    def _settle(self, connecting: socket.socket, code: int) -> bool:
        """Take an attempt's outcome, an errno or 0; whether it has succeeded."""
        if code:
            self._open.pop(connecting).error = OSError(code, os.strerror(code))
            connecting.close()
        elif not self._won.done():
            self._won.set_result(connecting)
        return not code

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
