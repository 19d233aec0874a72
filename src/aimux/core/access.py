"""Who may use a route, and which rule says so."""

from aimux.core.request import ANONYMOUS, Principal
from aimux.core.snapshot import Access, Route, Snapshot


def may_use(principal: Principal, route: Route) -> str | None:
    """The rule that lets a principal use a route, or None.

    The principal is anonymous or registered: an unregistered name is refused before access is judged.
    """
    if route.access is Access.OPEN:
        return f"route '{route.name}' is open"
    if principal.name is None:
        return None
    if route.access is Access.PUBLIC:
        return f"route '{route.name}' allows any registered agent"
    if principal.name in route.allowed:
        return f"route '{route.name}' lists agent '{principal.name}'"
    return None


def usable_routes(principal: Principal, snapshot: Snapshot) -> tuple[Route, ...]:
    """The routes that a principal may use, in the configuration's order."""
    return tuple(route for route in snapshot.routes if may_use(principal, route))


def callers(route: Route, snapshot: Snapshot) -> frozenset[str | None]:
    """The agents that may use a route by their names, and None where callers without a name may."""
    everybody = (ANONYMOUS, *snapshot.principals.values())
    return frozenset(principal.name for principal in everybody if may_use(principal, route))
