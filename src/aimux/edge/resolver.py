"""Name resolution in threads: one lookup a name at a time, so that a resolver that hangs holds up no other name.

The event loop's own lookups share two threads of libuv: two hung ones would stop those of all upstreams. The threads
here are daemons, since a gateway that stops must not wait for a resolver.
"""

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

MOST_LOOKUPS: Final = 64
"""Lookups that may run at a time. Further names wait for a turn."""

_EAI_NAMES: Final = {getattr(socket, name): name for name in sorted(dir(socket)) if name.startswith("EAI_")}


class Address(NamedTuple):
    """One address of an upstream: a family and a socket address as `socket.connect` takes it."""

    family: int
    sockaddr: tuple[Any, ...]

    @property
    def has_scope(self) -> bool:
        """Whether it is an IPv6 address that holds on one link only, which its text does not say."""
        return self.sockaddr[3:] not in {(), (0,)}

    def __str__(self) -> str:
        host, port = self.sockaddr[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


Lookup = Callable[[str, int], tuple[Address, ...]]


def look_up(host: str, port: int) -> tuple[Address, ...]:
    """The addresses of a name in the system's order of preference. Blocks. Raises OSError and UnicodeError."""
    return _addresses(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


def literal(host: str, port: int) -> tuple[Address, ...]:
    """The address that `host` is, without any lookup; none where it is a name."""
    try:
        return _addresses(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    except (OSError, UnicodeError):
        return ()


def lookup_error(error: Exception) -> str:
    """Why a lookup failed, with the resolver's own code, as in `EAI_NONAME (Name or service not known)`."""
    if isinstance(error, socket.gaierror):
        return f"{_EAI_NAMES.get(error.errno, error.errno)} ({error.strerror})"
    return f"{type(error).__name__} ({error})"


def _addresses(found: list[Any]) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))


Key = tuple[str, int]


class Resolver:
    """Resolves names for one event loop. Whoever asks for a name that is being looked up shares that lookup."""

    def __init__(self, lookup: Lookup = look_up, most: int = MOST_LOOKUPS) -> None:
        self._lookup = lookup
        self._loop = asyncio.get_running_loop()
        self._free = most
        self._pending: dict[Key, asyncio.Future[tuple[Address, ...]]] = {}
        self._queue: deque[Key] = deque()

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """The addresses of a name, at least one. Raises OSError and UnicodeError.

        Cancelling one call does not stop the lookup, which others may share.
        """
        key = host, port
        found = self._pending.get(key)
        if found is None:
            found = self._pending[key] = self._loop.create_future()
            found.add_done_callback(_retrieved)
            self._queue.append(key)
            self._start()
        return await asyncio.shield(found)

    @property
    def waiting(self) -> int:
        """How many names wait for a turn."""
        return len(self._queue)

    def _start(self) -> None:
        while self._queue and self._free:
            key = self._queue.popleft()
            thread = threading.Thread(target=self._run, args=(key,), name=f"lookup {key[0]}", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the system gives no more threads
                self._end(key, (), OSError(f"no thread for the lookup: {error}"))
            else:
                self._free -= 1

    def _run(self, key: Key) -> None:
        addresses: tuple[Address, ...] = ()
        error: Exception | None = None
        try:
            addresses = self._lookup(*key)
        except Exception as raised:  # whoever waits gets it, whatever it is
            error = raised
        try:
            self._loop.call_soon_threadsafe(self._finished, key, addresses, error)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    def _finished(self, key: Key, addresses: tuple[Address, ...], error: Exception | None) -> None:
        self._free += 1
        self._end(key, addresses, error)
        self._start()

    def _end(self, key: Key, addresses: tuple[Address, ...], error: Exception | None) -> None:
        found = self._pending.pop(key)
        if found.done():
            return
        if error is not None:
            found.set_exception(error)
        elif addresses:
            found.set_result(addresses)
        else:
            found.set_exception(OSError("the lookup found no address"))


def _retrieved(found: asyncio.Future[tuple[Address, ...]]) -> None:
    """Take the exception of a lookup that nobody waits for any more."""
    if not found.cancelled():
        found.exception()
