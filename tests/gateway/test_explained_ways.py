"""Single changes where they are due: what would have been decided otherwise, in words and numbers."""

import re
from dataclasses import replace

import pytest
from gateway_support.words import AGENTS, APART, Table, reader_of, route

from aimux.core.identity import Agent
from aimux.core.policy import FALLBACK_NAME, Access, Guard, Policy
from aimux.core.steps import Gate
from aimux.gateway.explaining import explain
from aimux.gateway.stages import told
from aimux.intent.explain import Looks

BUDGET = route("finance", (Access.RESTRICTED, ("ant",)), intents=("budget costs",))
USERS = route("admin", (Access.RESTRICTED, ("bee",)), intents=("delete users", "wipe users"))
LAST = route(FALLBACK_NAME, (Access.OPEN, ()))


def house_of(*routes, fallback=None, guards=(), threshold=0.05):
    return Policy.of(
        routes or (BUDGET, USERS),
        agents=frozenset(AGENTS),
        fallback=fallback,
        guards=guards,
        ambiguity_threshold=threshold,
    )


def says(text, agent, house):
    return [way.says for way in explain(text, agent, house, Looks(reader_of(house, APART))).ways]


def test_who_may_not_use_a_route_is_told_of_its_list_and_of_who_is_on_it():
    assert says("delete users", "ant", house_of()) == [
        "agent 'ant' under `allowed` of 'admin': forwarded to 'admin'",
        "asked by agent 'bee': forwarded to 'admin'",
    ]
    assert says("delete users", None, house_of()) == ["asked by agent 'bee': forwarded to 'admin'"]


def test_who_may_not_use_a_route_is_told_of_the_groups_that_may():
    house = Policy.of(
        (BUDGET, replace(USERS, allowed=frozenset(), groups=frozenset({"admins"}))),
        agents=(Agent("ant"), Agent("bee", groups=frozenset({"admins"}))),
    )
    assert says("delete users", "ant", house) == [
        "agent 'ant' under `allowed` of 'admin': forwarded to 'admin'",
        "agent 'ant' in group 'admins': forwarded to 'admin'",
        "asked by agent 'bee': forwarded to 'admin'",
    ]
    (stage,) = (
        stage
        for stage in explain("delete users", "bee", house, Looks(reader_of(house, APART))).stages
        if stage.gate is Gate.ACCESS
    )
    assert stage.why == "route 'admin' lists group 'admins' of agent 'bee'"


def test_a_score_that_is_too_low_is_told_the_threshold_that_it_reaches():
    high = replace(BUDGET, min_score=0.99)
    house = house_of(high, USERS, fallback=LAST)
    score = reader_of(house, APART).score("budget please").values[0]
    first, second = says("budget please", "ant", house)
    value = float(re.fullmatch(r"min_score of 'finance' at or below (\S+): forwarded to 'finance'", first)[1])
    assert 0 <= score - value < 0.001
    assert second == "'finance' named in X-AIMux-Route: forwarded to 'finance'"
    forbidden = says("budget please", "bee", house)
    assert f"min_score of 'finance' at or below {value} and agent 'bee' under `allowed` of 'finance': " in forbidden[0]


@pytest.mark.parametrize("text", ["budget please", "budget please, root sum"])
def test_what_is_forwarded_is_told_the_threshold_that_would_keep_it_from_there(text):
    house = house_of(replace(BUDGET, min_score=0.2), USERS, fallback=LAST)
    scores = reader_of(house, APART).score(text)
    # Below it the part alone would lead there, where the whole does not.
    best = max(scores.values[0], *(stand.score for stand in scores.stands), 0.0)
    assert (best > scores.values[0]) == ("," in text)
    (way,) = says(text, "ant", house)
    value = float(re.fullmatch(r"min_score of 'finance' at or above (\S+): forwarded to the fallback", way)[1])
    assert 0 < value - best <= 0.001


def test_a_part_is_told_with_its_words():
    house = house_of()
    text = "budget costs, costs budget and then delete users"
    found = explain(text, "ant", house, Looks(reader_of(house, APART)))
    assert found.decided.by is Gate.PARTS
    (stage,) = (stage for stage in found.stages if stage.gate is Gate.PARTS)
    assert stage.why == "\"delete users\" stands for 'admin' (1.000)"
    told_of = [way.says for way in found.ways]
    assert "without \"delete users\": forwarded to 'finance'" in told_of
    assert "'finance' named in X-AIMux-Route: forwarded to 'finance'" in told_of


def test_an_agent_whose_name_cannot_be_registered_is_not_told_to_be():
    house = house_of(fallback=LAST)
    asked = "asked without a name: forwarded to the fallback"
    assert says("please status", "cat", house) == ["agent 'cat' under `agents`: forwarded to the fallback", asked]
    for name in ("Cat", "cat\n", "c" * 65, "\x1b[31m", "c'"):
        assert says("please status", name, house) == [asked]


def test_a_house_without_intents_is_explained_without_a_model():
    house = Policy.of((route("red", (Access.OPEN, ())),), fallback=LAST, agents=frozenset(AGENTS))
    found = explain("budget", None, house, Looks(None))
    assert found.decided.by is Gate.FALLBACK
    assert (found.text, found.near, found.guarded, found.stands) == (None, (), (), ())
    closed = replace(house, fallback=route(FALLBACK_NAME, (Access.RESTRICTED, ("bee",))))
    found = explain("budget", "ant", closed, Looks(None))
    assert [way.says for way in found.ways] == [
        "agent 'ant' under `allowed` of the fallback: forwarded to the fallback",
        "asked by agent 'bee': forwarded to the fallback",
        "'red' named in X-AIMux-Route: forwarded to 'red'",
    ]


@pytest.mark.parametrize(
    ("value", "beside", "shown"),
    [
        (0.4, 0.4, "0.400"),
        (0.39996, 0.4, "0.39996"),
        (0.40004, 0.4, "0.40004"),
        (0.0, None, "0.000"),
        (0.0004, None, "0.0004"),
        (0.612, 0.4, "0.612"),
        (0.05 - 1e-12, 0.05, "0.05000000"),
    ],
)
def test_numbers_do_not_look_like_what_they_are_not(value, beside, shown):
    assert told(value, beside) == shown


def test_what_the_model_does_not_know_is_refused_by_the_guards_and_means_no_route():
    table = Table(200)
    table.unknown = table.tokenize("klaatu")[0]
    guard = Guard("keys", ("key",), 0.5, frozenset({"bee"}))
    house = house_of(fallback=LAST, guards=(guard,))
    found = explain("klaatu klaatu", "ant", house, Looks(reader_of(house, table)))
    assert (found.judgement.verdict, found.decided.by) == ("bad_request", Gate.GUARDS)
    [why] = [stage.why for stage in found.stages if stage.gate is Gate.GUARDS]
    assert "no guard can judge" in why
    assert (found.near, found.text.is_unread) == ((), True)
    assert [way.says for way in found.ways] == ["agent 'ant' under `except` of guard 'keys': forwarded to the fallback"]
    allowed = explain("klaatu klaatu", "bee", house, Looks(reader_of(house, table)))
    assert (allowed.judgement.verdict, allowed.judgement.score) == ("fallback", 0.0)
