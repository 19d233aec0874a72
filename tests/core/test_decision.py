"""The decision, row by row: which facts it needs, what is routed on, and which route is meant."""

from dataclasses import replace

import pytest

from aimux.core.decision import Permit, decide
from aimux.core.identity import ANONYMOUS, Claim, Place
from aimux.core.policy import FALLBACK_NAME, Access, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import NEED_BODY, SILENT, Facts, Flaw, NeedScores, Reading
from aimux.core.scores import Scores, TextTooLong
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
AGENTS = frozenset({"finance-bot", "admin-bot", "data-processor"})


def route(name, access=Access.OPEN, allowed=(), *, intents=("do something",), min_score=0.4):
    return Route(name, UPSTREAM, access, frozenset(allowed), intents, min_score)


def restricted(name, *allowed, **more):
    return route(name, Access.RESTRICTED, allowed, **more)


def policy(*routes, fallback=None, **more):
    return Policy.of(routes, agents=AGENTS, fallback=fallback, **more)


def claim(name, place=Place.QUERY, field="client_id"):
    return Claim(place, field, name)


def asked(agent=None, text="analyze budget", name=None, scores=None, body=SILENT):
    """The facts of a request whose head says everything."""
    claims = () if agent is None else (claim(agent),)
    return Facts(
        Reading(claims, text), route_name=name, body=body, scores=None if scores is None else Scores(tuple(scores))
    )


def refusal(decision, reason):
    assert isinstance(decision, Refusal)
    assert decision.reason is reason
    assert decision.rule
    assert decision.message
    return decision


def permit(decision):
    assert isinstance(decision, Permit)
    return decision


# Which facts are asked for


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(Reading((claim("finance-bot"),), "a text")), NeedScores("a text")),
        (Facts(Reading((claim("finance-bot"),))), NEED_BODY),
        (Facts(Reading((), "a text")), NEED_BODY),
        (Facts(SILENT), NEED_BODY),
        (Facts(SILENT, route_name="open"), NEED_BODY),
        (Facts(Reading((), "a text"), body=SILENT), NeedScores("a text")),
        (Facts(SILENT, body=Reading(text="of the body")), NeedScores("of the body")),
        (Facts(Reading((), "of the head"), body=Reading(text="of the body")), NeedScores("of the head")),
    ],
)
def test_it_asks_for_the_one_fact_that_is_missing(facts, expected):
    assert decide(facts, policy(route("open")), INITIAL) == expected


def test_an_unknown_agent_costs_neither_body_nor_scores():
    refusal(decide(Facts(Reading((claim("stranger"),))), policy(route("open")), INITIAL), Reason.UNKNOWN_AGENT)


def test_a_flawed_head_costs_neither_body_nor_scores():
    flawed = Reading(flaw=Flaw(Reason.IDENTITY_MALFORMED, "x"))
    refusal(decide(Facts(flawed), policy(route("open")), INITIAL), Reason.IDENTITY_MALFORMED)


def test_a_named_route_costs_no_body_where_the_head_says_who_asks_and_never_scores():
    permit(decide(Facts(Reading((claim("finance-bot"),)), route_name="open"), policy(route("open")), INITIAL))
    permit(decide(Facts(SILENT, route_name="open", body=SILENT), policy(route("open")), INITIAL))


def test_without_any_intents_nothing_is_scored():
    fallback = route(FALLBACK_NAME)
    house = policy(route("named-only", intents=()), fallback=fallback)
    assert permit(decide(asked("finance-bot", body=None), house, INITIAL)).route is fallback


# Text


def test_no_text_and_no_named_route():
    found = refusal(decide(asked(text=None), policy(route("open")), INITIAL), Reason.NO_TEXT)
    assert "curl 'http://127.0.0.1:8080?q=your+text'" in found.message
    assert "X-AIMux-Route" in found.message
    assert found.principal == ANONYMOUS


def test_a_text_too_long_is_refused_with_both_ways_out():
    facts = replace(asked("finance-bot"), scores=TextTooLong(9000, 8192))
    house = policy(route("open"), fallback=route(FALLBACK_NAME))
    found = refusal(decide(facts, house, INITIAL), Reason.TEXT_TOO_LONG)
    assert found.principal.agent == "finance-bot"
    for said in ("8192", "semantic_engine.max_tokens", "X-AIMux-Route"):
        assert said in found.message


def test_a_text_too_long_does_not_matter_to_a_named_route():
    facts = replace(asked("finance-bot", name="open"), scores=TextTooLong(9000, 8192))
    assert permit(decide(facts, policy(route("open")), INITIAL)).route.name == "open"


# Routing

HOUSE = (
    restricted("finance", "finance-bot", "admin-bot"),
    restricted("admin", "admin-bot", min_score=0.6),
    route("public-api", Access.PUBLIC),
    route("health", intents=()),
)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((0.80, 0.10, 0.10, None), "finance"),
        ((0.40, 0.10, 0.10, None), "finance"),
        ((0.10, 0.60, 0.10, None), "admin"),
        ((0.10, 0.10, 1.00, None), "public-api"),
        ((0.39, 0.10, 0.10, None), Reason.NO_ROUTE),
        ((0.00, 0.00, 0.00, None), Reason.NO_ROUTE),
        # The best is below its own threshold: the next one, which is above its own, does not take its place.
        ((0.50, 0.59, 0.10, None), Reason.NO_ROUTE),
        ((0.60, 0.56, 0.10, None), "finance"),
        ((0.60, 0.60, 0.10, None), Reason.AMBIGUOUS_ROUTE),
        ((0.50, 0.10, 0.46, None), Reason.AMBIGUOUS_ROUTE),
        ((0.50, 0.10, 0.44, None), "finance"),
        ((0.42, 0.10, 0.39, None), "finance"),
        ((0.61, 0.62, 0.63, None), Reason.AMBIGUOUS_ROUTE),
    ],
)
def test_scores_to_route(scores, expected):
    decision = decide(asked("admin-bot", scores=scores), policy(*HOUSE), INITIAL)
    if isinstance(expected, Reason):
        found = refusal(decision, expected)
        assert found.match.score == max(score for score in scores if score is not None)
    else:
        found = permit(decision)
        assert found.route.name == expected
        assert not found.is_fallback
        assert found.match.best is found.route


def test_no_match_goes_to_the_fallback_and_says_which_route_was_best():
    fallback = route(FALLBACK_NAME)
    found = permit(
        decide(asked("admin-bot", scores=(0.3, 0.59, 0.1, None)), policy(*HOUSE, fallback=fallback), INITIAL)
    )
    assert found.route is fallback
    assert found.is_fallback
    assert found.match.best.name == "admin"


def test_no_match_without_a_fallback_names_the_best_route_for_the_record_only():
    found = refusal(decide(asked(scores=(0.3, 0.59, 0.1, None)), policy(*HOUSE), INITIAL), Reason.NO_ROUTE)
    assert found.route.name == "admin"
    assert "admin" not in found.message


@pytest.mark.parametrize(
    ("agent", "scores", "candidates"),
    [
        ("admin-bot", (0.80, 0.78, 0.79, None), ("finance", "admin", "public-api")),
        ("finance-bot", (0.80, 0.78, 0.79, None), ("finance", "public-api")),
        ("data-processor", (0.80, 0.78, 0.79, None), ("public-api",)),
        ("finance-bot", (0.80, 0.81, 0.10, None), ("finance",)),
    ],
)
def test_ambiguity_names_only_what_the_caller_may_use(agent, scores, candidates):
    found = refusal(decide(asked(agent, scores=scores), policy(*HOUSE), INITIAL), Reason.AMBIGUOUS_ROUTE)
    assert found.candidates == candidates
    for other in {"finance", "admin", "public-api"} - set(candidates):
        assert f"{other}," not in found.message
        assert f"{other}." not in found.message


@pytest.mark.parametrize(
    ("agent", "reason"), [("data-processor", Reason.ROUTE_FORBIDDEN), (None, Reason.ANONYMOUS_FORBIDDEN)]
)
def test_ambiguity_among_forbidden_routes_is_forbidden(agent, reason):
    house = policy(*HOUSE, fallback=route(FALLBACK_NAME))
    found = refusal(decide(asked(agent, scores=(0.80, 0.78, 0.10, None)), house, INITIAL), reason)
    assert found.candidates == ()
    assert "finance" not in found.message
    assert "admin" not in found.message.replace("'data-processor'", "")


@pytest.mark.parametrize(
    "scores",
    [
        (0.5, 0.5, 0.5),
        (0.5, 0.5, 0.5, None, None),
        (),
        (float("nan"), 0.5, 0.5, None),
        (0.9, float("nan"), 0.1, None),
        (float("inf"), 0.5, 0.5, None),
        (float("-inf"), 0.5, 0.5, None),
        (1.0000001, 0.5, 0.5, None),
        (0.9, -0.0000001, 0.5, None),
        (0.9, 0.1, 0.1, float("nan")),
    ],
)
def test_scores_that_cannot_be_are_never_decided_on(scores):
    with pytest.raises(ValueError, match="score"):
        decide(asked("admin-bot", scores=scores), policy(*HOUSE, fallback=route(FALLBACK_NAME)), INITIAL)


# Named routes


@pytest.mark.parametrize("name", ["nowhere", "", "Open", "open ", "Fallback", "*"])
def test_a_name_that_no_route_has_is_no_route_even_with_a_fallback_and_a_text(name):
    house = policy(route("open"), fallback=route(FALLBACK_NAME))
    found = refusal(decide(asked("finance-bot", name=name, scores=[0.9]), house, INITIAL), Reason.NO_ROUTE)
    assert found.route is None
    assert not name or name == "*" or f"'{name}'" not in found.message


def test_a_named_route_needs_no_intents_and_no_text():
    house = policy(route("health", intents=()))
    assert permit(decide(asked(text=None, name="health"), house, INITIAL)).route.name == "health"


def test_a_named_route_wins_over_what_the_text_means():
    house = policy(route("meant"), route("named"))
    assert permit(decide(asked("finance-bot", name="named", scores=[0.9, 0.0]), house, INITIAL)).route.name == "named"


def test_a_decision_is_a_function_of_its_facts():
    facts, house = asked("finance-bot", scores=(0.80, 0.78, 0.10, None)), policy(*HOUSE)
    assert decide(facts, house, INITIAL) == decide(facts, house, INITIAL)
