"""Who may use a route, however it was found: the access table, and the rule that a decision names."""

from dataclasses import FrozenInstanceError, replace

import pytest

from aimux.core.access import callers, may_use, usable_routes
from aimux.core.decision import Permit, decide
from aimux.core.identity import ANONYMOUS, Assurance, Claim, Place, Principal
from aimux.core.policy import FALLBACK_NAME, Access, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import SILENT, Facts, Reading
from aimux.core.rules import Rule
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
AGENTS = frozenset({"finance-bot", "admin-bot"})


def route(name, access=Access.OPEN, allowed=()):
    return Route(name, UPSTREAM, access, frozenset(allowed), ("do something",))


def restricted(name, *allowed):
    return route(name, Access.RESTRICTED, allowed)


def policy(*routes, fallback=None):
    return Policy.of(routes, agents=AGENTS, fallback=fallback)


def asked(agent, name=None, scores=()):
    claims = () if agent is None else (Claim(Place.QUERY, "client_id", agent),)
    return Facts(Reading(claims, "a text"), route_name=name, body=SILENT, scores=Scores(tuple(scores)))


def refusal(decision, reason):
    assert isinstance(decision, Refusal)
    assert decision.reason is reason
    return decision


def permit(decision):
    assert isinstance(decision, Permit)
    return decision


COLUMNS = {
    "open": (Access.OPEN, ()),
    "public": (Access.PUBLIC, ()),
    "listed": (Access.RESTRICTED, ("finance-bot",)),
    "not listed": (Access.RESTRICTED, ("admin-bot",)),
    "nobody": (Access.RESTRICTED, ()),
}
FORWARD = None
ANONYMOUS_TO = dict.fromkeys(COLUMNS, Reason.ANONYMOUS_FORBIDDEN) | {"open": FORWARD}
REGISTERED_TO = dict.fromkeys(COLUMNS, Reason.ROUTE_FORBIDDEN) | dict.fromkeys(("open", "public", "listed"), FORWARD)
UNREGISTERED_TO = dict.fromkeys(COLUMNS, Reason.UNKNOWN_AGENT)
TABLE = [
    (caller, column, outcome)
    for caller, row in ((None, ANONYMOUS_TO), ("finance-bot", REGISTERED_TO), ("stranger", UNREGISTERED_TO))
    for column, outcome in row.items()
]


@pytest.mark.parametrize("way", ["by text", "by name", "by fallback"])
@pytest.mark.parametrize(("caller", "column", "outcome"), TABLE)
def test_the_access_table(caller, column, outcome, way):
    target = route(FALLBACK_NAME if way == "by fallback" else "target", *COLUMNS[column])
    decoy = route("decoy")
    if way == "by fallback":
        decision = decide(asked(caller, scores=[0.1]), policy(decoy, fallback=target), INITIAL)
    elif way == "by text":
        decision = decide(asked(caller, scores=[0.9, 0.8]), policy(target, decoy, fallback=decoy), INITIAL)
    else:
        decision = decide(asked(caller, name="target"), policy(decoy, target, fallback=decoy), INITIAL)
    if outcome is FORWARD:
        found = permit(decision)
        assert found.route is target
        assert found.principal.agent == caller
        assert found.is_fallback == (way == "by fallback")
        assert (found.match is None) == (way == "by name")
        assert column != "listed" or found.rule is Rule.ACCESS_LISTED
        assert column != "public" or found.rule is Rule.ACCESS_PUBLIC
        assert column != "open" or found.rule is Rule.ACCESS_OPEN
    else:
        found = refusal(decision, outcome)
        assert found.route is (None if outcome is Reason.UNKNOWN_AGENT else target)


def test_the_callers_of_a_route_are_those_that_may_use_it():
    everybody = (None, *AGENTS)
    for column, kind in COLUMNS.items():
        allowed = {None: ANONYMOUS_TO, "finance-bot": REGISTERED_TO}
        found = callers(route("target", *kind), policy())
        assert found <= set(everybody)
        for caller, row in allowed.items():
            assert (caller in found) is (row[column] is None), (caller, column)
    assert callers(restricted("target", "admin-bot"), policy()) == {"admin-bot"}
    assert callers(route("target", Access.PUBLIC), policy()) == AGENTS


def test_a_refusal_says_who_may_not_use_what():
    house = policy(restricted("admin", "admin-bot"))
    named = refusal(decide(asked("finance-bot", name="admin"), house, INITIAL), Reason.ROUTE_FORBIDDEN)
    assert named.message == "agent 'finance-bot' may not use route 'admin'"
    nobody = refusal(decide(asked(None, name="admin"), house, INITIAL), Reason.ANONYMOUS_FORBIDDEN)
    assert nobody.message == "an anonymous caller may not use route 'admin'"
    assert (named.rule, nobody.rule) == (Rule.ACCESS_NOT_LISTED, Rule.ACCESS_ANONYMOUS)


def test_the_usable_routes_in_the_order_of_the_configuration():
    house = policy(restricted("b", "finance-bot"), restricted("a", "admin-bot"), route("d", Access.PUBLIC), route("c"))
    assert [r.name for r in usable_routes(ANONYMOUS, house)] == ["c"]
    assert [r.name for r in usable_routes(Principal("finance-bot", Assurance.CLAIMED), house)] == ["b", "d", "c"]


def test_a_restricted_route_names_its_lists_rule_only_for_those_on_it():
    target = restricted("target", "finance-bot")
    assert may_use(Principal("finance-bot", Assurance.CLAIMED), target) is Rule.ACCESS_LISTED
    assert may_use(Principal("admin-bot", Assurance.CLAIMED), target) is None
    assert may_use(ANONYMOUS, target) is None


# Authority


def test_a_permit_is_made_by_the_decision_only():
    target, other = route("target"), restricted("other")
    house = policy(target, other)
    real = permit(decide(asked("finance-bot", name="target"), house, INITIAL))
    for seal in (None, object(), True, "seal"):
        with pytest.raises(TypeError, match="made by decide"):
            Permit(other, real.principal, "forged", False, None, seal)
    with pytest.raises(TypeError):
        Permit(other, real.principal, "forged", False, None)


def test_a_permit_cannot_be_turned_into_one_for_another_route():
    real = permit(decide(asked("finance-bot", name="target"), policy(route("target")), INITIAL))
    with pytest.raises((TypeError, ValueError)):
        replace(real, route=restricted("other"))
    with pytest.raises(FrozenInstanceError):
        real.route = restricted("other")
    assert not hasattr(real, "seal")
