"""Who asks: the first claim counts, it must be a registered agent, and no claim anywhere means anonymous."""

import pytest

from aimux.core.decision import decide
from aimux.core.gates import identify
from aimux.core.identity import ANONYMOUS, Assurance, Claim, Place
from aimux.core.policy import FALLBACK_NAME, Access, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import SILENT, Facts, Flaw, Reading
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
AGENTS = frozenset({"finance-bot", "admin-bot"})


def route(name, intents=("do something",)):
    return Route(name, UPSTREAM, Access.OPEN, frozenset(), intents)


def policy(*routes, fallback=None):
    return Policy.of(routes, agents=AGENTS, fallback=fallback)


def claim(name, place=Place.QUERY, field="client_id"):
    return Claim(place, field, name)


def refusal(decision, reason):
    assert isinstance(decision, Refusal)
    assert decision.reason is reason
    return decision


def test_no_claim_anywhere_is_anonymous():
    assert identify(Facts(SILENT, body=SILENT), policy()) == ANONYMOUS
    assert ANONYMOUS.agent is None
    assert ANONYMOUS.assurance is Assurance.NONE


@pytest.mark.parametrize("place", list(Place))
def test_a_registered_name_is_claimed_and_no_more(place):
    reading = Reading((claim("finance-bot", place),))
    facts = Facts(SILENT, body=reading) if place is Place.BODY else Facts(reading, body=SILENT)
    principal = identify(facts, policy())
    assert (principal.agent, principal.assurance, principal.conflicts) == ("finance-bot", Assurance.CLAIMED, ())


@pytest.mark.parametrize(
    "name",
    [
        "stranger",
        "Finance-Bot",
        "FINANCE-BOT",
        " finance-bot",
        "finance-bot ",
        "finance-bot\n",
        "finance-bot\x00",
        "finance_bot",
        "finance\u2010bot",
        "\ufb01nance-bot",
        "fin\u00e4nce-bot",
        "f\u0456nance-bot",
        "finance-bot,admin-bot",
        "*",
        "None",
        "anonymous",
    ],
)
@pytest.mark.parametrize("where", ["named", "open", "fallback"])
def test_an_unregistered_name_is_refused_on_every_route_and_never_repeated(name, where):
    house = policy(route("open", ("x",) if where == "open" else ()), fallback=route(FALLBACK_NAME))
    named, score = ("open" if where == "named" else None), (0.9 if where == "open" else None)
    facts = Facts(Reading((claim(name),), "a text"), route_name=named, body=SILENT, scores=Scores((score,)))
    found = refusal(decide(facts, house, INITIAL), Reason.UNKNOWN_AGENT)
    assert name == "*" or name not in found.message
    assert found.principal is None


def test_the_message_says_where_the_unknown_name_stood():
    facts = Facts(Reading((claim("stranger", Place.HEADER, "x-source-agent"),)), body=SILENT)
    assert "header (x-source-agent)" in refusal(decide(facts, policy(), INITIAL), Reason.UNKNOWN_AGENT).message


def test_the_first_claim_counts_and_later_ones_of_another_name_are_conflicts():
    head = Reading((claim("admin-bot"), claim("finance-bot", Place.HEADER, "x-client-id"), claim("admin-bot")))
    body = Reading((claim("stranger", Place.BODY, "agent"),))
    principal = identify(Facts(head, body=body), policy())
    assert principal.agent == "admin-bot"
    assert principal.conflicts == (head.claims[1], body.claims[0])


def test_a_later_registered_name_does_not_help_an_unregistered_first_one():
    head = Reading((claim("stranger"), claim("admin-bot", Place.HEADER, "x-source-agent")))
    refusal(decide(Facts(head, body=SILENT), policy(route("open")), INITIAL), Reason.UNKNOWN_AGENT)


@pytest.mark.parametrize("reason", [Reason.IDENTITY_MALFORMED, Reason.BAD_REQUEST, Reason.UNSUPPORTED_ENCODING])
@pytest.mark.parametrize("part", ["head", "body"])
def test_a_flaw_refuses_with_its_own_reason_even_a_named_open_route(reason, part):
    flawed = Reading(flaw=Flaw(reason, "cannot be read"))
    facts = Facts(flawed, route_name="open") if part == "head" else Facts(SILENT, route_name="open", body=flawed)
    found = refusal(decide(facts, policy(route("open")), INITIAL), reason)
    assert found.message == "cannot be read"


def test_a_flaw_in_the_head_comes_before_everything_that_the_body_says():
    head = Reading((claim("finance-bot"),), "text", flaw=Flaw(Reason.IDENTITY_MALFORMED, "head"))
    body = Reading(flaw=Flaw(Reason.BAD_REQUEST, "body"))
    refusal(decide(Facts(head, body=body), policy(route("open")), INITIAL), Reason.IDENTITY_MALFORMED)
