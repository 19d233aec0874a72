"""What is found in routes: each finding in a configuration that has it, and in none that has not."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aimux.config.load import load
from aimux.core.identity import Agent
from aimux.core.paths import parse_pattern
from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.routing import match
from aimux.core.scores import Scores
from aimux.intent.counted import counted
from aimux.intent.encoder import Encoder
from aimux.intent.everyday import EVERYDAY
from aimux.intent.findings import Code, Finding, Severity, Shown, below
from aimux.intent.index import IntentIndex
from aimux.intent.lint import lint
from aimux.intent.trials import MOST_TRIED, Trials

CHECKOUT = Path(__file__).parents[2]
UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
AGENTS = frozenset({"alice", "bob"})

SANE = {
    "weather": [
        "will it rain tomorrow",
        "how warm is it in Paris",
        "is there snow in the mountains",
        "weather forecast",
    ],
    "users": ["delete a user account", "create a new user", "reset the password of a user", "list all user accounts"],
    "invoices": ["send the invoice", "which invoices are unpaid", "invoice of last month", "correct an invoice"],
}


def policy_of(intents: dict[str, list[str]], **changes: dict[str, object]) -> Policy:
    """Open routes with these intents; `changes` are of the route of that name."""
    routes = (Route(name, UPSTREAM, Access.OPEN, intents=tuple(texts)) for name, texts in intents.items())
    return Policy.of(tuple(replace(route, **changes.get(route.name, {})) for route in routes), agents=AGENTS)


def found_in(encoder: Encoder, intents: dict[str, list[str]], **changes: dict[str, object]) -> list[Finding]:
    policy = policy_of(intents, **changes)
    return lint(policy, IntentIndex.build(policy, encoder), encoder)


def of(code: Code, findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.code is code]


def test_nothing_is_found_in_sane_routes(encoder: Encoder) -> None:
    assert found_in(encoder, SANE) == []


def test_the_sample_configuration_has_no_errors(encoder: Encoder) -> None:
    policy = load(CHECKOUT / "aimux.yaml", {}).policy
    found = lint(policy, IntentIndex.build(policy, encoder), encoder)
    assert [finding for finding in found if finding.severity is Severity.ERROR] == []
    assert len(found) <= 2


RESTRICTED = {"access": Access.RESTRICTED, "allowed": frozenset({"alice"})}


@pytest.mark.parametrize(
    ("others", "severity"),
    [
        ({}, Severity.ERROR),
        ({"access": Access.PUBLIC}, Severity.ERROR),
        ({"access": Access.RESTRICTED, "allowed": frozenset({"bob"})}, Severity.ERROR),
        (RESTRICTED, Severity.WARNING),
    ],
)
def test_an_intent_of_two_routes_is_an_error_where_not_the_same_callers_may_use_them(
    encoder: Encoder, others: dict[str, object], severity: Severity
) -> None:
    routes = {**SANE, "people": ["who is on holiday", "delete a user account", "birthdays of colleagues"]}
    [finding] = of(Code.OVERLAP, found_in(encoder, routes, users=RESTRICTED, people=others))
    assert (finding.severity, finding.routes) == (severity, ("users", "people"))
    assert finding.texts == ("delete a user account",) * 2
    assert finding.similarity == pytest.approx(1.0, abs=0.001)
    assert "as it stands" in finding.message
    assert ("not the same callers" in finding.message) is (severity is Severity.ERROR)


def test_all_agents_one_by_one_are_the_same_callers_as_any_agent(encoder: Encoder) -> None:
    routes = {**SANE, "people": ["who is on holiday", "delete a user account", "birthdays of colleagues"]}
    everyone = {"access": Access.RESTRICTED, "allowed": AGENTS}
    found = of(Code.OVERLAP, found_in(encoder, routes, users=everyone, people={"access": Access.PUBLIC}))
    assert [finding.severity for finding in found] == [Severity.WARNING]


def test_intents_that_say_the_same_are_found_once(encoder: Encoder) -> None:
    routes = {**SANE, "account": ["reset my password", "I forgot my password", "change my password"]}
    for account, severity in (({}, Severity.ERROR), (RESTRICTED, Severity.WARNING)):
        [finding] = of(Code.NEAR_DUPLICATE, found_in(encoder, routes, users=RESTRICTED, account=account))
        assert (finding.severity, finding.routes) == (severity, ("users", "account"))
        assert finding.texts == ("reset the password of a user", "reset my password")
        assert finding.similarity is not None
        assert 0.8 <= finding.similarity < 1
        assert f"{finding.similarity:.2f}" in finding.message
        assert all(text in finding.message for text in (*finding.texts, *finding.routes))


def test_an_intent_that_belongs_to_another_route(encoder: Encoder) -> None:
    routes = {**SANE, "invoices": [*SANE["invoices"], "how hot will it get this afternoon"]}
    [finding] = found_in(encoder, routes)
    assert (finding.code, finding.severity) == (Code.NEARER_TO_ANOTHER, Severity.WARNING)
    assert finding.routes == ("invoices", "weather")
    assert finding.texts[0] == "how hot will it get this afternoon"
    assert (finding.route, finding.intent) == (2, 4)


def test_routes_whose_texts_would_be_ambiguous(encoder: Encoder) -> None:
    routes = {
        "refunds": ["send the goods back", "the goods arrived broken", "I want my money back", "refund my order"],
        "orders": ["when will it arrive", "where is my order", "who delivers the goods", "cancel an order"],
    }
    [finding] = of(Code.LIKELY_AMBIGUOUS, found_in(encoder, routes))
    assert set(finding.routes) == {"refunds", "orders"}
    assert finding.severity is Severity.WARNING
    assert finding.texts[0] in routes[finding.routes[0]]
    assert finding.texts[1] in routes[finding.routes[1]]


def test_a_route_that_nothing_leads_to(encoder: Encoder) -> None:
    same = {**SANE, "forecasts": SANE["weather"]}
    assert {finding.routes for finding in of(Code.CANNOT_WIN, found_in(encoder, same))} == {
        ("weather",),
        ("forecasts",),
    }


def test_a_route_that_only_its_own_words_lead_to(encoder: Encoder) -> None:
    found = found_in(encoder, SANE, weather={"min_score": 0.7})
    assert [(finding.code, finding.routes) for finding in found] == [(Code.OUT_OF_REACH, ("weather",))]
    assert "would reach its min_score (0.7) by the others, 0." in found[0].message


def test_a_score_looks_as_far_below_a_threshold_as_it_is(encoder: Encoder) -> None:
    policy = policy_of(SANE)
    trials = Trials(policy, IntentIndex.build(policy, encoder)).run()
    highest = max(trial.outcome.own for trial in trials if trial.intent.route == 0 and trial.outcome)
    least = round(highest, 2) if round(highest, 2) > highest else highest + 0.0004
    (found,) = of(Code.OUT_OF_REACH, found_in(encoder, SANE, weather={"min_score": least}))
    said = re.search(r"by the others, (\S+) at most: texts in other words may miss it", found.message)
    assert said is not None
    assert highest - 0.005 <= float(said[1]) < least
    assert (below(0.344, 0.4), below(0.398, 0.4), below(0.39996, 0.4)) == ("0.34", "0.398", "0.39996")


@pytest.mark.parametrize(
    ("access", "allowed", "agents", "said"),
    [
        (
            Access.RESTRICTED,
            (),
            AGENTS,
            "since its `allowed` is empty: every request for it, and every text that means",
        ),
        (Access.PUBLIC, (), frozenset(), "since it is for registered agents alone, and there are none: every request"),
        (Access.PUBLIC, (), AGENTS, None),
        (Access.OPEN, (), frozenset(), None),
        (Access.RESTRICTED, sorted(AGENTS)[:1], AGENTS, None),
    ],
)
def test_a_route_for_nobody(access: Access, allowed: list[str], agents: frozenset[str], said: str | None) -> None:
    policy = policy_of(SANE, weather={"access": access, "allowed": frozenset(allowed)})
    found = list(counted(Policy.of(policy.routes, agents=agents)))
    assert [(each.code, each.severity, each.routes, each.route) for each in found] == (
        [(Code.FOR_NOBODY, Severity.WARNING, ("weather",), 0)] if said else []
    )
    assert said is None or f"nobody may use route 'weather', {said}" in found[0].message


def test_groups_that_change_nothing() -> None:
    weather = {"access": Access.RESTRICTED, "groups": frozenset({"empty", "full"})}
    policy = policy_of(SANE, weather=weather)
    agents = [Agent("bee", groups=frozenset({"full", "unused"}))]
    guard = Guard("stings", ("a", "b", "c"), 0.5, excepted_groups=frozenset({"spared"}))
    groups = ("empty", "idle", "spared")
    found = list(counted(Policy.of(policy.routes, agents=agents, guards=(guard,), groups=groups)))
    assert [(each.code, each.severity, each.group) for each in found] == [
        (Code.EMPTY_GROUP, Severity.WARNING, "empty"),
        (Code.UNUSED_GROUP, Severity.NOTE, "idle"),
        (Code.EMPTY_GROUP, Severity.WARNING, "spared"),
        (Code.UNUSED_GROUP, Severity.NOTE, "unused"),
    ]
    nobody = list(counted(Policy.of(policy.routes, groups=("empty", "full"))))
    assert [each.code for each in nobody] == [Code.FOR_NOBODY, Code.EMPTY_GROUP, Code.EMPTY_GROUP]
    assert "since no agent is in a group that its `allowed` names" in nobody[0].message


@pytest.mark.parametrize("intent", ["hello", "how do you do", "thank you so much"])
def test_intents_that_draw_everyday_texts(encoder: Encoder, intent: str) -> None:
    routes = {**SANE, "greeter": [intent, "good day to you"]}
    [finding] = of(Code.EVERYDAY, found_in(encoder, routes))
    assert finding.routes == ("greeter",)
    assert finding.texts[0] in routes["greeter"]
    assert finding.texts[1] in EVERYDAY


def test_few_intents_and_none(encoder: Encoder) -> None:
    routes = {**SANE, "one": ["translate into French"], "none": [], "two": ["play music", "play a song"]}
    found = found_in(encoder, routes)
    assert [(finding.code, finding.severity, finding.routes) for finding in found] == [
        (Code.FEW_INTENTS, Severity.WARNING, ("one",)),
        (Code.FEW_INTENTS, Severity.WARNING, ("two",)),
        (Code.BY_NAME_ONLY, Severity.NOTE, ("none",)),
    ]
    assert "five to ten" in found[0].remedy
    assert [finding.code for finding in counted(policy_of({"none": []}))] == [Code.BY_NAME_ONLY]


def test_a_route_without_intents_is_said_with_all_that_leads_to_it() -> None:
    (route,) = policy_of({"none": []}).routes
    path = parse_pattern("GET /v1/files")
    for more, ways in (
        ({}, "name"),
        ({"prefix": "/files"}, "name and its prefix"),
        ({"paths": (path,)}, "name and its paths"),
        ({"prefix": "/files", "paths": (path,)}, "name, its prefix and its paths"),
    ):
        (found,) = counted(Policy.of((replace(route, **more),)))
        assert found.message == f"route 'none' has no intents and is reached by {ways} only"


def test_one_route_alone_has_nobody_to_be_compared_with(encoder: Encoder) -> None:
    assert found_in(encoder, {"weather": SANE["weather"]}) == []
    assert [f.code for f in found_in(encoder, {"weather": ["will it rain"]})] == [Code.FEW_INTENTS]


def test_messages_show_intents_as_they_may_be_shown(encoder: Encoder) -> None:
    routes = {"users": SANE["users"], "people": ["who is on holiday", "delete a user account", "birthdays"]}
    policy = policy_of(routes)
    shown = Shown([["${A}"] * 4, ["${B}"] * 3], [])
    found = lint(policy, IntentIndex.build(policy, encoder), encoder, shown)
    assert found
    assert not any("user account" in str(finding) + str(finding.texts) for finding in found)


def test_every_everyday_text_fits_and_stands_once(encoder: Encoder) -> None:
    assert 30 <= len(EVERYDAY) <= 60
    assert len(set(EVERYDAY)) == len(EVERYDAY)
    assert np.isfinite(encoder.encode(EVERYDAY)).all()


def unit(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_a_trial_says_what_an_index_without_the_intent_would(seed: int) -> None:
    counts = [3, 1, 0, 5]
    vectors = unit(np.random.default_rng(seed).normal(0.6, 1.0, (sum(counts), 8)))
    policy = policy_of({f"r{at}": [f"{at}.{n}" for n in range(count)] for at, count in enumerate(counts)})
    trials = Trials(policy, IntentIndex(policy, vectors)).run()
    assert [trial.intent.route for trial in trials] == [0] * 3 + [1] + [3] * 5
    for row, trial in enumerate(trials):
        assert trial.outcome is not None
        text = vectors[row][np.newaxis]
        assert trial.outcome.whole == match(policy, IntentIndex(policy, vectors).scores(text))
        strangers = [at for at, other in enumerate(trials) if other.intent.route != trial.intent.route]
        nearest = max(strangers, key=lambda at: float(vectors[at] @ vectors[row]))
        assert trial.other == trials[nearest].intent
        assert trial.similarity == pytest.approx(float(vectors[nearest] @ vectors[row]), abs=1e-5)
        if counts[trial.intent.route] == 1:
            assert trial.outcome.left_out is None
            continue
        own = policy.routes[trial.intent.route]
        less = replace(own, intents=tuple(t for n, t in enumerate(own.intents) if n != trial.intent.number))
        without = Policy.of(tuple(less if route is own else route for route in policy.routes))
        expected = IntentIndex(without, np.delete(vectors, row, axis=0)).scores(text).values
        assert trial.outcome.own == pytest.approx(expected[trial.intent.route], abs=1e-5)
        assert trial.outcome.own is not None
        values = list(IntentIndex(policy, vectors).scores(text).values)
        values[trial.intent.route] = trial.outcome.own
        assert trial.outcome.left_out == match(policy, Scores(tuple(values)))


def test_of_very_many_intents_each_route_has_its_share_of_trials() -> None:
    routes, each = 50, 40
    vectors = unit(np.random.default_rng(3).normal(size=(routes * each, 16)))
    policy = policy_of({f"r{at}": [f"{at}.{n}" for n in range(each)] for at in range(routes)})
    trials = Trials(policy, IntentIndex(policy, vectors)).run()
    tried = [trial.intent.route for trial in trials if trial.outcome is not None]
    assert len(trials) == routes * each
    assert [tried.count(route) for route in range(routes)] == [MOST_TRIED // routes] * routes
