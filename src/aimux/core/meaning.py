"""From a text's scores to the route that it means for a caller, or to the refusal: guards, thresholds, parts."""

from dataclasses import replace

from aimux.core.access import may_use
from aimux.core.policy import Policy, Route
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal, ambiguous, forbidden, unread, who
from aimux.core.request import Principal, Scores
from aimux.core.routing import Match, counted, match, part_of, routes_of
from aimux.core.rules import Rule
from aimux.core.values import value


@value
class Meant:
    """The one route that a text means, None where it means none; and what its scores say."""

    route: Route | None
    match: Match | None


def meaning(scores: Scores, principal: Principal, policy: Policy) -> Meant | Refusal:
    """The route that a text means for a caller; access to it is judged by who asks. Raises ValueError for unfit scores.

    Refused is a text that could mean several routes, as a whole or by its parts.
    """
    found = match(policy, scores)
    if found is None:
        return Meant(None, None)
    if len(found.contenders) > 1:
        return ambiguous(found, found.contenders, principal)
    chosen = found.best if found.contenders else None
    if chosen is None or may_use(principal, chosen) is not None:
        stands = counted(scores, chosen, principal, policy)
        if stands:
            others = routes_of(stands, policy)
            found = replace(found, part=part_of(stands, policy, chose=chosen is None))
            if chosen is not None or len(others) > 1:
                meant = others if chosen is None else (chosen, *others)
                return ambiguous(found, meant, principal)
            chosen = others[0]
    return Meant(chosen, found)


def is_guarded(principal: Principal, policy: Policy) -> bool:
    """Whether any guard applies to a caller."""
    return any(principal.name not in guard.excepted for guard in policy.guards) if policy.guards else False


def guard_refusal(scores: Scores, principal: Principal, policy: Policy) -> Refusal | None:
    """The refusal of the first guard that this caller may not pass, if any, or of what no guard could judge.

    Raises ValueError for unfit scores.
    """
    for guard, score in zip(policy.guards, scores.guards, strict=True):
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"the score of guard '{guard.name}' is {score}")
        if score >= guard.min_score and principal.name not in guard.excepted:
            message = f"{who(principal)} may not ask for what guard '{guard.name}' refuses on every route"
            return Refusal(Reason.GUARD_REFUSED, message, Rule.GUARD_REFUSED, principal, guard=guard)
    return unread(principal) if scores.unread else None


def context_refusal(scores: Scores, principal: Principal, policy: Policy) -> Refusal | None:
    """The refusal of what is said where no text chooses a route: for a route that the caller may not use.

    A message that could as well mean a route which the caller may use refuses nothing.
    """
    found = match(policy, scores)
    if found is None:
        return None
    what = "a route that this conversation could mean"
    if found.contenders and not any(may_use(principal, route) for route in found.contenders):
        return forbidden(found.best, principal, found, what)
    stands = [
        stand
        for stand in counted(scores, None, principal, policy)
        if may_use(principal, policy.routes[stand.place]) is None
    ]
    if not stands:
        return None
    # Which of all that is said it stands in is not known.
    part = replace(part_of(stands, policy, chose=True), words="", span=None)
    return forbidden(part.lead.route, principal, replace(found, part=part), what)
