"""Plays `corpus/slow`: clients that stall, trickle or do not read, each of them cut off while others are served."""

import pytest
from e2e_support.client import Client
from edge_support.corpus import Case, cases
from edge_support.play import Arena, check_refusal
from edge_support.slow import drip, play_slow

CASES = cases("slow")


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_slow_client(hasty: Arena, case: Case) -> None:
    play_slow(hasty, case)


def test_a_client_that_goes_on_after_its_refusal_is_cut_off(hasty: Arena) -> None:
    with Client(hasty.gateway.port) as client:
        client.send(b"GET / HT")
        check_refusal(client.read_response(), "request_timeout")
        drip(client, b"x", heedless=True)


def test_the_corpus_is_large() -> None:
    assert len(CASES) > 30
