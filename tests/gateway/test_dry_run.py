"""A dry run says what the gateway would do: the same decision, compared with the gateway itself on random houses."""

from collections import Counter
from urllib.parse import quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.policy import FALLBACK_NAME, Access, Policy, Route, Upstream
from aimux.core.scores import Scores, Stand, TextTooLong
from aimux.gateway.dry_run import judge

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
AGENTS = ("ant", "bee")
GUARDS = (
    *((Access.OPEN, ()), (Access.PUBLIC, ()), (Access.RESTRICTED, ()), (Access.RESTRICTED, ("ant",))),
    *((Access.RESTRICTED, ("ant", "bee")), (Access.RESTRICTED, ("bee",))),
)


def route(name, guard, *, intents=True, min_score=0.4):
    access, allowed = guard
    return Route(name, UPSTREAM, access, frozenset(allowed), ("x",) if intents else (), min_score)


def no_scores(_):
    raise AssertionError("nothing is to be scored")


def house_of(data):
    """A house and the scores of its routes, from choices read off bytes."""
    choices = iter(data)

    def one(options):
        return options[next(choices) % len(options)]

    names = ("red", "green", "blue")[: one((3, 2, 1, 0))]
    routes = tuple(
        route(n, one(GUARDS), intents=one((True, True, True, False)), min_score=one((0.4, 0.6))) for n in names
    )
    fallback = one((None, None, *GUARDS))
    policy = Policy.of(
        routes,
        agents=frozenset(AGENTS),
        fallback=None if fallback is None else route(FALLBACK_NAME, fallback, intents=False),
        ambiguity_threshold=one((0.05, 0.2)),
    )
    values = tuple(one((0.1, 0.42, 0.5, 0.58, 0.62, 0.9)) if r.intents else None for r in routes)
    return policy, TextTooLong(9000, 8192) if next(choices) % 16 == 15 else Scores(values)


def test_a_dry_run_is_what_the_gateway_does(house):
    reached = Counter()
    texts = st.sampled_from(("analyze the budget", "caf\u00e9 & more", "a=b", " padded ", "   ", ""))

    @settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.binary(min_size=20, max_size=20).map(house_of), texts, st.sampled_from((None, "ant", "bee", "stranger")))
    def check(built, text, agent):
        policy, scores = built
        asked = []
        judgement = judge(text, agent, policy, lambda text: asked.append(text) or scores)
        served = house(policy, scores)
        query = f"q={quote_plus(text)}" + (f"&client_id={agent}" if agent else "")
        exchange, record = served.serve(f"GET /?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (judgement.text, judgement.agent) == (text, agent)
        assert asked == served.scorer.texts
        assert (judgement.verdict, judgement.status) == (record.verdict, record.status)
        assert judgement.scores == record.scores
        assert judgement.route == record.route
        if record.match:
            found = record.match
            assert (judgement.score, judgement.margin) == (found.lead.score, found.lead.margin)
            assert judgement.runner_up == (found.lead.runner_up and found.lead.runner_up.name)
            assert (judgement.best, judgement.best_score) == (found.best.name, found.score)
        else:
            assert (judgement.score, judgement.margin, judgement.best) == (None, None, None)
        if served.forwarder.calls:
            assert (judgement.rule, judgement.says) == (record.rule, record.says)
            assert judgement.message == "goes to http://upstream:8001"
        else:
            assert judgement.candidates == tuple(exchange.error.get("candidates", ()))
            if record.verdict != "unknown_agent":
                assert (judgement.message, judgement.says) == (exchange.error["message"], record.says)
        reached[record.verdict] += 1

    check()
    assert set(reached) == {
        *("forward", "fallback", "unknown_agent", "no_text", "text_too_long", "no_route"),
        *("ambiguous_route", "route_forbidden", "anonymous_forbidden"),
    }


FINANCE = route("finance", (Access.RESTRICTED, ("ant",)))
ADMIN = route("admin", (Access.RESTRICTED, ("bee",)))
HOUSE = Policy.of((FINANCE, ADMIN, route("open", (Access.OPEN, ()))), agents=frozenset(AGENTS))


def test_a_permitted_text():
    found = judge("analyze", "ant", HOUSE, lambda _: Scores((0.9, 0.5, 0.1)))
    assert (found.verdict, found.status, found.route, found.score, found.runner_up) == (
        "forward",
        200,
        "finance",
        0.9,
        "admin",
    )
    assert found.margin == pytest.approx(0.4)
    assert found.says == "route 'finance' lists agent 'ant'"
    assert found.scores == (("finance", 0.9), ("admin", 0.5), ("open", 0.1))


def test_the_best_route_is_told_also_where_it_is_refused():
    found = judge("delete", "ant", HOUSE, lambda _: Scores((0.1, 0.9, 0.2)))
    assert (found.verdict, found.status, found.route, found.score) == ("route_forbidden", 403, "admin", 0.9)
    found = judge("nothing", "ant", HOUSE, lambda _: Scores((0.1, 0.3, 0.2)))
    assert (found.verdict, found.status, found.route, found.score) == ("no_route", 404, "admin", 0.3)


def test_candidates_are_told():
    found = judge("either", "ant", HOUSE, lambda _: Scores((0.9, 0.9, 0.88)))
    assert (found.verdict, found.status, found.candidates) == ("ambiguous_route", 409, ("finance", "open"))


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_no_text_is_not_scored(text):
    assert judge(text, None, HOUSE, no_scores).verdict == "no_text"


def test_an_unknown_agent_is_not_scored():
    found = judge("analyze", "stranger", HOUSE, no_scores)
    assert (found.verdict, found.status, found.route, found.scores) == ("unknown_agent", 401, None, ())


def test_a_text_that_is_too_long():
    found = judge("long", "ant", HOUSE, lambda _: TextTooLong(9000, 8192))
    assert (found.verdict, found.status, found.scores) == ("text_too_long", 413, ())


def test_scores_that_cannot_be_are_a_fault():
    with pytest.raises(ValueError, match="score"):
        judge("analyze", "ant", HOUSE, lambda _: Scores((float("nan"), 0.5, 0.1)))


def test_a_route_that_a_part_of_the_text_chose_is_told_rather_than_the_nearest_to_the_whole():
    red, green = (Route(name, UPSTREAM, Access.OPEN, frozenset(), (name,), 0.6) for name in ("red", "green"))
    part = Stand(0, 0.9, frozenset(), whole=True, runner_up=1, runner_up_score=0.25, words="text", span=(2, 6))
    found = judge("a text", None, Policy.of((red, green)), lambda _: Scores((0.5, 0.55), stands=(part,)))
    rule = "route 'red' is open; characters 2 to 6 of the text stand for route 'red' (0.9000)"
    assert (found.verdict, found.route, found.says) == ("forward", "red", rule)
    assert (found.score, found.runner_up, found.margin) == (0.9, "green", 0.65)
    assert (found.best, found.best_score) == ("green", 0.55)


def test_the_fallback_takes_a_text_as_itself_and_the_best_route_is_told_beside_it():
    red, last = Route("red", UPSTREAM, Access.OPEN, frozenset(), ("red",), 0.6), route(FALLBACK_NAME, (Access.OPEN, ()))
    found = judge("a text", None, Policy.of((red,), fallback=last), lambda _: Scores((0.5,)))
    assert (found.verdict, found.route, found.best, found.best_score) == ("fallback", "fallback", "red", 0.5)
