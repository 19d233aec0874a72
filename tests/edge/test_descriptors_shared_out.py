"""How a limit of file descriptors is shared out, and what an operator is warned of."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.edge.descriptors import LEAST, Descriptors, shortages

LIMITS = st.integers(LEAST, 2_000_000)


@given(LIMITS)
def test_every_share_of_a_limit_is_there(limit: int) -> None:
    shares = Descriptors.within(limit)
    assert 20 < shares.clients < shares.upstreams < limit
    assert shares.upstreams - shares.clients >= shares.lingering + limit * 3 // 8
    assert limit - shares.upstreams >= 8


@given(LIMITS, st.integers(1, 2_000_000))
def test_no_warning_means_that_max_connections_can_be_reached(limit: int, max_connections: int) -> None:
    if not shortages(max_connections, limit):
        assert 2 * max_connections <= limit or max_connections == 1
        assert Descriptors.within(limit).clients >= max_connections


@given(LIMITS)
def test_the_warning_names_the_number_that_just_fits(limit: int) -> None:
    (warning,) = shortages(limit, limit)
    fits = int(warning.rsplit("server.max_connections to ", 1)[1].split()[0])
    assert shortages(fits, limit) == ()
    assert shortages(fits + 1, limit)


def test_a_socket_beyond_the_share_of_upstreams_is_refused_and_closed() -> None:
    none_left = Descriptors(limit=64, clients=0, upstreams=0, lingering=0)
    assert none_left.exhausted
    with pytest.raises(OSError, match="Too many open files: the rest of 64 is kept for files"):
        none_left.new_socket(socket.AF_INET)
    plenty = Descriptors.within(1 << 30)
    assert not plenty.exhausted
    plenty.new_socket(socket.AF_INET).close()
