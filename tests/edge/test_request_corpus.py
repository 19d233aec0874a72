"""Plays `corpus/requests`: what clients send, in whole and byte by byte, and what must come of it."""

import pytest
from edge_support.corpus import Case, cases
from edge_support.play import Arena, play, sendable_by_piece

CASES = cases("requests")
ALL = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


@ALL
def test_a_request(arena: Arena, case: Case) -> None:
    if case.outside and arena.own_address is None:
        pytest.skip("this machine has no address but loopback ones")
    play(arena, case)


@ALL
def test_the_same_request_byte_by_byte(arena: Arena, case: Case) -> None:
    if case.outside or not sendable_by_piece(arena, case):
        pytest.skip("too long, or rightly answered otherwise when it comes in pieces")
    play(arena, case, by_piece=True)
