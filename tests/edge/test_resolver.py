"""Name resolution: shared lookups, a bounded number of threads, and names that hang beside those that do not."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from aimux.edge.resolver import Address, Lookup, Resolver, literal, look_up, lookup_error

HERE = (Address(socket.AF_INET, ("127.0.0.1", 80)),)


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run it on the gateway's kind of loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


class Hanging:
    """A lookup that waits until it is told to go on for names that begin with `hung`."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> tuple[Address, ...]:
        """Look up."""
        self.asked.append(host)
        if host.startswith("hung"):
            assert self.go_on.wait(30)
        return HERE


def test_requests_for_one_name_share_a_lookup_and_another_name_does_not_wait() -> None:
    lookup = Hanging()

    async def main() -> None:
        resolver = Resolver(lookup)
        hung = [asyncio.ensure_future(resolver.resolve("hung", 80)) for _ in range(20)]
        await asyncio.sleep(0)
        assert await resolver.resolve("other", 80) == HERE
        hung[0].cancel()  # one that leaves takes the lookup away from nobody
        lookup.go_on.set()
        assert await asyncio.gather(*hung[1:]) == [HERE] * 19
        assert lookup.asked.count("hung") == 1

    run(main)


def test_names_over_the_bound_wait_for_a_turn() -> None:
    lookup = Hanging()

    async def main() -> None:
        resolver = Resolver(lookup, most=2)
        hung = [asyncio.ensure_future(resolver.resolve(f"hung-{number}", 80)) for number in range(5)]
        await asyncio.sleep(0)
        assert resolver.waiting == 3
        lookup.go_on.set()
        assert await asyncio.gather(*hung) == [HERE] * 5
        assert resolver.waiting == 0

    run(main)


def test_a_name_is_asked_for_again_once_its_lookup_has_ended() -> None:
    answers: list[Any] = [OSError("first"), HERE]

    def lookup(host: str, port: int) -> tuple[Address, ...]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return HERE

    async def main() -> None:
        resolver = Resolver(lookup)
        with pytest.raises(OSError, match="first"):
            await resolver.resolve("name", 80)
        assert await resolver.resolve("name", 80) == HERE

    run(main)


@pytest.mark.parametrize("raised", [OSError("x"), UnicodeError("label too long"), MemoryError()])
def test_whatever_a_lookup_raises_reaches_the_one_who_waits(raised: Exception) -> None:
    def lookup(host: str, port: int) -> tuple[Address, ...]:
        raise raised

    async def main() -> None:
        with pytest.raises(type(raised)):
            await Resolver(lookup).resolve("name", 80)

    run(main)


def test_a_lookup_without_an_address_is_an_error() -> None:
    async def main() -> None:
        nothing: Lookup = lambda host, port: ()  # noqa: E731
        with pytest.raises(OSError, match="no address"):
            await Resolver(nothing).resolve("name", 80)

    run(main)


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("localhost", ""), ("no..name", "")]
)
def test_an_address_needs_no_lookup(host: str, shown: str) -> None:
    assert "".join(map(str, literal(host, 80))) == shown


def test_the_systems_lookup_gives_each_address_once() -> None:
    found = look_up("localhost", 80)
    assert len(found) == len(set(found)) >= 1


def test_an_error_of_a_lookup_carries_the_resolvers_code() -> None:
    error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    assert lookup_error(error) == "EAI_AGAIN (Temporary failure in name resolution)"
    assert lookup_error(UnicodeError("label too long")) == "UnicodeError (label too long)"


@pytest.mark.parametrize(
    ("address", "has_scope"),
    [
        (Address(socket.AF_INET, ("192.0.2.1", 80)), False),
        (Address(socket.AF_INET6, ("2001:db8::1", 80, 0, 0)), False),
        (Address(socket.AF_INET6, ("fe80::1", 80, 0, 2)), True),
    ],
)
def test_an_address_of_one_link_is_known_by_its_scope(address: Address, has_scope: bool) -> None:
    assert address.has_scope is has_scope
