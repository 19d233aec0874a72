"""Who may use a route, and which rule says so."""

from aimux.core.policy import Access, Policy, Route
from aimux.core.request import ANONYMOUS, Principal
from aimux.core.rules import Rule


def may_use(principal: Principal, route: Route) -> Rule | None:
    """The rule that lets a principal use a route, or None.

    The principal is anonymous or registered: an unregistered name is refused before access is judged.
    """
    if route.access is Access.OPEN:
        return Rule.ACCESS_OPEN
    if principal.name is None:
        return None
    if route.access is Access.PUBLIC:
        return Rule.ACCESS_PUBLIC
    if principal.name in route.allowed:
        return Rule.ACCESS_LISTED
    return None


def usable_routes(principal: Principal, policy: Policy) -> tuple[Route, ...]:
    """The routes that a principal may use, in the configuration's order."""
    return tuple(route for route in policy.routes if may_use(principal, route))


def callers(route: Route, policy: Policy) -> frozenset[str | None]:
    """The agents that may use a route by their names, and None where callers without a name may."""
    everybody = (ANONYMOUS, *policy.principals.values())
    return frozenset(principal.name for principal in everybody if may_use(principal, route))
