"""From a text's scores to the route that it means for a caller, or to the refusal: guards, thresholds, parts."""

from collections.abc import Iterator
from dataclasses import replace

from aimux.core.access import may_use
from aimux.core.identity import Principal
from aimux.core.policy import Policy, Route
from aimux.core.refusal import Refusal, ambiguous, forbidden
from aimux.core.routing import Match, counted, match, part_of, routes_of
from aimux.core.rules import Rule
from aimux.core.scores import Scores, Stand
from aimux.core.steps import Gate, Passage, Step, Steps
from aimux.core.values import value


@value
class Meant:
    """The one route that a text means, None where it means none; and what its scores say."""

    route: Route | None
    match: Match | None


def meaning(scores: Scores, principal: Principal, policy: Policy, trace: Steps | None = None) -> Meant | Refusal:
    """The route that a text means for a caller; access to it is judged by who asks. Raises ValueError for unfit scores.

    Refused is a text that could mean several routes, as a whole or by its parts.
    """
    found = match(policy, scores)
    if trace is not None:
        trace += _matched(found, scores, policy)
    if found is None:
        return Meant(None, None)
    if len(found.contenders) > 1:
        return ambiguous(found, found.contenders, principal)
    chosen = found.best if found.contenders else None
    if chosen is None or may_use(principal, chosen) is not None:
        stands = counted(scores, chosen, principal, policy)
        if trace is not None:
            trace.append(_of_parts(stands, chosen, policy))
        if stands:
            others = routes_of(stands, policy)
            found = replace(found, part=part_of(stands, policy, chose=chosen is None))
            if chosen is not None or len(others) > 1:
                meant = others if chosen is None else (chosen, *others)
                return ambiguous(found, meant, principal)
            chosen = others[0]
    return Meant(chosen, found)


def _matched(found: Match | None, scores: Scores, policy: Policy) -> Iterator[Step]:
    """The steps of the whole text."""
    if found is None:
        yield Step(Gate.MIN_SCORE, Passage.NOT_MET)
        return
    yield Step(Gate.MIN_SCORE, Passage.PASSED if found.contenders else Passage.NOT_MET, match=found)
    if found.contenders:
        is_clear = len(found.contenders) == 1
        passage, rule = (Passage.PASSED, None) if is_clear else (Passage.REFUSED, Rule.ROUTE_AMBIGUOUS)
        yield Step(Gate.AMBIGUITY, passage, rule, match=found, rival=_rival(found, scores, policy))


def _rival(found: Match, scores: Scores, policy: Policy) -> tuple[Route, float] | None:
    pairs = zip(policy.routes, scores.values, strict=True)
    near = [(value, route) for route, value in pairs if value is not None and value >= route.min_score]
    others = (pair for pair in near if pair[1] is not found.best)
    score, route = max(others, key=lambda pair: pair[0], default=(0.0, None))
    return None if route is None else (route, score)


def _of_parts(stands: tuple[Stand, ...], chosen: Route | None, policy: Policy) -> Step:
    """The step of the parts of a text whose whole means `chosen`."""
    rule = None
    if stands and chosen is not None:
        rule = Rule.ROUTE_PART_DIFFERS
    elif len(routes_of(stands, policy)) > 1:
        rule = Rule.ROUTE_PARTS_DIFFER
    passage = Passage.PASSED if rule is None else Passage.REFUSED
    return Step(Gate.PARTS, passage, rule, route=chosen, stands=stands)


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
