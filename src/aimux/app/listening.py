"""The sockets that the gateway listens on: those of one process, or the same port for each of several."""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from aimux.app.errors import StartError
from aimux.config.compile import address_of
from aimux.config.load import Loaded
from aimux.config.server_section import ServerConfig

BACKLOG: Final = 2048
_MOST_UNSENT: Final = 128 * 1024
_UNSPECIFIED: Final = "::"
_NO_FAMILY: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})


async def bind(server: ServerConfig) -> list[socket.socket]:
    """Sockets that listen on the configured address and port, one an address that the host's name has.

    Who connects before anybody accepts waits. Raises StartError.
    """
    sockets = await _alone(server)
    for each in sockets:
        listen(each)
    return sockets


async def _alone(server: ServerConfig) -> list[socket.socket]:
    return await bind_address(server.host, server.port, lambda error: _taken(server, error))


async def bind_address(host: str, port: int, failed: Callable[[OSError], StartError]) -> list[socket.socket]:
    """Sockets bound to an address and port, which nobody else can have then. Raises what `failed` makes of an error."""
    sockets: list[socket.socket] = []
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            try:
                sockets.append(_bound(family, address))
            except OSError as error:
                # A name may have an IPv6 address on a machine without IPv6: its other addresses do.
                if error.errno not in _NO_FAMILY or len(found) == 1:
                    raise
        if not sockets:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    except OSError as error:
        for each in sockets:
            each.close()
        raise failed(error) from error
    return sockets


def _bound(family: int, address: Any, *, shared: bool = False) -> socket.socket:
    """A socket bound to an address; `shared` lets other workers bind to it too. Raises OSError.

    The unspecified IPv6 address takes IPv4 clients as well, whose addresses are then written `::ffff:192.0.2.1`.
    """
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != _UNSPECIFIED)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def listen(bound: socket.socket) -> None:
    """Let clients connect; who does before anybody accepts waits."""
    # Connections inherit it: a client that does not read keeps this much waiting in the kernel and no megabytes.
    if bound.family != socket.AF_UNIX:
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _MOST_UNSENT)
    bound.listen(BACKLOG)


class SharedPort:
    """A port that each worker has listening sockets of its own for: the kernel shares connections out among them.

    It does so evenly, however busy a worker is just then, and a worker that has died gets none. Everybody else is kept
    from the port, which the option that makes this possible would allow to any gateway of the same user.
    """

    def __init__(self, server: ServerConfig, addresses: Sequence[tuple[int, Any]]) -> None:
        self._server = server
        self._addresses = addresses

    @classmethod
    async def take(cls, server: ServerConfig) -> "SharedPort":
        """Make sure that nobody has the port, and learn its number. Raises StartError."""
        alone = await _alone(server)
        try:
            return cls(server, [(each.family, each.getsockname()) for each in alone])
        finally:
            for each in alone:
                each.close()

    def open(self, *, listening: bool) -> list[socket.socket]:
        """Sockets for one more worker. Those that do not listen yet get no connections. Raises StartError."""
        sockets = []
        try:
            for family, address in self._addresses:
                sockets.append(_bound(family, address, shared=True))
                if listening:
                    listen(sockets[-1])
        except OSError as error:
            for each in sockets:
                each.close()
            raise _taken(self._server, error) from error
        return sockets

    @property
    def number(self) -> int:
        """The port."""
        found: int = self._addresses[0][1][1]
        return found


class StartingHere:
    """Keeps a second gateway from starting on the same port in the same moment, when neither sees the other yet."""

    def __init__(self, server: ServerConfig) -> None:
        self._server = server
        self._lock = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> None:
        if sys.platform != "linux" or not self._server.port:
            return
        try:
            self._lock.bind(f"\0aimux-starting-on-port-{self._server.port}")
        except OSError as error:
            self._lock.close()
            if error.errno == errno.EADDRINUSE:
                error.strerror = "another gateway is starting there"
            raise _taken(self._server, error) from error

    def __exit__(self, *_: object) -> None:
        self._lock.close()


def url_of(host: str, port: int) -> str:
    """Where clients find it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def found_at(loaded: Loaded, bound: socket.socket) -> Loaded:
    """A configuration whose hints name the port that was really taken: it may say that any free one will do."""
    address = address_of(loaded.config.server.host, str(bound.getsockname()[1]))
    return replace(loaded, policy=replace(loaded.policy, address=address))


def _taken(server: ServerConfig, error: OSError) -> StartError:
    remedy = _remedy(error)
    return StartError(f"cannot listen on {server.host} port {server.port}: {error.strerror or error}; {remedy}")


def _remedy(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "correct server.host, or write an address such as 127.0.0.1 or 0.0.0.0"
    if error.errno in _NO_FAMILY:
        return "this machine has no such address: set server.host to one that it has, or to 0.0.0.0 for all of IPv4"
    if error.errno == errno.EACCES:
        return "ports below 1024 need a privilege: choose another with server.port or AIMUX_SERVER__PORT=9000"
    return "stop what uses it, or choose another with server.port or AIMUX_SERVER__PORT=9000"
