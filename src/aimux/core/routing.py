"""From scores to a match: one route, several that are too close to tell apart, or none."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from aimux.core.access import may_use
from aimux.core.identity import Principal
from aimux.core.policy import Policy, Route
from aimux.core.rules import OF_ACCESS, OF_PARTS, Rule, sentence
from aimux.core.scores import Found, Scores, Stand
from aimux.core.values import value


@value
class Lead:
    """The route with the highest score of a text, or of a part of it, and the route with the second highest."""

    route: Route
    score: float
    runner_up: Route | None
    runner_up_score: float | None

    @property
    def margin(self) -> float | None:
        """By how much the first leads the second."""
        return None if self.runner_up_score is None else self.score - self.runner_up_score


@value
class PartMatch:
    """The part of a text that decided, and the route that it stands for.

    `chose` says that it chose the route, since the whole text means none; otherwise it keeps the text from the route
    that the whole means. `words` and `span` are as in `Stand`.
    """

    lead: Lead
    chose: bool
    words: str = ""
    span: tuple[int, int] | None = None

    @property
    def says(self) -> str:
        """Which part stands for what, for the rule of a decision. Never the words: a rule is shown where no text is."""
        to = f"route '{self.lead.route.name}' ({self.lead.score:.4f})"
        if self.span is None:
            return f"a part of what is said stands for {to}"
        return f"characters {self.span[0]} to {self.span[1]} of the text stand for {to}"


@value
class Match:
    """What the scores say.

    `best` is the route with the highest score of the whole text, also where that score is too low to count.
    `contenders` are the routes that the text could mean: none below the threshold, one where the best leads by enough,
    several where it does not. `part` is the part of the text that decided, where the whole alone did not.
    """

    best: Route
    score: float
    runner_up: Route | None
    runner_up_score: float | None
    contenders: tuple[Route, ...]
    part: PartMatch | None = None

    @property
    def lead(self) -> Lead:
        """The scores that chose the route: those of the whole text, or of the part that chose."""
        if self.part is not None and self.part.chose:
            return self.part.lead
        return Lead(self.best, self.score, self.runner_up, self.runner_up_score)


def says(
    rule: Rule,
    found: Match | None,
    *,
    route: str | None = None,
    agent: str | None = None,
    guard: str | None = None,
    group: str | None = None,
) -> str:
    """The sentence of a rule about these, and the part of the text by which it applies, where one does."""
    said = sentence(rule, route=route, agent=agent, guard=guard, group=group)
    part = None if found is None else found.part
    if part is not None and rule in OF_PARTS:
        return f"{said}: {part.says}"
    if part is not None and part.chose and rule in OF_ACCESS:
        return f"{said}; {part.says}"
    return said


def part_of(stands: Sequence[Stand], policy: Policy, *, chose: bool) -> PartMatch:
    """Of the parts that count, the one with the highest score, the first of equals. `stands` are one or more."""
    highest = max(stands, key=lambda stand: stand.score)
    runner_up = None if highest.runner_up is None else policy.routes[highest.runner_up]
    lead = Lead(policy.routes[highest.place], highest.score, runner_up, highest.runner_up_score)
    return PartMatch(lead, chose, highest.words, highest.span)


def by_name(policy: Policy, scores: Scores) -> tuple[tuple[str, float], ...]:
    """The name and the score of each route that has intents."""
    pairs = zip(policy.routes, scores.values, strict=True)
    return tuple((route.name, value) for route, value in pairs if value is not None)


def _stood_for(policy: Policy, scores: Scores, chosen: Route | None) -> Iterator[tuple[Route, Stand]]:
    """The routes other than the chosen one that parts of a text stand for, each with what the part says of it.

    A part that could as well mean the chosen route stands for no other.
    """
    place = -1 if chosen is None else policy.routes.index(chosen)
    for stand in scores.stands:
        if stand.place != place and place not in stand.close:
            yield policy.routes[stand.place], stand


def meant_elsewhere(scores: Scores, chosen: Route | None, principal: Principal, policy: Policy) -> tuple[Route, ...]:
    """The routes that parts of the text stand for and that count, beside the chosen one."""
    return routes_of(counted(scores, chosen, principal, policy), policy)


def routes_of(stands: Sequence[Stand], policy: Policy) -> tuple[Route, ...]:
    """The routes that parts stand for, each once."""
    return tuple(dict.fromkeys(policy.routes[stand.place] for stand in stands)) if stands else ()


def counted(scores: Scores, chosen: Route | None, principal: Principal, policy: Policy) -> tuple[Stand, ...]:
    """Which parts of the text count beside the chosen route.

    For a route that the caller may use, the text must set the part apart. For one that it may not use any words count:
    what is hidden is not set apart. A brief part, such as "a number", is no second request by itself: for a route that
    the caller may use it counts only where nothing else does.
    """
    if not scores.stands:
        return ()
    apart: list[Stand] = []
    brief: list[Stand] = []
    for route, stand in _stood_for(policy, scores, chosen):
        if may_use(principal, route) is None or (stand.whole and not stand.brief):
            apart.append(stand)
        elif stand.whole:
            brief.append(stand)
    return tuple(apart or (brief if chosen is None else ()))


def with_beside(policy: Policy, text: Found, beside: Sequence[Found]) -> Found:
    """What a text's scores are together with those of other messages of its conversation.

    Guards look at all of them, and what is unread of one is unread of all. Where all messages count, what these stand
    for counts like some words of the text, which is against routes that the caller may not use. Where one of them was
    not scored, nothing was.
    """
    for found in (text, *beside):
        if not isinstance(found, Scores):
            return found
    scores = [found for found in (text, *beside) if isinstance(found, Scores)]
    stands = dict.fromkeys(scores[0].stands)
    for other in scores[1:] if policy.all_messages else ():
        stands |= dict.fromkeys(_stands_of(policy, other))
    guards = tuple(max(each) for each in zip(*(each.guards for each in scores), strict=True))
    unread = any(each.unread for each in scores)
    return replace(scores[0], stands=tuple(stands), guards=guards, unread=unread)


def _stands_of(policy: Policy, scores: Scores) -> Iterator[Stand]:
    found = match(policy, scores)
    if found is not None and found.contenders:
        close = frozenset(policy.routes.index(route) for route in found.contenders if route is not found.best)
        second = None if found.runner_up is None else policy.routes.index(found.runner_up)
        best = policy.routes.index(found.best)
        yield Stand(best, found.score, close, False, False, second, found.runner_up_score)
    for stand in scores.stands:
        # Where it stands in another message says nothing of this text.
        yield Stand(stand.place, stand.score, stand.close, False, False, stand.runner_up, stand.runner_up_score)


def match(policy: Policy, scores: Scores) -> Match | None:
    """Judge scores by the policy's thresholds; None where no route has intents.

    Raises ValueError for scores that do not fit the policy or are no numbers in 0-1: nothing may be decided on them.
    """
    if len(scores.values) != len(policy.routes):
        raise ValueError(f"{len(scores.values)} scores for {len(policy.routes)} routes")
    if scores.leaders:
        found = _match(policy, scores, scores.leaders)
        if found is not None and _is_settled(policy, scores, found):
            return found
    return _match(policy, scores, range(len(scores.values)))


def _is_settled(policy: Policy, scores: Scores, found: Match) -> bool:
    """Whether no route behind the leaders could be runner-up or contender, nor share a place with one of them."""
    lowest = min(value for value in map(scores.values.__getitem__, scores.leaders) if value is not None)
    second = found.runner_up_score
    return second is not None and second > lowest and found.score - lowest >= policy.ambiguity_threshold


def _match(policy: Policy, scores: Scores, places: Sequence[int]) -> Match | None:
    """The match among the routes in these places, which are in the routes' order."""
    routes, values = policy.routes, scores.values
    best = second = None
    top = runner_up = -math.inf
    for place in places:
        score = values[place]
        if score is None:
            continue
        route = routes[place]
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"the score of route '{route.name}' is {score}")
        if score > top:
            second, runner_up = best, top
            best, top = route, score
        elif score > runner_up:
            second, runner_up = route, score
    if best is None:
        return None
    if top < best.min_score:
        contenders: tuple[Route, ...] = ()
    elif second is None or top - runner_up >= policy.ambiguity_threshold:
        contenders = (best,)
    else:
        contenders = tuple(_contenders(policy, scores, places, best, top))
    return Match(best, top, second, None if second is None else runner_up, contenders)


def _contenders(policy: Policy, scores: Scores, places: Sequence[int], best: Route, top: float) -> Iterator[Route]:
    for place in places:
        route, value = policy.routes[place], scores.values[place]
        if route is best or (
            value is not None and value >= route.min_score and top - value < policy.ambiguity_threshold
        ):
            yield route
