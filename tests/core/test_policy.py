"""A policy derives what follows from its parts and cannot change."""

from dataclasses import FrozenInstanceError

import pytest

from aimux.core.policy import Access, IdentitySources, Policy, Route, Upstream


def upstream(url, host, port, secure=False):
    return Upstream(url, secure, host, port, "")


@pytest.mark.parametrize(
    ("secure", "host", "port", "authority"),
    [
        (False, "finance", 8001, "finance:8001"),
        (False, "finance", 80, "finance"),
        (True, "finance", 443, "finance"),
        (False, "finance", 443, "finance:443"),
        (True, "finance", 80, "finance:80"),
        (False, "::1", 8001, "[::1]:8001"),
        (False, "::1", 80, "[::1]"),
    ],
)
def test_the_authority_of_an_upstream(secure, host, port, authority):
    assert Upstream("", secure, host, port, "").authority == authority


def test_routes_are_found_by_name_and_scores_needed_only_with_intents():
    where = Upstream("http://x", False, "x", 80, "")
    plain, meant = Route("plain", where, Access.OPEN), Route("meant", where, Access.OPEN, intents=("say it",))
    house = Policy.of((plain, meant))
    assert house.by_name == {"plain": plain, "meant": meant}
    assert house.needs_scores
    assert not Policy.of((plain,), fallback=meant).needs_scores
    assert house.identity == IdentitySources()


def test_a_policy_does_not_change():
    house = Policy.of((), agents=frozenset({"finance-bot"}))
    with pytest.raises(FrozenInstanceError):
        house.agents = frozenset()
    with pytest.raises(TypeError):
        house.by_name["new"] = None


def test_the_default_places_of_identity():
    sources = IdentitySources()
    assert sources.query_params == ("client_id", "agent", "source")
    assert sources.headers == ("x-source-agent", "x-client-id")
    assert sources.body_field == "agent"
