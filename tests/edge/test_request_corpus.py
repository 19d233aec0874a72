"""Plays `corpus/requests`: what clients send, at once and byte by byte, and what must come of it."""

import pytest
from edge_support.corpus import Case, cases
from edge_support.play import Arena, comes_out_the_same_by_piece, play

CASES = cases("requests")
BY_PIECE = [case for case in CASES if comes_out_the_same_by_piece(case)]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_request(arena: Arena, case: Case) -> None:
    if case.outside and arena.own_address is None:
        pytest.skip("this machine has no address but loopback ones")
    play(arena, case)


@pytest.mark.parametrize("case", BY_PIECE, ids=[case.id for case in BY_PIECE])
def test_the_same_request_byte_by_byte(arena: Arena, case: Case) -> None:
    play(arena, case, by_piece=True)


def test_the_corpus_is_large_and_most_of_it_is_played_byte_by_byte() -> None:
    assert len(CASES) > 500
    assert len(BY_PIECE) > 0.8 * len(CASES)
