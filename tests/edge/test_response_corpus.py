"""Plays `corpus/responses`: what upstreams answer, at once and byte by byte, and what must come of it."""

import pytest
from edge_support.corpus import Case, cases
from edge_support.play import Arena
from edge_support.reply import play_response, replies_come_out_the_same_by_piece

CASES = cases("responses")
BY_PIECE = [case for case in CASES if replies_come_out_the_same_by_piece(case)]


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_response(arena: Arena, case: Case) -> None:
    play_response(arena, case)


@pytest.mark.parametrize("case", BY_PIECE, ids=[case.id for case in BY_PIECE])
def test_the_same_response_byte_by_byte(arena: Arena, case: Case) -> None:
    play_response(arena, case, by_piece=True)


def test_the_corpus_is_large_and_most_of_it_is_played_byte_by_byte() -> None:
    assert len(CASES) > 150
    assert len(BY_PIECE) > 0.8 * len(CASES)
