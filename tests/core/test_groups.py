"""Groups let in whom their members' names would: lists that are written out by hand decide alike."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimux.core.access import caller_named, callers, excepted_from, group_of, may_use, members_of, registered
from aimux.core.decision import Permit, decide
from aimux.core.identity import ANONYMOUS, Agent, Assurance, Claim, Evidence, Place, Principal, Proof, Proven
from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.record import Record
from aimux.core.refusal import Refusal
from aimux.core.request import SILENT, Facts, Reading
from aimux.core.rules import Rule
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
AGENTS = ("ant", "bee", "cat")
GROUPS = ("fliers", "crawlers")
some_agents = st.frozensets(st.sampled_from(AGENTS))
some_groups = st.frozensets(st.sampled_from(GROUPS))
memberships = st.fixed_dictionaries(dict.fromkeys(AGENTS, some_groups))


def route(names=(), groups=()):
    return Route("hive", UPSTREAM, Access.RESTRICTED, frozenset(names), ("x",), groups=frozenset(groups))


def house(members, hive, *guards):
    agents = [Agent(name, groups=frozenset(members.get(name, ()))) for name in AGENTS]
    return Policy.of((hive,), agents=agents, guards=guards, groups=GROUPS)


def asked(agent, guard_scores=()):
    claims = () if agent is None else (Claim(Place.HEADER, "x-source-agent", agent),)
    scores = Scores((0.9,), guards=guard_scores)
    return Facts(Reading(claims, "a text"), body=SILENT, scores=scores)


def by_hand(members, names, groups):
    """The names that a list of names and groups stands for."""
    return frozenset(names) | {name for name in AGENTS if members[name] & groups}


def test_lists_written_out_by_hand_decide_alike():
    reached = Counter()

    lists = st.tuples(some_agents, some_groups)

    @settings(max_examples=600, deadline=None)
    @given(memberships, lists, lists, st.sampled_from((None, *AGENTS)))
    def check(members, allowed, excepted, agent):
        (names, groups), (spared, spared_groups) = allowed, excepted
        guard = Guard("stings", ("y",), 0.5, spared, spared_groups)
        plain = Guard("stings", ("y",), 0.5, by_hand(members, spared, spared_groups))
        facts = asked(agent, (0.7,))
        grouped = decide(facts, house(members, route(names, groups), guard), INITIAL)
        listed = decide(facts, house({}, route(by_hand(members, names, groups)), plain), INITIAL)
        assert type(grouped) is type(listed)
        if isinstance(grouped, Refusal):
            assert (grouped.reason, grouped.message, grouped.rule) == (listed.reason, listed.message, listed.rule)
            reached[grouped.reason.code] += 1
        else:
            assert grouped.route.name == listed.route.name
            assert grouped.rule is (Rule.ACCESS_LISTED if agent in names else Rule.ACCESS_GROUP)
            reached[grouped.rule, agent in spared] += 1

    check()
    assert {"guard_refused", "route_forbidden"} <= set(reached)
    assert {(rule, by_name) for rule in (Rule.ACCESS_LISTED, Rule.ACCESS_GROUP) for by_name in (True, False)} <= set(
        reached
    )


@given(memberships, some_agents, some_groups)
def test_who_may_use_a_route_and_whom_a_guard_leaves_alone_counts_groups(members, names, groups):
    policy = house(members, route(names, groups), Guard("stings", ("y",), 0.5, names, groups))
    assert callers(policy.routes[0], policy) == by_hand(members, names, groups)
    assert excepted_from(policy.guards[0], policy) == by_hand(members, names, groups)
    listed = members_of(policy)
    assert {group: set(names) for group, names in listed.items()} == {
        group: {name for name in AGENTS if group in members[name]} for group in GROUPS
    }


def test_the_principals_groups_decide_and_not_the_configurations():
    hive = route(groups={"fliers"})
    assert may_use(Principal("ant", Assurance.TOKEN, groups=frozenset({"fliers"})), hive) is Rule.ACCESS_GROUP
    assert may_use(Principal("ant", Assurance.TOKEN), hive) is None
    assert may_use(ANONYMOUS, hive) is None


def test_the_name_decides_the_rule_where_both_let_in():
    hive = route({"ant"}, {"fliers"})
    assert may_use(Principal("ant", Assurance.CLAIMED, groups=frozenset({"fliers"})), hive) is Rule.ACCESS_LISTED


@pytest.mark.parametrize("proved", [False, True])
def test_an_agent_brings_its_groups_however_it_says_who_it_is(proved):
    both = frozenset({Assurance.CLAIMED, Assurance.TOKEN})
    policy = Policy.of((route(groups={"fliers"}),), agents=[Agent("ant", both, frozenset({"fliers"})), Agent("bee")])
    facts = asked("ant")
    if proved:
        evidence = (Evidence(Proof.API_KEY, Place.HEADER, b"key"),)
        facts = replace(facts, evidence=evidence, proven=(Proven("ant", Proof.API_KEY),))
    found = decide(facts, policy, INITIAL)
    assert isinstance(found, Permit)
    assert found.principal.groups == {"fliers"}
    assert found.principal.proof is (Proof.API_KEY if proved else Proof.CLAIM)
    assert isinstance(decide(asked("bee"), policy, INITIAL), Refusal)


@given(some_groups, some_groups)
def test_no_group_is_named_that_the_caller_is_not_in(own, listed):
    found = group_of(Principal("ant", Assurance.CLAIMED, groups=own), route(groups=listed))
    assert found == min(own & listed, default=None)


def test_the_sentence_names_the_group_and_of_several_the_first():
    policy = house({"ant": GROUPS}, route(groups=GROUPS))
    found = decide(asked("ant"), policy, INITIAL)
    assert found.says == "route 'hive' lists group 'crawlers' of agent 'ant'"
    record = Record("id", None, "peer")
    record.permitted(found)
    assert record.says == found.says
    assert group_of(found.principal, found.route) == "crawlers"


@pytest.mark.parametrize("name", ["group:fliers", "fliers", "Group:fliers"])
def test_the_name_of_a_group_is_no_agents(name):
    found = decide(asked(name), house({"ant": GROUPS}, route(groups=GROUPS)), INITIAL)
    assert isinstance(found, Refusal)
    assert found.reason.code == "unknown_agent"


def test_a_caller_by_its_name_alone():
    policy = house({"ant": {"fliers"}}, route())
    assert caller_named("ant", policy) == registered(policy.agents["ant"])
    assert caller_named("ant", policy).groups == {"fliers"}
    assert caller_named("dog", policy).groups == frozenset()
    assert caller_named(None, policy) == ANONYMOUS
