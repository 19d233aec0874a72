"""Groups of agents as they are written: both forms of an agent, what adds up, and every way to get it wrong."""

# ruff: noqa: E501  (a table reads best with a row on a line)

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.config.load import Loaded, load_text
from aimux.config.problem import ConfigError
from aimux.core.access import members_of

NOWHERE = Path("/nowhere")
HEAD = "routes: [{name: r, upstream: http://x, allowed: %s}]\n"


def loaded(text: str, environ: dict[str, str] | None = None) -> Loaded:
    return load_text(text, "aimux.yaml", environ or {}, NOWHERE)


def members(text: str) -> dict[str, list[str]]:
    return {group: sorted(names) for group, names in members_of(loaded(text).policy).items()}


WRITTEN = HEAD % "['group:finance', c]"
SAME = [
    "agents: [a, b, c]\ngroups: {finance: [a, b]}\n",
    "agents: [{name: a, groups: [finance]}, {name: b, groups: [finance]}, c]\n",
    "agents: [a, {name: b, groups: [finance]}, {name: c}]\ngroups: {finance: [a]}\n",
    "agents: [a, {name: b, groups: [finance]}, c]\ngroups:\n  finance: [a, b]\n",
]


@pytest.mark.parametrize("text", SAME)
def test_both_ways_add_up(text: str) -> None:
    found = loaded(WRITTEN + text).policy
    assert found.agents == loaded(WRITTEN + SAME[0]).policy.agents
    assert members(WRITTEN + text) == {"finance": ["a", "b"]}
    (route,) = found.routes
    assert (route.allowed, route.groups) == ({"c"}, {"finance"})


def test_guards_and_the_fallback_name_groups_too() -> None:
    text = (
        "agents: [a, b]\ngroups: {g: [a]}\nfallback: {upstream: http://x, allowed: ['group:g']}\n"
        "semantic_engine: {guards: [{name: deny, intents: [x], except: [b, 'group:g']}]}\n"
    )
    policy = loaded(text).policy
    assert policy.fallback is not None
    assert policy.fallback.groups == {"g"}
    assert (policy.guards[0].excepted, policy.guards[0].excepted_groups) == ({"b"}, {"g"})


def test_an_empty_group_is_legal_and_warned_of_where_it_alone_lets_in() -> None:
    found = loaded(HEAD % "['group:g']" + "agents: [a]\ngroups: {g: []}\n")
    assert found.policy.groups == {"g"}
    assert found.warnings == ("route 'r' allows nobody, since no agent is in a group that its `allowed` names",)
    assert loaded(HEAD % "['group:g', a]" + "agents: [a]\ngroups: {g: []}\n").warnings == ()


def test_the_form_of_an_agent_makes_no_other_configuration() -> None:
    short, long = loaded(HEAD % "[a]" + "agents: [a]\n"), loaded(HEAD % "[a]" + "agents: [{name: a}]\n")
    assert short.digest == long.digest
    assert long.display["agents"] == ["a"]
    joined = loaded(HEAD % "[a]" + "agents: [{name: a, groups: [g]}]\n")
    assert joined.digest != short.digest
    assert joined.display["agents"] == [{"name": "a", "groups": ["g"]}]


def test_names_of_the_environment_are_shown_as_they_were_written() -> None:
    text = HEAD % "['group:${G}']" + "agents: ['${A}', {name: '${B}'}, {name: '${C}', groups: ['${G}']}]\n"
    found = loaded(text + "groups: {g: ['${A}']}\n", {"A": "a", "B": "b", "C": "c", "G": "g"})
    display: Any = found.display
    assert display["agents"] == ["${A}", "${B}", {"name": "${C}", "groups": ["${G}"]}]
    assert display["groups"] == {"g": ["${A}"]}
    assert display["routes"][0]["allowed"] == ["group:${G}"]
    assert {group: sorted(each) for group, each in members_of(found.policy).items()} == {"g": ["a", "c"]}


AGENTS = "agents: [finance-bot, audit-bot]\ngroups: {finance: [finance-bot]}\n"
PLAIN = HEAD % "[]"
PROBLEMS = [
    (HEAD % "[finance]" + AGENTS, 'aimux.yaml:1: routes[0].allowed[0]: "finance" is a group and not an agent; write "group:finance"'),
    (HEAD % "['group:finanse']" + AGENTS, 'routes[0].allowed[0]: "group:finanse" is no group; did you mean group:finance?'),
    (HEAD % "['Group:finance']" + AGENTS, '"Group:finance" is not a registered agent; did you mean group:finance?'),
    (HEAD % "['group: finance']" + AGENTS, '"group: finance" is no group; did you mean group:finance?'),
    (HEAD % "['group:audit-bot']" + AGENTS, '"group:audit-bot" is no group: an agent has this name; write "audit-bot"'),
    (HEAD % "['group:zzz']" + AGENTS, '"group:zzz" is no group; add zzz: with its agents under groups:, or remove it'),
    (HEAD % "['group:']" + AGENTS, '"group:" is no group;'),
    (HEAD % "[finance-bod]" + AGENTS, '"finance-bod" is not a registered agent; did you mean finance-bot?'),
    (HEAD % "['*', 'group:finance']" + AGENTS, 'routes[0].allowed[0]: "*" stands beside names; write ["*"] alone'),
    (HEAD % "['group:finance', 'group:finance']" + AGENTS, 'the entry "group:finance" stands on line 1 already'),
    (HEAD % "[group: finance]" + AGENTS, 'a group of keys stands where text is expected; write "group:finance"'),
    ("fallback: {upstream: http://x, allowed: [finance]}\n" + AGENTS, 'fallback.allowed[0]: "finance" is a group and not an agent'),
    (PLAIN + AGENTS + "semantic_engine: {guards: [{name: n, intents: [x], except: [finance]}]}\n", 'except[0]: "finance" is a group and not'),
    (PLAIN + AGENTS + "semantic_engine: {guards: [{name: n, intents: [x], except: ['group:x']}]}\n", 'except[0]: "group:x" is no group'),
    (PLAIN + AGENTS + "semantic_engine: {guards: [{name: n, intents: [x], except: ['*']}]}\n", "except[0]: \"*\" stands for any registered agent, which cannot be said here"),
    (PLAIN + "agents: [a]\ngroups: {a: []}\n", 'aimux.yaml:3: groups.a: the group "a" has the name of an agent, on line 2; rename one of the two'),
    (PLAIN + "agents: [a, {name: b, groups: [a]}]\n", 'agents[1].groups[0]: the group "a" has the name of an agent, on line 2'),
    (PLAIN + "agents: [a]\ngroups: {g: [b]}\n", 'aimux.yaml:3: groups.g[0]: "b" is not a registered agent; add it under'),
    (PLAIN + "agents: [ant]\ngroups: {g: [ants]}\n", 'groups.g[0]: "ants" is not a registered agent; did you mean ant?'),
    (PLAIN + "agents: [a]\ngroups: {g: [a, a]}\n", 'groups.g[1]: the member "a" stands on line 3 already'),
    (PLAIN + "agents: [a]\ngroups: {g: [a], h: ['group:g']}\n", 'groups.h[0]: "group:g" is a group, and groups hold agents alone; list its agents here'),
    (PLAIN + "agents: [a]\ngroups: {g: [a], h: [g]}\n", 'groups.h[0]: "g" is a group, and groups hold agents alone'),
    (PLAIN + "agents: [a]\ngroups: {g: ['*']}\n", 'groups.g[0]: "*" stands for any registered agent; write allowed: ["*"]'),
    (PLAIN + "agents: [a]\ngroups: {Fin Ance: [a]}\n", 'aimux.yaml:3: groups."Fin Ance": "Fin Ance" is neither kebab-case nor snake_case; write fin-ance'),
    (PLAIN + "agents: [a]\ngroups: {g: a}\n", 'groups.g: "a" stands where a list is expected; write ["a"]'),
    (PLAIN + "agents: [a]\ngroups: [a]\n", "groups: a list stands where a group of keys is expected"),
    (PLAIN + "agents: ['group:a']\n", 'agents[0]: "group:a" stands for a group, and is no name'),
    (PLAIN + "agents: [{name: 'group:a'}]\n", 'agents[0].name: "group:a" stands for a group, and is no name'),
    (PLAIN + "agents: [{name: a, groups: ['group:g']}]\n", 'agents[0].groups[0]: "group:g" stands for a group, and is no name'),
    (PLAIN + "agents: [{name: a, groups: [g, g]}]\n", 'agents[0].groups[1]: the group "g" stands on line 2 already'),
    (PLAIN + "groups: {on: [a]}\nagents: [a]\n", "a key must be text; put a name of yours in quotes"),
    (PLAIN + "agents: [{name: a, group: [g]}]\n", "agents[0].group: this key is not known; did you mean groups?"),
    (PLAIN + "agents: [{groups: [g]}]\n", "agents[0].name: this key is missing; add name:"),
    (PLAIN + "agents: [a, {name: a}]\n", 'agents[1].name: the agent "a" stands on line 2 already'),
    (PLAIN + "agents:\n  - {name: a}\n  - b\n  - a\n", 'aimux.yaml:5: agents[2]: the agent "a" stands on line 3 already'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), PROBLEMS)
def test_each_defect_is_one_problem_that_says_what_to_do(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    (found,) = map(str, caught.value.problems)
    assert problem in found


@pytest.mark.parametrize("text", [
    "agents: {a: b}\ngroups: {g: [zz]}\n",
    "agents: [[a]]\ngroups: {g: [zz]}\n",
    "agents: [{groups: [g]}]\n" + (HEAD % "[b]").replace("routes", "fallback", 0),
    "agents: [a, {name: b, groups: {g: h}}]\n",
])  # fmt: skip
def test_what_cannot_be_read_makes_nothing_unknown(text: str) -> None:
    """A list of agents that is broken is one problem, and not one more for everything that names an agent."""
    text = text if "routes" in text else HEAD % "['group:g']" + text
    with pytest.raises(ConfigError) as caught:
        loaded(text)
    assert len(caught.value.problems) == 1, [str(each) for each in caught.value.problems]


def test_a_variable_sets_no_group() -> None:
    with pytest.raises(ConfigError, match="AIMUX_GROUPS__FINANCE: this names no key of a section"):
        loaded(PLAIN + AGENTS, {"AIMUX_GROUPS__FINANCE": "audit-bot"})


names = st.sampled_from(["a", "b", "c", "d"])


@given(
    st.dictionaries(st.sampled_from(["g", "h"]), st.lists(names, unique=True)),
    st.dictionaries(names, st.lists(st.sampled_from(["g", "h"]), unique=True)),
)
def test_memberships_are_those_of_both_ways(top: dict[str, list[str]], own: dict[str, list[str]]) -> None:
    agents = [{"name": name, "groups": own[name]} if name in own else name for name in "abcd"]
    text = f"{PLAIN}agents: {agents}\ngroups: {top}\n"
    expected = {group: set(each) for group, each in top.items()}
    for name, groups in own.items():
        for group in groups:
            expected.setdefault(group, set()).add(name)
    assert members(text) == {group: sorted(each) for group, each in expected.items()}
