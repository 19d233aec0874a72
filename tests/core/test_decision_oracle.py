"""The decision against a naive evaluator that was written from the prose alone, on random houses and random requests.

The evaluator knows lists and strings only. It shares no line with what it judges.
"""

from collections import Counter
from dataclasses import replace

from core_support.naive import NO_FALLBACK, Case, Plain, Verdict, naive, naive_may
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from aimux.core.decision import Permit, decide
from aimux.core.identity import Agent, Claim, Place
from aimux.core.policy import FALLBACK_NAME, Access, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.request import NEED_BODY, SILENT, Facts, Flaw, Need, NeedScores, Reading
from aimux.core.rules import Rule
from aimux.core.scores import Scores, TextTooLong
from aimux.core.standing import INITIAL
from aimux.core.steps import Gate, Passage

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
RUN = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much]}


# The real thing, driven as the gateway drives it.


def built(case):
    def route(name, allowed, intents, min_score):
        access = Access.OPEN if allowed is None else Access.PUBLIC if "*" in allowed else Access.RESTRICTED
        names = frozenset(each for each in allowed or () if each != "*" and not each.startswith("group:"))
        groups = frozenset(each[6:] for each in allowed or () if each.startswith("group:"))
        return Route(name, UPSTREAM, access, names, ("x",) if intents else (), min_score, groups=groups)

    return Policy.of(
        tuple(route(r.name, r.allowed, r.intents, r.min_score) for r in case.routes),
        agents=[
            Agent(name, groups=frozenset(group for group, members in case.groups if name in members))
            for name in case.agents
        ],
        fallback=None if case.fallback == NO_FALLBACK else route(FALLBACK_NAME, case.fallback, False, 0.0),
        ambiguity_threshold=case.threshold,
    )


def reading(place, names, text, flaw):
    claims = tuple(Claim(place, f"field{i}", name) for i, name in enumerate(names))
    return Reading(claims, "a text" if text else None, flaw=Flaw(flaw, "flawed") if flaw else None)


def settled(case):
    """The decision, and the facts that it was made by."""
    house = built(case)
    head = reading(
        Place.HEADER, case.head_names, case.head_text, Reason.IDENTITY_MALFORMED if case.head_flawed else None
    )
    body = reading(Place.BODY, case.body_names, case.body_text, Reason.BAD_REQUEST if case.body_flawed else None)
    values = tuple(s if r.intents else None for s, r in zip(case.scores, case.routes, strict=True))
    scores = TextTooLong(9000, 8192) if case.too_long else Scores(values)
    facts = Facts(head, route_name=case.named)
    while isinstance(decision := decide(facts, house, INITIAL), Need):
        if isinstance(decision, NeedScores):
            assert decision == NeedScores("a text")
        else:
            assert decision == NEED_BODY
        # A fact that is known already raises here.
        facts.learn(decision, scores if isinstance(decision, NeedScores) else body)
    agrees_with_its_trace(decision, facts, house)
    return decision, facts


def permitted_by(case):
    """The id of the rule that lets a request through, which says so in words too."""
    decision, _ = settled(case)
    named = [f"group '{group}'" for group, _ in case.groups if f"group '{group}'" in decision.says]
    assert len(named) == (decision.rule is Rule.ACCESS_GROUP)
    return decision.rule.id


def observed(case):
    decision, facts = settled(case)
    learnt = {"body": facts.body is not None, "scores": facts.scores is not None}
    if isinstance(decision, Permit):
        permit = decision
        way = "name" if case.named is not None else "fallback" if permit.is_fallback else "text"
        return Verdict("forward", permit.principal.agent, permit.route.name, way=way, **learnt)
    agent = decision.principal.agent if decision.principal else None
    name = decision.route.name if decision.route else None
    return Verdict(decision.reason.code, agent, name, decision.candidates, **learnt)


def agrees_with_its_trace(decision, facts, house):
    """To be told its steps changes no decision, and the last step is the one that decided."""
    steps = []
    assert decide(facts, house, INITIAL, steps) == decision
    *before, last = steps
    if isinstance(decision, Permit):
        assert (last.passage, last.rule, last.route) == (Passage.PASSED, decision.rule, decision.route)
    else:
        assert last.passage is Passage.REFUSED
        assert last.gate is Gate.AMBIGUITY or last.rule is decision.rule
    assert all(step.passage is not Passage.REFUSED for step in before)


# Houses and requests.

AGENTS = ("ant", "bee", "cat")
NAMES = ("red", "green", "blue", "grey")
SCORES = (0.2, 0.38, 0.4, 0.42, 0.44, 0.5, 0.53, 0.6, 0.62, 0.64, 0.9, 1.0, 0.0)
ALLOWED = (
    *((), None, ("*",), ("ant",), ("bee",), ("cat", "bee"), ("ant", "bee", "cat")),
    *(("group:fliers",), ("group:fliers", "ant"), ("group:fliers", "group:crawlers")),
)
MEMBERS = ((), ("ant",), ("ant", "bee"), ("bee", "cat"))


class Choices:
    """Choices read off bytes, one byte each: cheap to draw by the thousand, and they still shrink."""

    def __init__(self, data):
        self._bytes = iter(data)

    def one(self, options):
        return options[next(self._bytes) % len(options)]

    def seldom(self, times):
        return next(self._bytes) % times == times - 1

    def some(self, options, most):
        return tuple(self.one(options) for _ in range(self.one(range(most + 1))))


def case_of(data):
    choices = Choices(data)
    names = () if choices.seldom(16) else NAMES[choices.one(range(len(NAMES))) :]
    routes = tuple(
        Plain(name, choices.one(ALLOWED), not choices.seldom(4), choices.one((0.0, 0.4, 0.4, 0.6))) for name in names
    )
    callers = (*AGENTS, *AGENTS, *AGENTS, "stranger")
    return Case(
        agents=frozenset(choices.one((AGENTS, AGENTS, AGENTS, AGENTS, AGENTS[:2], ()))),
        groups=tuple((group, choices.one(MEMBERS)) for group in ("fliers", "crawlers")),
        routes=routes,
        fallback=choices.one((NO_FALLBACK, NO_FALLBACK, *ALLOWED)),
        threshold=choices.one((0.05, 0.15, 0.05, 0.15, 0.0, 1.0)),
        head_names=choices.some(callers, 2),
        body_names=choices.some(callers, 1),
        head_text=choices.one((True, False)),
        body_text=choices.one((True, True, False)),
        named=choices.one((None, None, None, None, None, *NAMES, "nowhere", FALLBACK_NAME)),
        scores=tuple(choices.one(SCORES) for _ in routes),
        too_long=choices.seldom(16),
        head_flawed=choices.seldom(24),
        body_flawed=choices.seldom(16),
    )


def cases():
    return st.binary(min_size=42, max_size=42).map(case_of)


def rule_of(case, verdict):
    """Which cell of the access table let a request through."""
    allowed = (
        case.fallback if verdict.route == FALLBACK_NAME else {r.name: r.allowed for r in case.routes}[verdict.route]
    )
    if allowed is None:
        return "open"
    return "public" if "*" in allowed else "listed" if verdict.agent in allowed else "group"


ACCESS = ("open", "public", "listed", "group")
OUTCOMES = {
    *(f"forward by {way}, {rule}" for way in ("text", "name", "fallback") for rule in ACCESS),
    *(f"{code} by {way}" for code in ("route_forbidden", "anonymous_forbidden") for way in ("text", "name")),
    *(f"{code} by {way}" for code in ("route_forbidden", "anonymous_forbidden") for way in ("fallback", "ambiguous")),
    "no_route by text",
    "no_route by name",
    "ambiguous_route by text",
    *("identity_malformed", "bad_request", "unknown_agent", "no_text", "text_too_long"),
}


def test_the_decision_is_the_naive_one():
    reached = Counter()

    @settings(max_examples=4000, **RUN)
    @given(cases())
    def check(case):
        expected = naive(case)
        assert replace(observed(case), way="") == replace(expected, way="")
        if expected.what == "forward":
            assert observed(case).way == expected.way
            rule = rule_of(case, expected)
            assert permitted_by(case) == f"access.{rule}"
            reached[f"forward by {expected.way}, {rule}"] += 1
        else:
            reached[f"{expected.what} by {expected.way}" if expected.way else expected.what] += 1

    check()
    assert set(reached) == OUTCOMES, OUTCOMES ^ set(reached)


def test_taking_an_agent_off_a_list_never_turns_a_refusal_into_a_forward():
    reached = Counter()

    @settings(max_examples=600, **RUN)
    @given(cases(), st.sampled_from(AGENTS), st.booleans())
    def check(case, agent, groups):
        def without(allowed):
            if allowed is None:
                return None
            return tuple(name for name in allowed if name != agent and not (groups and name == "group:fliers"))

        routes = tuple(replace(route, allowed=without(route.allowed)) for route in case.routes)
        fallback = case.fallback if case.fallback == NO_FALLBACK else without(case.fallback)
        less = replace(case, routes=routes, fallback=fallback)
        assume(less != case)
        before, after = observed(case), observed(less)
        if after.what == "forward":
            assert (before.what, before.route) == ("forward", after.route)
        reached[before.what == "forward", after.what == "forward"] += 1

    check()
    assert set(reached) == {(True, True), (True, False), (False, False)}


def test_taking_an_agent_off_the_register_never_turns_a_refusal_into_a_forward():
    reached = Counter()

    @settings(max_examples=600, **RUN)
    @given(cases(), st.sampled_from(AGENTS))
    def check(case, agent):
        before, after = observed(case), observed(replace(case, agents=case.agents - {agent}))
        if after.what == "forward":
            assert (before.what, before.route, before.agent) == ("forward", after.route, after.agent)
            assert after.agent != agent
        reached[before.what == "forward", after.what == "forward"] += 1

    check()
    assert set(reached) == {(True, True), (True, False), (False, False)}


def test_naming_a_route_grants_nothing():
    reached = Counter()

    @settings(max_examples=600, **RUN)
    @given(cases(), st.sampled_from(NAMES))
    def check(case, name):
        plain = replace(case, named=None, head_flawed=False, body_flawed=False)
        by_text, by_name = observed(plain), observed(replace(plain, named=name, head_text=True))
        if by_name.what == "forward":
            allowed = {route.name: route.allowed for route in case.routes}[name]
            assert by_name.route == name
            assert naive_may(case, by_name.agent, allowed)
        if by_text.what in {"route_forbidden", "anonymous_forbidden"} and by_text.route == name:
            assert by_name.what != "forward"
            reached["refused both ways"] += 1
        reached[by_name.what] += 1

    check()
    assert {"refused both ways", "forward", "route_forbidden", "anonymous_forbidden"} <= set(reached)


def test_a_request_meant_for_a_forbidden_route_never_slides_to_a_permitted_one():
    reached = Counter()

    @settings(max_examples=400, **RUN)
    @given(cases(), st.integers(0, 3), st.sampled_from(AGENTS))
    def check(case, index, agent):
        readable = replace(case, named=None, head_text=True, head_flawed=False, body_flawed=False, too_long=False)
        plain = replace(readable, agents=frozenset(AGENTS), head_names=(agent,), body_names=())
        assume(index < len(plain.routes))
        target = replace(plain.routes[index], intents=True, min_score=0.9)
        assume(not naive_may(case, agent, target.allowed))
        routes = (*plain.routes[:index], target, *plain.routes[index + 1 :])
        low = tuple(min(score, 0.62) for score in plain.scores)
        before = observed(replace(plain, routes=routes, scores=low))
        high = (*low[:index], 1.0, *low[index + 1 :])
        after = observed(replace(plain, routes=routes, scores=high, threshold=min(plain.threshold, 0.15)))
        assert (after.what, after.route) == ("route_forbidden", target.name)
        reached[before.what, before.way] += 1

    check()
    assert {("forward", "text"), ("forward", "fallback"), ("no_route", ""), ("ambiguous_route", "")} <= set(reached)


def test_a_head_that_says_it_all_never_costs_a_body():
    reached = Counter()

    @settings(max_examples=400, **RUN)
    @given(cases())
    def check(case):
        assume(case.head_names and (case.head_text or case.named is not None))
        house = built(case)
        head = reading(Place.HEADER, case.head_names, case.head_text, None)
        decision = decide(Facts(head, route_name=case.named), house, INITIAL)
        assert not isinstance(decision, Need) or (isinstance(decision, NeedScores) and case.named is None)
        with_body = decide(Facts(head, route_name=case.named, body=SILENT), house, INITIAL)
        assert with_body == decision
        reached[type(decision).__name__] += 1

    check()
    assert set(reached) == {"NeedScores", "Permit", "Refusal"}
