"""Connecting to one of several addresses: order, staggering, errors, and that no socket is left behind."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from aimux.edge.happy_eyeballs import Attempt, connect, delay_for, interleaved, new_socket
from aimux.edge.resolver import Address

T = TypeVar("T")
FAMILIES = st.sampled_from([socket.AF_INET, socket.AF_INET6])


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it on the gateway's kind of loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


class Sockets:
    """Makes sockets and remembers them."""

    def __init__(self) -> None:
        self.made: list[socket.socket] = []

    def __call__(self, family: int) -> socket.socket:
        """One more."""
        self.made.append(new_socket(family))
        return self.made[-1]

    def open(self) -> list[socket.socket]:
        """Those that are not closed."""
        return [each for each in self.made if each.fileno() >= 0]


@contextlib.contextmanager
def listening(backlog: int = 16) -> Iterator[Address]:
    """An address that accepts connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as server:
        yield Address(socket.AF_INET, server.getsockname())


@contextlib.contextmanager
def unanswering() -> Iterator[Address]:
    """An address where connecting is neither accepted nor refused."""
    with listening(backlog=0) as address, contextlib.ExitStack() as crowd:
        for _ in range(4):
            each = crowd.enter_context(socket.socket())
            each.setblocking(False)
            each.connect_ex(address.sockaddr)
        yield address


@contextlib.contextmanager
def refusing() -> Iterator[Address]:
    """An address where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield Address(socket.AF_INET, held.getsockname())


@given(st.lists(st.tuples(FAMILIES, st.integers(1, 9)), min_size=1, unique=True))
def test_families_take_turns_and_each_keeps_its_order(found: list[tuple[int, int]]) -> None:
    addresses = [Address(family, ("x", number)) for family, number in found]
    mixed = interleaved(addresses)
    assert sorted(mixed) == sorted(addresses)
    assert mixed[0] == addresses[0]
    for family in (socket.AF_INET, socket.AF_INET6):
        assert [a for a in mixed if a.family == family] == [a for a in addresses if a.family == family]
    fewer = min(sum(a.family == family for a in addresses) for family in (socket.AF_INET, socket.AF_INET6))
    assert all(mixed[i].family != mixed[i + 1].family for i in range(2 * fewer - 1))


@given(st.integers(1, 200), st.floats(0.5, 60))
def test_all_attempts_begin_within_half_of_the_timeout(count: int, timeout: float) -> None:
    delay = delay_for(count, timeout)
    assert 0.01 <= delay <= 0.25
    assert delay == 0.01 or delay * count <= timeout / 2 + 1e-9


def test_the_first_address_wins_where_it_answers() -> None:
    tried: list[Attempt] = []

    async def main(first: Address, second: Address) -> Address:
        connected, address = await connect([first, second], 5.0, tried)
        assert connected.getpeername() == first.sockaddr
        connected.close()
        return address

    with listening() as first, listening() as second:
        assert run(lambda: main(first, second)) == first
    assert [(attempt.address, attempt.error) for attempt in tried] == [(first, None)]


def test_an_address_that_refuses_is_passed_over_at_once() -> None:
    tried: list[Attempt] = []

    async def main(*addresses: Address) -> Address:
        async with asyncio.timeout(20):
            connected, address = await connect(addresses, 3600, tried)  # it would have to wait an hour
        connected.close()
        return address

    with refusing() as first, refusing() as second, listening() as third:
        assert run(lambda: main(first, second, third)) == third
    codes = [None if attempt.error is None else attempt.error.errno for attempt in tried]
    assert codes == [errno.ECONNREFUSED, errno.ECONNREFUSED, None]
    assert not any(attempt.overtaken for attempt in tried)


def test_an_address_that_does_not_answer_is_overtaken_and_its_socket_closed() -> None:
    tried: list[Attempt] = []
    sockets = Sockets()

    async def main(*addresses: Address) -> None:
        connected, address = await connect(addresses, 0.01, tried, sockets)
        assert address == addresses[1]
        assert sockets.open() == [connected]
        connected.close()

    with unanswering() as first, listening() as second:
        run(lambda: main(first, second))
    assert [(attempt.overtaken, attempt.error) for attempt in tried] == [(True, None), (False, None)]


def test_where_all_fail_each_error_is_kept_and_nothing_open() -> None:
    tried: list[Attempt] = []
    sockets = Sockets()

    async def main(*addresses: Address) -> None:
        with pytest.raises(ConnectionRefusedError):
            await connect(addresses, 0.01, tried, sockets)

    with refusing() as first, refusing() as second:
        run(lambda: main(first, second))
    assert [attempt.address for attempt in tried] == [first, second]
    assert all(isinstance(attempt.error, ConnectionRefusedError) for attempt in tried)
    assert (len(sockets.made), sockets.open()) == (2, [])


def test_a_socket_that_cannot_be_made_is_an_error_of_that_address() -> None:
    tried: list[Attempt] = []

    def none_left(family: int) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    async def main(address: Address) -> None:
        with pytest.raises(OSError, match="Too many open files"):
            await connect([address], 0.01, tried, none_left)

    with listening() as address:
        run(lambda: main(address))
    assert tried[0].error is not None


@pytest.mark.parametrize("turns", range(6))
def test_cancelling_at_any_moment_leaves_no_socket_open(turns: int) -> None:
    """The winner included: it may be known already when the one who waits for it is cancelled."""
    sockets = Sockets()

    async def main(*addresses: Address) -> None:
        task = asyncio.get_running_loop().create_task(connect(addresses, 0.0, [], sockets))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            connected, _ = await task
            connected.close()
        assert sockets.open() == []

    with unanswering() as first, listening() as second:
        run(lambda: main(first, second))
