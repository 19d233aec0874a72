"""What a decision says where a part of the text decided: the part, and the scores that counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.core.decision import Permit, decide
from aimux.core.identity import Claim, Place
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import SILENT, Facts, Reading
from aimux.core.routing import Match
from aimux.core.scores import Scores, Stand
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
BOT = frozenset({"bot"})
TICKETS, DEPLOYMENTS, USERS = range(3)


def house(*, fallback: bool = True, all_messages: bool = False) -> Policy:
    def route(name: str, allowed: frozenset[str]) -> Route:
        return Route(name, UPSTREAM, Access.RESTRICTED, allowed, ("an intent",), 0.4)

    routes = (route("tickets", BOT), route("deployments", BOT), route("users", frozenset({"admin"})))
    last = Route("fallback", UPSTREAM, Access.OPEN)
    return Policy.of(
        routes, agents=frozenset({"bot", "admin"}), fallback=last if fallback else None, all_messages=all_messages
    )


def decided(scores: tuple[float, ...], *stands: Stand, agent: str = "bot") -> Permit | Refusal:
    facts = Facts(
        Reading((Claim(Place.HEADER, "x", agent),), "text"),
        route_name=None,
        body=SILENT,
        scores=Scores(scores, stands=stands),
    )
    found = decide(facts, house(), INITIAL)
    assert isinstance(found, Permit | Refusal)
    return found


def match_of(found: Permit | Refusal) -> Match:
    match = found.match
    assert match is not None
    return match


def stand(place: int, score: float, span: tuple[int, int] | None, *, second: int = USERS, whole: bool = True) -> Stand:
    return Stand(place, score, frozenset({place}), whole, False, second, 0.2, "some words", span)


def test_a_part_that_chose_is_named_with_its_scores_and_the_route_is_not_its_own_runner_up() -> None:
    found = decided((0.31, 0.36, 0.1), stand(TICKETS, 0.62, (0, 13)))
    assert isinstance(found, Permit)
    assert found.route.name == "tickets"
    assert found.says == (
        "route 'tickets' lists agent 'bot'; characters 0 to 13 of the text stand for route 'tickets' (0.6200)"
    )
    match = match_of(found)
    assert (match.best.name, match.score) == ("deployments", 0.36)
    lead = match.lead
    assert (lead.route.name, lead.score, lead.runner_up and lead.runner_up.name) == ("tickets", 0.62, "users")
    assert lead.margin == pytest.approx(0.42)
    assert match.part is not None
    assert (match.part.chose, match.part.words, match.part.span) == (True, "some words", (0, 13))


def test_the_part_with_the_highest_score_is_named() -> None:
    found = decided((0.1, 0.2, 0.1), stand(TICKETS, 0.5, (0, 3)), stand(TICKETS, 0.7, (5, 9), second=DEPLOYMENTS))
    part = match_of(found).part
    assert part is not None
    assert (part.span, part.lead.score, part.lead.runner_up and part.lead.runner_up.name) == (
        (5, 9),
        0.7,
        "deployments",
    )


def test_a_refusal_for_the_route_of_a_part_names_both() -> None:
    found = decided((0.1, 0.2, 0.1), stand(USERS, 0.5, (4, 9), second=TICKETS, whole=False))
    assert isinstance(found, Refusal)
    assert (found.reason, found.route and found.route.name) == (Reason.ROUTE_FORBIDDEN, "users")
    assert found.says.startswith("route 'users' is restricted and does not allow agent 'bot'; characters 4 to 9 ")
    assert "some words" not in found.says + found.message
    assert match_of(found).lead.route.name == "users"


def test_a_part_that_keeps_a_text_from_its_route_is_named_beside_the_scores_of_the_whole() -> None:
    found = decided((0.9, 0.2, 0.1), stand(DEPLOYMENTS, 0.8, (4, 9), second=TICKETS))
    assert isinstance(found, Refusal)
    assert (found.reason, found.route and found.route.name) == (Reason.AMBIGUOUS_ROUTE, "tickets")
    assert found.says == (
        "a part of the text stands for another route than the whole: "
        "characters 4 to 9 of the text stand for route 'deployments' (0.8000)"
    )
    match = match_of(found)
    assert (match.lead.route.name, match.lead.score, match.lead.margin) == ("tickets", 0.9, pytest.approx(0.7))
    assert match.part is not None
    assert (match.part.chose, match.part.lead.route.name) == (False, "deployments")


def test_of_parts_for_several_routes_the_refusal_is_for_the_route_of_the_named_one() -> None:
    found = decided((0.1, 0.2, 0.1), stand(TICKETS, 0.5, (0, 3)), stand(DEPLOYMENTS, 0.6, (5, 9)))
    assert isinstance(found, Refusal)
    assert (found.reason, found.candidates) == (Reason.AMBIGUOUS_ROUTE, ("tickets", "deployments"))
    assert found.route is not None
    assert found.route.name == match_of(found).lead.route.name == "deployments"
    assert found.says == (
        "parts of the text stand for several routes, and the whole for none: "
        "characters 5 to 9 of the text stand for route 'deployments' (0.6000)"
    )


def test_what_stands_in_no_place_of_the_text_is_told_without_one() -> None:
    found = decided((0.1, 0.2, 0.1), stand(TICKETS, 0.62, None))
    assert isinstance(found, Permit)
    assert found.says.endswith("; a part of what is said stands for route 'tickets' (0.6200)")


def test_the_whole_decides_without_a_part() -> None:
    for scores, rule in (((0.9, 0.1, 0.1), "route 'tickets' lists agent 'bot'"), ((0.1, 0.2, 0.1), "route 'fallback'")):
        found = decided(scores, stand(TICKETS, 0.7, (0, 3), whole=scores[0] > 0.5) if scores[0] > 0.5 else STRAY)
        assert isinstance(found, Permit)
        assert match_of(found).part is None
        assert found.says.startswith(rule)
        assert ";" not in found.says


STRAY = stand(TICKETS, 0.7, (0, 3), whole=False)


def test_what_refuses_a_conversation_without_a_text_is_the_route_with_the_highest_score() -> None:
    """Of several routes that the caller may not use, the first in the configuration was named with another's score."""
    closed = Policy.of(
        tuple(Route(name, UPSTREAM, Access.RESTRICTED, frozenset({"admin"}), ("x",), 0.4) for name in ("red", "green")),
        agents=frozenset({"bot", "admin"}),
        all_messages=True,
        ambiguity_threshold=0.2,
    )
    body = Reading(beside=("said before",), dialect="messages")
    claims = (Claim(Place.HEADER, "x", "bot"),)
    found = decide(Facts(Reading(claims), body=body, scores=Scores((0.5, 0.6))), closed, INITIAL)
    assert isinstance(found, Refusal)
    assert found.route is not None
    assert (found.route.name, match_of(found).lead.route.name) == ("green", "green")
    hidden = Stand(0, 0.7, frozenset({0}), False, False, 1, 0.3, "some words", (2, 6))
    found = decide(Facts(Reading(claims), body=body, scores=Scores((0.1, 0.2), stands=(hidden,))), closed, INITIAL)
    assert isinstance(found, Refusal)
    lead, part = match_of(found).lead, match_of(found).part
    assert part is not None
    assert (found.route and found.route.name, lead.route.name, lead.score, part.span) == ("red", "red", 0.7, None)


def stands() -> st.SearchStrategy[Stand]:
    def of(places: tuple[int, ...], score: float, whole: bool, brief: bool) -> Stand:
        return Stand(places[0], score, frozenset(places[:1]), whole, brief, places[1], score / 2, "w", (0, 1))

    scores = st.sampled_from((0.4, 0.5, 0.6, 0.9))
    return st.builds(of, st.permutations(range(3)).map(tuple), scores, st.booleans(), st.booleans())


@given(
    st.tuples(*[st.sampled_from((0.1, 0.2, 0.39, 0.41, 0.5, 0.9))] * 3),
    st.lists(stands(), max_size=4),
    st.sampled_from(("bot", "admin")),
)
def test_the_scores_that_are_told_are_those_of_the_route_that_is_told(
    scores: tuple[float, ...], parts: list[Stand], agent: str
) -> None:
    found = decided(scores, *parts, agent=agent)
    match = match_of(found)
    lead, route = match.lead, found.route
    assert lead.runner_up is not None
    assert lead.runner_up is not lead.route
    assert lead.margin is not None
    assert lead.margin >= 0
    assert route is not None
    if route.name == "fallback":
        assert (lead.route, lead.score) == (match.best, max(scores))
    else:
        assert route is lead.route
    if match.part is None:
        assert lead.score == max(scores)
    else:
        assert match.part.lead.score in {part.score for part in parts}
        assert match.part.chose is (lead == match.part.lead)
