"""Who may use a route, and which rule says so."""

from aimux.core.identity import ANONYMOUS, Principal
from aimux.core.policy import Access, Policy, Route
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
    return None


def usable_routes(principal: Principal, policy: Policy) -> tuple[Route, ...]:
    """The routes that a principal may use, in the configuration's order."""
    return tuple(route for route in policy.routes if may_use(principal, route))


def callers(route: Route, policy: Policy) -> frozenset[str | None]:
    """The agents that may use a route by their names, and None where callers without a name may."""
    agents = (Principal(agent.name, max(agent.accepts)) for agent in policy.agents.values())
    return frozenset(principal.agent for principal in (ANONYMOUS, *agents) if may_use(principal, route))
