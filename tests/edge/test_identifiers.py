"""Identifiers of requests: random, distinct, and never mistaken for a rate limit."""

import re

import pytest

from aimux.edge.identifiers import Identifiers


def test_identifiers_are_digits_that_no_two_draws_share() -> None:
    identifiers = Identifiers()
    drawn = [identifiers.draw() for _ in range(2000)]
    for request_id, trace_id, span_id in drawn:
        assert re.fullmatch("[0-9a-f]{32}", request_id)
        assert re.fullmatch("[0-9a-f]{32}", trace_id)
        assert re.fullmatch("[0-9a-f]{16}", span_id)
        assert "429" not in request_id
    for parts in zip(*drawn, strict=True):
        assert len(set(parts)) == len(drawn)


def test_a_request_id_that_clients_take_for_a_rate_limit_is_dropped_with_the_rest_of_its_draw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def row(request_id: str) -> str:
        return request_id.ljust(32, "0") + "429".ljust(32, "1") + "429".ljust(16, "2")

    rows = [
        row("429"),
        row("a429b"),
        row("42a9"),
        row("f" * 29 + "429"),
        *(row(f"4{number:03}") for number in range(60)),
    ]
    given = iter([bytes.fromhex("".join(rows)), bytes(64 * 40)])
    monkeypatch.setattr("os.urandom", lambda _: next(given))
    identifiers = Identifiers()
    drawn = [identifiers.draw() for _ in range(61)]
    assert [request_id.rstrip("0") for request_id, *_ in drawn[:3]] == ["42a9", "4", "4001"]
    assert {drawn[0][1], drawn[0][2]} == {"429".ljust(32, "1"), "429".ljust(16, "2")}
    assert identifiers.draw() == ("0" * 32, "0" * 32, "0" * 16)


def test_all_is_drawn_again_where_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter([bytes.fromhex("42904290" * 640), bytes(range(40)) * 64])
    monkeypatch.setattr("os.urandom", lambda _: next(given))
    assert Identifiers().draw()[0] == bytes(range(16)).hex()
