"""Who may use a route, and which rule says so."""

from aimux.core.identity import ANONYMOUS, Agent, Assurance, Principal
from aimux.core.policy import Access, Guard, Policy, Route
from aimux.core.rules import Rule


def may_use(principal: Principal, route: Route) -> Rule | None:
    """The rule that lets a principal use a route, or None.

    The principal is anonymous or registered: an unregistered name is refused before access is judged.
    """
    if route.access is Access.OPEN:
        return Rule.ACCESS_OPEN
    if principal.agent is None:
        return None
    if route.access is Access.PUBLIC:
        return Rule.ACCESS_PUBLIC
    if principal.agent in route.allowed:
        return Rule.ACCESS_LISTED
    if route.groups and not route.groups.isdisjoint(principal.groups):
        return Rule.ACCESS_GROUP
    return None


def group_of(principal: Principal | None, route: Route | None) -> str | None:
    """The group by which a route lists a principal, by name the first of several; None where none does."""
    if principal is None or route is None:
        return None
    return min(route.groups & principal.groups, default=None)


def usable_routes(principal: Principal, policy: Policy) -> tuple[Route, ...]:
    """The routes that a principal may use, in the configuration's order."""
    return tuple(route for route in policy.routes if may_use(principal, route))


def registered(agent: Agent) -> Principal:
    """An agent as a caller, as far as the configuration alone says."""
    return Principal(agent.name, max(agent.accepts), groups=agent.groups)


def caller_named(name: str | None, policy: Policy) -> Principal:
    """The caller of this name (None: an anonymous one) as the configuration knows it: in no group where it does not."""
    agent = None if name is None else policy.agents.get(name)
    return registered(agent) if agent is not None else Principal(name, Assurance.NONE)


def members_of(policy: Policy) -> dict[str, list[str]]:
    """The names of each group's agents; none for a group that is empty."""
    found: dict[str, list[str]] = {name: [] for name in policy.groups}
    for agent in policy.agents.values():
        for name in agent.groups:
            found[name].append(agent.name)
    return found


def callers(route: Route, policy: Policy) -> frozenset[str | None]:
    """The agents that may use a route by their names, and None where callers without a name may."""
    everybody = (ANONYMOUS, *map(registered, policy.agents.values()))
    return frozenset(principal.agent for principal in everybody if may_use(principal, route))


def excepted_from(guard: Guard, policy: Policy) -> frozenset[str | None]:
    """The names of the agents that a guard leaves alone."""
    return frozenset(agent.name for agent in policy.agents.values() if guard.excepts(registered(agent)))
