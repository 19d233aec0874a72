"""Why a text is decided as it is: gates against a naive reading of the rules, and changes that do what they say."""

import re
from collections import Counter
from dataclasses import replace

from gateway_support.words import AGENTS, WORDS, reader_of, route, score_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.access import may_use
from aimux.core.decision import Permit
from aimux.core.identity import Assurance, Principal
from aimux.core.policy import FALLBACK_NAME, Access, Guard, Policy
from aimux.core.scores import Scores
from aimux.core.steps import Gate, Passage
from aimux.gateway.dry_run import decided, judge
from aimux.gateway.explaining import explain
from aimux.intent.explain import Looks

RUN = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
ACCESS = (
    *((Access.OPEN, ()), (Access.PUBLIC, ()), (Access.RESTRICTED, ()), (Access.RESTRICTED, ("ant",))),
    *((Access.RESTRICTED, ("ant", "bee")), (Access.RESTRICTED, ("bee",))),
)


class Choices:
    """Choices read off bytes, one byte each."""

    def __init__(self, data):
        self._bytes = iter(data)

    def one(self, options):
        return options[next(self._bytes) % len(options)]

    def phrases(self, most):
        return tuple(" ".join(self.one(WORDS) for _ in range(self.one((1, 2, 2)))) for _ in range(self.one(most)))


def case_of(data):
    """A house, a text and who says it."""
    choices = Choices(data)
    names = ("red", "green", "blue")[: choices.one((3, 3, 2, 1))]
    routes = tuple(
        route(
            name,
            choices.one(ACCESS),
            intents=choices.phrases((1, 2, 2, 0)),
            min_score=choices.one((0.3, 0.4, 0.6, 0.95)),
        )
        for name in names
    )
    guards = tuple(
        Guard(name, choices.phrases((1, 2)), choices.one((0.6, 0.9, 0.99)), frozenset(choices.one(((), ("ant",)))))
        for name in choices.one(((), (), (), ("secrets",), ("secrets", "weapons")))
    )
    fallback = choices.one((None, *ACCESS))
    house = Policy.of(
        routes,
        agents=frozenset(AGENTS),
        fallback=None if fallback is None else route(FALLBACK_NAME, fallback),
        ambiguity_threshold=choices.one((0.05, 0.2, 0.5, 0.5, 0.0)),
        guards=guards,
    )
    words = [choices.one(WORDS) + choices.one((" ", " ", ", ", " and ", ". ")) for _ in range(choices.one((3, 5, 14)))]
    text = choices.one(("".join(words),) * 24 + (" ", "\u202e" + words[0]))
    text = text * 20 if choices.one(range(20)) == 7 else text
    return house, text, choices.one((None, *AGENTS * 4, "stranger"))


def cases():
    return st.binary(min_size=90, max_size=90).map(case_of)


# What the rules say, step by step, from the scores alone.


def naive_gates(house, agent, found):
    """Each gate that is asked, and what comes of it, up to the one that decides; and that one."""
    if agent == "stranger":
        return {Gate.IDENTITY: Passage.REFUSED}, Gate.IDENTITY
    who = Principal(agent, Assurance.CLAIMED)
    passed = {Gate.IDENTITY: Passage.PASSED, Gate.NAMED_ROUTE: Passage.PASSED}
    if found is None and house.fallback is not None and may_use(who, house.fallback):
        return {**passed, Gate.TEXT: Passage.NOT_MET, Gate.FALLBACK: Passage.PASSED}, Gate.FALLBACK
    if found is None or not isinstance(found, Scores):
        return {**passed, Gate.TEXT: Passage.REFUSED}, Gate.TEXT
    passed[Gate.TEXT] = Passage.PASSED
    for guard, score in zip(house.guards, found.guards, strict=True):
        if score >= guard.min_score and agent not in guard.excepted:
            return {**passed, Gate.GUARDS: Passage.REFUSED}, Gate.GUARDS
    return naive_by_scores(house, who, found, {**passed, Gate.GUARDS: Passage.PASSED})


def naive_by_scores(house, who, found, passed):
    scored = [(score, place) for place, score in enumerate(found.values) if score is not None]
    meant = None
    top, best = max(scored, key=lambda pair: (pair[0], -pair[1]), default=(0.0, 0))
    if scored and top >= house.routes[best].min_score:
        passed[Gate.MIN_SCORE] = Passage.PASSED
        rivals = [s for s, place in scored if place != best and s >= house.routes[place].min_score]
        if any(top - score < house.ambiguity_threshold for score in rivals):
            return {**passed, Gate.AMBIGUITY: Passage.REFUSED}, Gate.AMBIGUITY
        passed[Gate.AMBIGUITY] = Passage.PASSED
        meant = best
        if not may_use(who, house.routes[best]):
            return {**passed, Gate.ACCESS: Passage.REFUSED}, Gate.ACCESS
    else:
        passed[Gate.MIN_SCORE] = Passage.NOT_MET
    return naive_by_parts(house, who, found, passed, meant)


def naive_by_parts(house, who, found, passed, meant):
    asked = dict(passed)
    if any(score is not None for score in found.values):
        stands = [s for s in found.stands if s.place != meant and meant not in s.close]
        others = {s.place for s in naive_stands(house, who, stands, meant)}
        if len(others) + (meant is not None) > 1:
            return {**passed, Gate.PARTS: Passage.REFUSED}, Gate.PARTS
        asked[Gate.PARTS] = Passage.PASSED
        meant = next(iter(others), meant)
    if meant is not None:
        may = may_use(who, house.routes[meant])
        return {**asked, Gate.ACCESS: Passage.PASSED if may else Passage.REFUSED}, Gate.ACCESS
    if house.fallback is None:
        return {**asked, Gate.MIN_SCORE: Passage.REFUSED}, Gate.MIN_SCORE
    may = may_use(who, house.fallback)
    return {**asked, Gate.FALLBACK: Passage.PASSED if may else Passage.REFUSED}, Gate.FALLBACK


def naive_stands(house, who, stands, meant):
    """Those that count: the caller's own where they are set apart, brief ones only where nothing else says anything."""
    loud = {s for s in stands if not may_use(who, house.routes[s.place]) or (s.whole and not s.brief)}
    return loud if loud or meant is not None else {s for s in stands if s.whole}


def naive_counted(house, agent, found, meant):
    who, place = Principal(agent, Assurance.CLAIMED), house.routes.index(meant) if meant else None
    elsewhere = {stand for stand in found.stands if place not in {stand.place, *stand.close}}
    return naive_stands(house, who, elsewhere, place)


def test_gates_are_those_of_the_rules_and_the_judgement_is_the_dry_run_s():
    reached = Counter()

    @settings(max_examples=400, **RUN)
    @given(cases())
    def check(case):
        house, text, agent = case
        looks = Looks(reader_of(house))
        found = explain(text, agent, house, looks)
        assert found.judgement == judge(text, agent, house, score_of(house))
        scores = None if text.isspace() else score_of(house)(text)
        expected, by = naive_gates(house, agent, scores)
        assert [stage.gate for stage in found.stages] == list(Gate)
        told_of = {stage.gate: stage.passage for stage in found.stages if stage.passage is not Passage.NOT_REACHED}
        assert told_of == expected
        assert found.decided.by is by
        assert (expected[by] is Passage.PASSED) == isinstance(found.decided.decision, Permit)
        part, counted = found.judgement.part, found.decided.counted
        assert (part is None) == (not counted)
        if part is not None:
            assert (part.words, part.span, part.lead.score) == (counted[0].words, counted[0].span, counted[0].score)
        if by is Gate.PARTS or expected.get(Gate.PARTS) is Passage.PASSED:
            assert set(found.decided.counted) == naive_counted(house, agent, scores, found.decided.meant)
            assert found.stands == scores.stands
        reached[by, expected[by], expected.get(Gate.MIN_SCORE)] += 1

    check()
    ends = {(gate, passage) for gate, passage, _ in reached}
    refusing = set(Gate) - {Gate.NAMED_ROUTE}
    assert ends == {(gate, Passage.REFUSED) for gate in refusing} | {
        (Gate.ACCESS, Passage.PASSED),
        (Gate.FALLBACK, Passage.PASSED),
    }
    assert (Gate.ACCESS, Passage.PASSED, Passage.NOT_MET) in reached, "a part decided for none of the whole"


# What changes say, made anew: another policy, another index, another text.


def made(there, change, value):
    """The case that a change speaks of, by its words for scripts alone."""
    house, text, agent, named = there

    def each(found, **fields):
        return tuple(replace(one, **fields) if one.name == change.of else one for one in found)

    def more(found, field):
        (one,) = (one for one in found if one.name == change.of)
        return each(found, **{field: getattr(one, field) | {value}})

    def without():
        spaced = re.compile(r"\s+".join(map(re.escape, value.split())))
        assert spaced.search(text)
        return spaced.sub(" ", text, count=1)

    house_with = {
        "min_score": lambda: {"routes": each(house.routes, min_score=value)},
        "ambiguity_threshold": lambda: {"ambiguity_threshold": value},
        "guard_min_score": lambda: {"guards": each(house.guards, min_score=value)},
        "guard_except": lambda: {"guards": more(house.guards, "excepted")},
        "allowed": lambda: (
            {"fallback": more([house.fallback], "allowed")[0]}
            if change.of == FALLBACK_NAME
            else {"routes": more(house.routes, "allowed")}
        ),
        "agents": lambda: {"agents": (*house.agents, value)},
    }
    fields = {
        field: getattr(house, field) for field in ("agents", "fallback", "ambiguity_threshold", "guards", "routes")
    }
    fields |= house_with.get(change.what, dict)()
    return (
        Policy.of(fields.pop("routes"), **fields),
        without() if change.what == "without" else text,
        value if change.what == "caller" else agent,
        value if change.what == "named_route" else named,
    )


def values_of(change):
    if change.bound is None or change.bound == "of":
        return (change.value,)
    far = 0.0 if change.bound == "at or below" else 1.0
    return tuple(change.value + (far - change.value) * part for part in (0.0, 0.1, 0.5, 0.9, 1.0))


def test_every_change_that_is_told_does_what_is_said():
    reached = Counter()

    @settings(max_examples=400, **RUN)
    @given(cases())
    def check(case):
        house, text, agent = case
        found = explain(text, agent, house, Looks(reader_of(house)))
        for way in found.ways:
            assert (way.verdict, way.route) != (found.judgement.verdict, found.judgement.route)
            for number in range(5):
                there = (house, text, agent, None)
                for change in way.changes:
                    values = values_of(change)
                    there = made(there, change, values[number % len(values)])
                changed, said, who, named = there
                then, _ = decided(said, who, changed, score_of(changed), named)
                if way.status == 200:
                    assert isinstance(then, Permit), way.says
                    assert then.route.name == way.route
                    assert then.is_fallback == (way.verdict == "fallback")
                else:
                    assert not isinstance(then, Permit), way.says
                    assert then.reason.code == way.verdict
            for change in way.changes:
                reached[str(change.what)] += 1
            reached[len(way.changes)] += 1
        reached["some" if found.ways else "none"] += 1

    check()
    whats = {"min_score", "ambiguity_threshold", "guard_min_score", "guard_except", "allowed", "agents", "caller"}
    assert {*whats, "named_route", "without", 1, 2, "some", "none"} <= set(reached)
    assert reached["some"] > 2 * reached["none"]


def test_no_value_of_a_threshold_that_is_nearer_to_the_configured_one_does_what_is_said_already():
    reached = Counter()

    def outcome(there):
        house, text, agent, named = there
        then, _ = decided(text, agent, house, score_of(house), named)
        return (then.route.name,) if isinstance(then, Permit) else (None, then.reason.code)

    @settings(max_examples=200, **RUN)
    @given(cases())
    def check(case):
        house, text, agent = case
        found = explain(text, agent, house, Looks(reader_of(house)))
        for way in found.ways:
            (change, *more) = way.changes
            if more or change.bound not in {"at or above", "at or below"} or change.what == "ambiguity_threshold":
                continue
            owners = house.guards if change.what == "guard_min_score" else house.routes
            (configured,) = (owner.min_score for owner in owners if owner.name == change.of)
            step = -0.001 if change.bound == "at or above" else 0.001
            said = (way.route,) if way.status == 200 else (None, way.verdict)
            exact = [
                other for other in found.ways if (other.changes[0].of, other.changes[0].bound) == (change.of, "of")
            ]
            for number in (1, 5, 50, 200):
                nearer = change.value + number * step
                if (nearer - configured) * step >= 0:
                    break
                then = outcome(made((house, text, agent, None), change, nearer))
                assert then != said, (way.says, nearer)
                # Where a value in between does something else, the first that does is told.
                assert then == outcome((house, text, agent, None)) or exact
                reached[change.bound, bool(exact)] += 1

    check()
    assert set(reached) >= {("at or above", False), ("at or below", False)}
