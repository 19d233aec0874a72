"""Identifiers of requests: random, distinct, and never mistaken for a rate limit."""

import re

from aimux.edge.identifiers import Identifiers, drawn_from


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


def test_a_request_id_that_clients_take_for_a_rate_limit_is_dropped_with_the_rest_of_its_draw() -> None:
    def row(request_id: str) -> str:
        return request_id.ljust(32, "0") + "429".ljust(32, "1") + "429".ljust(16, "2")

    kept = drawn_from(row("429") + row("a429b") + row("42a9") + row("f" * 29 + "429") + row("4"))
    assert [request_id for request_id, *_ in kept] == ["42a9".ljust(32, "0"), "4".ljust(32, "0")]
    assert {span_id for *_, span_id in kept} == {"429".ljust(16, "2")}


def test_all_is_drawn_again_where_nothing_is_left(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    given = iter([b"\x42\x90" * 20 * 160, bytes(range(40)) * 80])
    monkeypatch.setattr("os.urandom", lambda count: next(given)[:count])
    assert Identifiers().draw()[0] == bytes(range(16)).hex()
