"""Connections to one upstream: dead addresses come last, and want of descriptors is told as what it is."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from aimux.core.policy import Upstream
from aimux.core.reason import Failure, Reason
from aimux.edge.connector import Connector, Shared
from aimux.edge.descriptors import Descriptors
from aimux.edge.resolver import Address, Lookup, Resolver

PLENTY = Descriptors.within(1 << 30)
NONE_LEFT = Descriptors(limit=64, clients=0, upstreams=0, lingering=0)
NAMED = Upstream("http://name:80", False, "name", 80, "")


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it on the gateway's kind of loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


@contextlib.contextmanager
def servers(alive: int, refusing: int) -> Iterator[tuple[list[Address], list[Address]]]:
    """Addresses where somebody listens, and where nobody does."""
    with contextlib.ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(alive)]
        held = [stack.enter_context(socket.socket()) for _ in range(refusing)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        yield (
            [Address(socket.AF_INET, each.getsockname()) for each in listening],
            [Address(socket.AF_INET, each.getsockname()) for each in held],
        )


class Counting(Descriptors):
    """Descriptors without end, that know which addresses' sockets were asked for."""

    made = 0

    def new_socket(self, family: int) -> socket.socket:
        Counting.made += 1
        return super().new_socket(family)


async def speak(*, sock: socket.socket) -> None:
    """Do nothing with a connection."""
    sock.close()


def connector(lookup: Lookup, descriptors: Descriptors, reclaim: Callable[[], int] = lambda: 0) -> Connector:
    """One whose upstream's name is looked up so."""
    return Connector(NAMED, Shared(Resolver(lookup), descriptors, reclaim))


def test_an_address_that_failed_is_tried_last_from_then_on() -> None:
    async def main(live: Address, dead: Address) -> None:
        descriptors = Counting(PLENTY.limit, PLENTY.clients, PLENTY.upstreams, PLENTY.lingering)
        tested = connector(lambda host, port: (dead, live), descriptors)
        made = []
        for _ in range(3):
            before = Counting.made
            _, address = await tested.connect(speak, 5.0)
            assert address == live
            made.append(Counting.made - before)
        assert made == [2, 1, 1]

    with servers(1, 1) as (alive, refusing):
        run(lambda: main(alive[0], refusing[0]))


def refused(lookup: Lookup, descriptors: Descriptors, timeout: float = 5.0) -> Failure:
    """Why no connection comes about."""
    found: list[Failure] = []

    async def main() -> None:
        with pytest.raises(Failure) as caught:
            await connector(lookup, descriptors).connect(speak, timeout)
        found.append(caught.value)

    run(main)
    return found[0]


def failing(error: Exception) -> Lookup:
    """A lookup that raises this."""

    def lookup(host: str, port: int) -> tuple[Address, ...]:
        raise error

    return lookup


AGAIN = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.parametrize(
    ("error", "descriptors", "reason"),
    [
        (AGAIN, PLENTY, Reason.UPSTREAM_UNREACHABLE),
        (AGAIN, NONE_LEFT, Reason.OUT_OF_DESCRIPTORS),  # the resolver does not say that it could open no socket
        (OSError(errno.EMFILE, "Too many open files"), PLENTY, Reason.OUT_OF_DESCRIPTORS),
        (OSError(errno.ENFILE, "Too many open files in system"), PLENTY, Reason.OUT_OF_DESCRIPTORS),
        (UnicodeError("label too long"), PLENTY, Reason.UPSTREAM_UNREACHABLE),
    ],
)
def test_a_lookup_that_fails(error: Exception, descriptors: Descriptors, reason: Reason) -> None:
    failure = refused(failing(error), descriptors)
    assert failure.reason is reason
    assert failure.detail.startswith("name: its name cannot be resolved: ")
    assert failure.passing


@pytest.mark.parametrize("count", [1, 2])
def test_no_descriptor_for_a_socket(count: int) -> None:
    with servers(count, 0) as (alive, _):
        failure = refused(lambda host, port: tuple(alive), NONE_LEFT)
    assert failure.reason is Reason.OUT_OF_DESCRIPTORS
    assert failure.detail.count("EMFILE (Too many open files: the rest of 64 is kept for files)") == count


def test_what_nobody_uses_makes_room_once() -> None:
    asked = []

    def reclaim() -> int:
        asked.append(1)
        return 1

    async def main(addresses: list[Address]) -> None:
        tested = connector(lambda host, port: tuple(addresses), NONE_LEFT, reclaim)
        with pytest.raises(Failure):
            await tested.connect(speak, 5.0)

    with servers(2, 0) as (alive, _):
        run(lambda: main(alive))
    assert asked == [1]
