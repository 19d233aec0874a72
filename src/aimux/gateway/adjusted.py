"""What could be done otherwise: a threshold, a list, the caller, the text. A change says what it is, and makes it."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from aimux.config.fields import LONGEST_NAME, NAME
from aimux.config.problem import quoted
from aimux.core.identity import Agent, Assurance, Principal, Proof
from aimux.core.policy import FALLBACK_NAME, Policy, Route

_STEP: Final = 1000
"""Thresholds are told in so many steps from 0 to 1, as people write them."""


@dataclass(frozen=True, slots=True)
class Case:
    """Who says what to which configuration. `named` is the route in the X-AIMux-Route header."""

    text: str
    agent: str | None
    named: str | None
    policy: Policy


class What(StrEnum):
    """What a change is about. These words stay: scripts compare them."""

    MIN_SCORE = "min_score"
    AMBIGUITY = "ambiguity_threshold"
    GUARD = "guard_min_score"
    EXCEPT = "guard_except"
    ALLOWED = "allowed"
    GROUPS = "groups"
    AGENTS = "agents"
    CALLER = "caller"
    NAMED_ROUTE = "named_route"
    WITHOUT = "without"


class Bound(StrEnum):
    """Which values of a threshold do."""

    AT_MOST = "at or below"
    AT_LEAST = "at or above"
    EXACTLY = "of"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing done otherwise.

    `of` is the route or the guard that it is about, empty where it is about neither, `value` the threshold, the agent
    (None: an anonymous caller) or the words. `makes` are what it makes of a case: at its value and, where more values
    do, at the farthest of them, and at those in between where something else could come of it.
    """

    what: What
    of: str
    value: float | str | None
    says: str
    makes: tuple[Callable[[Case], Case], ...] = field(repr=False, compare=False)
    bound: Bound | None = None

    def exactly(self) -> "Change":
        """The same at its value alone."""
        if self.bound is None:
            return self
        says = self.says.replace(f" {self.bound} ", f" {Bound.EXACTLY} ")
        return replace(self, says=says, makes=self.makes[:1], bound=Bound.EXACTLY)


def at_most(score: float) -> float:
    """The highest threshold in whole steps that a score reaches."""
    value = math.floor(score * _STEP) / _STEP
    return max(value, 0.0)


def above(score: float) -> float | None:
    """The lowest threshold in whole steps that a score does not reach; None where there is none up to 1."""
    value = (math.floor(score * _STEP) + 1) / _STEP
    return value if value <= 1.0 else None


def min_score(name: str, value: float, bound: Bound, between: Sequence[float] = ()) -> Change:
    """Another min_score for a route. `between`: values behind this one where something else could come of it."""

    def made(value: float) -> Callable[[Case], Case]:
        return lambda case: _with_route(case, name, lambda route: replace(route, min_score=value))

    return _threshold(What.MIN_SCORE, name, value, bound, f"min_score of '{name}'", made=made, between=between)


def ambiguity(value: float, bound: Bound) -> Change:
    """Another ambiguity_threshold."""

    def made(value: float) -> Callable[[Case], Case]:
        return lambda case: replace(case, policy=replace(case.policy, ambiguity_threshold=value))

    return _threshold(What.AMBIGUITY, "", value, bound, "ambiguity_threshold", made=made)


def guard_min_score(name: str, value: float) -> Change:
    """A higher min_score for a guard."""

    def made(value: float) -> Callable[[Case], Case]:
        return lambda case: _with_guard(case, name, min_score=value)

    return _threshold(What.GUARD, name, value, Bound.AT_LEAST, f"min_score of guard '{name}'", made=made)


def excepted(agent: str, guard: str) -> Change:
    """An agent that a guard leaves alone."""

    def make(case: Case) -> Case:
        (found,) = (each for each in case.policy.guards if each.name == guard)
        return _with_guard(case, guard, excepted=found.excepted | {agent})

    return Change(What.EXCEPT, guard, agent, f"agent '{agent}' under `except` of guard '{guard}'", (make,))


def allowed(agent: str, name: str) -> Change:
    """An agent on the list of a route, or on that of the fallback."""

    def make(case: Case) -> Case:
        return _with_route(case, name, lambda route: replace(route, allowed=route.allowed | {agent}))

    where = "the fallback" if name == FALLBACK_NAME else f"'{name}'"
    return Change(What.ALLOWED, name, agent, f"agent '{agent}' under `allowed` of {where}", (make,))


def joined(agent: str, group: str) -> Change:
    """A registered agent in a group."""

    def make(case: Case) -> Case:
        agents, claimed = case.policy.agents, case.policy.claimed
        member = replace(agents[agent], groups=agents[agent].groups | {group})
        if agent in claimed:
            caller = replace(claimed[agent], groups=claimed[agent].groups | {group})
            claimed = MappingProxyType(claimed | {agent: caller})
        policy = replace(case.policy, agents=MappingProxyType(agents | {agent: member}), claimed=claimed)
        return replace(case, policy=policy)

    return Change(What.GROUPS, group, agent, f"agent '{agent}' in group '{group}'", (make,))


def registered(agent: str) -> Change | None:
    """A name among the agents; None for one that no agent can have."""
    if len(agent) > LONGEST_NAME or not NAME.fullmatch(agent):
        return None

    def make(case: Case) -> Case:
        claimed = case.policy.claimed | {agent: Principal(agent, Assurance.CLAIMED, Proof.CLAIM)}
        agents = case.policy.agents | {agent: Agent(agent)}
        policy = replace(case.policy, agents=MappingProxyType(agents), claimed=MappingProxyType(claimed))
        return replace(case, policy=policy)

    return Change(What.AGENTS, "", agent, f"agent '{agent}' under `agents`", (make,))


def asked_by(agent: str | None) -> Change:
    """Another caller."""
    says = "asked without a name" if agent is None else f"asked by agent '{agent}'"
    return Change(What.CALLER, "", agent, says, (lambda case: replace(case, agent=agent),))


def named(name: str) -> Change:
    """A route named in the header."""
    says = f"'{name}' named in X-AIMux-Route"
    return Change(What.NAMED_ROUTE, name, name, says, (lambda case: replace(case, named=name),))


def without(words: str, text: str) -> Change | None:
    """A text without some of its words; None where they do not stand in it so, or nothing else does."""
    spaced = re.compile(r"\s+".join(map(re.escape, words.split())))
    left = spaced.sub(" ", text, count=1) if words.strip() else text
    if left == text or not left.strip():
        return None
    return Change(What.WITHOUT, "", words, f"without {quoted(words)}", (lambda case: replace(case, text=left),))


def _threshold(
    what: What,
    of: str,
    value: float,
    bound: Bound,
    subject: str,
    *,
    made: Callable[[float], Callable[[Case], Case]],
    between: Sequence[float] = (),
) -> Change:
    farthest = 0.0 if bound is Bound.AT_MOST else 1.0
    if value == farthest:
        return Change(what, of, value, f"{subject} {Bound.EXACTLY} {value}", (made(value),), Bound.EXACTLY)
    makes = tuple(map(made, (value, *between, farthest)))
    return Change(what, of, value, f"{subject} {bound} {value}", makes, bound)


def _with_route(case: Case, name: str, change: Callable[[Route], Route]) -> Case:
    policy = case.policy
    if name == FALLBACK_NAME and policy.fallback is not None:
        return replace(case, policy=replace(policy, fallback=change(policy.fallback)))
    routes = tuple(change(route) if route.name == name else route for route in policy.routes)
    by_name = MappingProxyType({route.name: route for route in routes})
    return replace(case, policy=replace(policy, routes=routes, by_name=by_name))


def _with_guard(case: Case, name: str, **changes: object) -> Case:
    guards = tuple(
        replace(guard, **changes) if guard.name == name else guard  # type: ignore[arg-type]
        for guard in case.policy.guards
    )
    return replace(case, policy=replace(case.policy, guards=guards))
