"""Pages on the policy in force: its routes, its agents, its configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aimux.admin.models import (
    AgentEntry,
    Agents,
    ConfigurationInForce,
    FallbackEntry,
    GroupEntry,
    LastReload,
    RouteEntry,
    Routes,
    StateEntry,
    WorkerEntry,
)
from aimux.admin.page import Page, json_page
from aimux.core.access import members_of, registered, usable_routes
from aimux.core.identity import Agent
from aimux.core.policy import GROUP_PREFIX, Policy, Route
from aimux.gateway.serving import Serving


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration in force. `display` is what operators may see of it: of secrets, where they come from."""

    policy: Policy
    display: Mapping[str, Any]
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Reloading:
    """The last attempt to take a new configuration over: when, and what stood in the way, if anything did."""

    at: datetime
    problems: tuple[str, ...] = ()


def routes_page(in_force: InForce) -> Page:
    """The routes, in the configuration's order, and the fallback."""
    policy, shown = in_force.policy, in_force.display
    routes = [_route(route, text) for route, text in zip(policy.routes, shown["routes"], strict=True)]
    fallback = None if policy.fallback is None else _fallback(policy.fallback, shown["fallback"])
    return json_page(Routes(routes=routes, fallback=fallback))


def agents_page(in_force: InForce) -> Page:
    """The registered agents, by name, with the routes that each may use, and the groups."""
    policy = in_force.policy
    agents = [_agent(policy.agents[name], policy) for name in sorted(policy.agents)]
    return json_page(Agents(agents=agents, groups=_groups(policy)))


def config_page(in_force: InForce, reloading: Reloading | None, serving: Sequence[Serving], state: StateEntry) -> Page:
    """The configuration, how the last attempt to take over another one ended, and what each worker serves by."""
    last = (
        None
        if reloading is None
        else LastReload(at=_moment(reloading.at), successful=not reloading.problems, problems=list(reloading.problems))
    )
    return json_page(
        ConfigurationInForce(
            config=dict(in_force.display),
            digest=in_force.policy.digest,
            loaded_at=_moment(in_force.loaded_at),
            last_reload=last,
            workers=[_worker(each) for each in serving],
            state=state,
        )
    )


def _worker(serving: Serving) -> WorkerEntry:
    return WorkerEntry(worker=serving.worker, pid=serving.pid, config=serving.config, standing=serving.standing)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _route(route: Route, shown: Mapping[str, Any]) -> RouteEntry:
    return RouteEntry(
        name=route.name,
        upstream=shown["upstream"],
        intents=shown["intents"],
        prefix=shown["prefix"],
        access=route.access,
        allowed=_allowed(route),
        min_score=route.min_score,
    )


def _fallback(route: Route, shown: Mapping[str, Any]) -> FallbackEntry:
    return FallbackEntry(upstream=shown["upstream"], access=route.access, allowed=_allowed(route))


def _allowed(route: Route) -> list[str]:
    """Names, and groups as they are written in a configuration."""
    return [*sorted(route.allowed), *(f"{GROUP_PREFIX}{group}" for group in sorted(route.groups))]


def _agent(agent: Agent, policy: Policy) -> AgentEntry:
    routes = [route.name for route in usable_routes(registered(agent), policy)]
    return AgentEntry(name=agent.name, groups=sorted(agent.groups), routes=routes)


def _groups(policy: Policy) -> list[GroupEntry]:
    return [GroupEntry(name=name, members=sorted(members)) for name, members in sorted(members_of(policy).items())]
