"""Findings on routes and groups that need no model: their callers, and the number of their intents."""

from collections.abc import Iterator

from aimux.core.access import callers, members_of
from aimux.core.policy import GROUP_PREFIX, Access, Policy, Route
from aimux.intent.findings import ADVISED, FEW_INTENTS, Code, Finding, Severity


def counted(policy: Policy) -> Iterator[Finding]:
    """The routes that nobody may use, and those with few intents or none, in their order; then groups."""
    for number, route in enumerate(policy.routes):
        if not callers(route, policy):
            yield _for_nobody(route, number)
        count = len(route.intents)
        if count > FEW_INTENTS:
            continue
        few = Code.FEW_INTENTS if count else Code.BY_NAME_ONLY
        severity = Severity.WARNING if count else Severity.NOTE
        if count:
            what = f"route '{route.name}' has {count} intent{'s' if count > 1 else ''}, which texts in other words miss"
            remedy = f"give it {ADVISED}, each different in its words"
        else:
            what = f"route '{route.name}' has no intents and is reached by {_ways(route)} only"
            remedy = "give it intents if texts are to lead to it"
        yield Finding(severity, few, (route.name,), (), None, what, remedy, number)
    yield from _of_groups(policy)


def _of_groups(policy: Policy) -> Iterator[Finding]:
    """Groups that change nothing: nothing names them, or nobody is in them."""
    holders = (*policy.routes, *([policy.fallback] if policy.fallback else ()))
    used = frozenset[str]().union(*(each.groups for each in holders), *(g.excepted_groups for g in policy.guards))
    for name, members in sorted(members_of(policy).items()):
        if name not in used:
            what = f"nothing names group '{name}': to be in it lets nobody do anything"
            remedy = f'write "{GROUP_PREFIX}{name}" under `allowed` or `except`, or remove the group'
            yield Finding(Severity.NOTE, Code.UNUSED_GROUP, (), (), None, what, remedy, None, group=name)
        elif not members:
            what = f"group '{name}' is empty: where it is named, it lets nobody in"
            remedy = "list agents in it, or remove it and what names it"
            yield Finding(Severity.WARNING, Code.EMPTY_GROUP, (), (), None, what, remedy, None, group=name)


def _ways(route: Route) -> str:
    """The ways to a route without intents."""
    ways = ["name", *(["its prefix"] if route.prefix is not None else []), *(["its paths"] if route.paths else [])]
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])} and {ways[-1]}"


def _for_nobody(route: Route, number: int) -> Finding:
    """A route that refuses whoever asks for it, and whoever says what its intents say."""
    why = "its `allowed` is empty" if route.access is Access.RESTRICTED else "it is for registered agents alone"
    if route.groups:
        why = "no agent is in a group that its `allowed` names"
    others = "" if route.access is Access.RESTRICTED else ", and there are none"
    meant = ", and every text that means it" if route.intents else ""
    what = f"nobody may use route '{route.name}', since {why}{others}: every request for it{meant} is refused"
    remedy = "name who may use it under its `allowed`, or leave that out for an open route, or remove the route"
    return Finding(Severity.WARNING, Code.FOR_NOBODY, (route.name,), (), None, what, remedy, number)
