"""What would decide a text otherwise: changes that were tried, by the decision itself, and did what is said of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from aimux.core.access import caller_named, may_use, usable_routes
from aimux.core.decision import Permit
from aimux.core.policy import FALLBACK_NAME, Access, Route
from aimux.core.record import VERDICT_FALLBACK, VERDICT_FORWARD
from aimux.core.refusal import Refusal
from aimux.core.routing import Match
from aimux.core.rules import Rule
from aimux.core.steps import Gate, Passage
from aimux.gateway import adjusted
from aimux.gateway.adjusted import Bound, Case, Change, above, at_most
from aimux.gateway.dry_run import decided
from aimux.gateway.traced import Traced, traced
from aimux.intent.explain import Looks

_MOST_CHANGES: Final = 3
"""So many changes are put together where fewer do nothing."""

_MOST_WAYS: Final = 6
_MOST_TRIED: Final = 12
"""So many cases are followed further, of those that one change more was made to."""

_MOST_NAMES: Final = 3


@dataclass(frozen=True, slots=True)
class Way:
    """Changes that together make this verdict of a text. `route` is where it goes then, None where it is refused."""

    changes: tuple[Change, ...]
    verdict: str
    status: int
    route: str | None

    @property
    def says(self) -> str:
        """The changes and what comes of them, on one line."""
        done = " and ".join(change.says for change in self.changes)
        if self.verdict == VERDICT_FORWARD:
            return f"{done}: forwarded to '{self.route}'"
        if self.verdict == VERDICT_FALLBACK:
            return f"{done}: forwarded to the fallback"
        return f"{done}: refused as {self.verdict} ({self.status})"


def decide_case(case: Case, looks: Looks) -> Traced:
    """The decision on a case. Raises EncodingError."""
    _, facts = decided(case.text, case.agent, case.policy, lambda text: looks.score(text, case.policy), case.named)
    return traced(facts, case.policy)


def ways(case: Case, looks: Looks) -> tuple[Way, ...]:
    """What would send a text to a route, or a refused one to the fallback; or away from the route that it goes to.

    Where single changes do, only these; else what several together do. Raises EncodingError.
    """
    now = decide_case(case, looks)
    if _outcome(now)[0] == VERDICT_FORWARD:
        return _tried(case, ((change,) for change in _away(now)), looks, lambda there: _outcome(there) != _outcome(now))
    verdict = _outcome(now)[0]
    level: list[tuple[Case, tuple[Change, ...]]] = [(case, ())]
    for number in range(_MOST_CHANGES):
        steps = [
            (change.makes[0](here), (*taken, change))
            for here, taken in level[:_MOST_TRIED]
            for change in (*_towards(here, looks), *(_by_name(decide_case(here, looks)) if not number else ()))
        ]
        found = _tried(case, (taken for _, taken in steps), looks, lambda there: _is_better(there, verdict))
        if found:
            return found
        level = [(there, taken) for there, taken in steps if taken[-1].what is not adjusted.What.NAMED_ROUTE]
    return ()


def _outcome(found: Traced) -> tuple[str, int, str | None]:
    if isinstance(found.decision, Refusal):
        return found.decision.reason.code, found.decision.reason.status, None
    permit = found.decision
    return (VERDICT_FALLBACK if permit.is_fallback else VERDICT_FORWARD), 200, permit.route.name


def _is_better(there: Traced, verdict: str) -> bool:
    return isinstance(there.decision, Permit) and _outcome(there)[0] != verdict


def _tried(
    case: Case, offered: Iterator[tuple[Change, ...]], looks: Looks, wanted: Callable[[Traced], bool]
) -> tuple[Way, ...]:
    """Those of the offered ways that do what they say, at all values of each threshold or else just at the one given.

    Of those that differ in the values of thresholds alone, and do the same, the first one.
    """
    found: dict[object, Way] = {}
    for steps in offered:
        exact = tuple(step.exactly() for step in steps)
        way = _verified(case, steps, looks, wanted) or _verified(case, exact, looks, wanted)
        if way is not None:
            found.setdefault((frozenset(map(_kind, way.changes)), way.verdict, way.route), way)
        if len(found) == _MOST_WAYS:
            break
    return tuple(found.values())


def _kind(change: Change) -> tuple[object, ...]:
    return change.what, change.of, change.bound or change.value


def _verified(case: Case, steps: Sequence[Change], looks: Looks, wanted: Callable[[Traced], bool]) -> Way | None:
    outcomes = set()
    for makes in product(*(step.makes for step in steps)):
        there = case
        for make in makes:
            there = make(there)
        found = decide_case(there, looks)
        if not wanted(found):
            return None
        outcomes.add(_outcome(found))
    return Way(tuple(steps), *outcomes.pop()) if len(outcomes) == 1 else None


def _away(now: Traced) -> Iterator[Change]:
    """What might keep a text from the route that it goes to."""
    found = now.match
    if found is None:
        return
    if now.counted:
        yield from _higher(now, now.counted[0].place, now.counted[0].score)
    if found.contenders:
        yield from _higher(now, now.policy.routes.index(found.best), found.score)
        rival = now.rival
        value = None if rival is None else above(found.score - rival[1])
        if value is not None:
            yield adjusted.ambiguity(value, Bound.AT_LEAST)


def _higher(now: Traced, place: int, score: float) -> Iterator[Change]:
    """Each higher min_score of a route where something could change, the lowest first.

    That is above a score which decides now, and above each higher one by which a part stands for the route.
    """
    scores = sorted({score, *(each for each in _stood(now, place) if each > score)})
    values = list(dict.fromkeys(value for value in map(above, scores) if value is not None))
    for number, value in enumerate(values, 1):
        yield adjusted.min_score(now.policy.routes[place].name, value, Bound.AT_LEAST, values[number:])


def _stood(found: Traced, place: int) -> Iterator[float]:
    """The scores by which parts stand for a route."""
    yield from (stand.score for stand in (found.scores.stands if found.scores else ()) if stand.place == place)


def _towards(case: Case, looks: Looks) -> Iterator[Change]:
    """What might get a case past the gate that decided it."""
    here = decide_case(case, looks)
    match here.by:
        case Gate.IDENTITY:
            yield from _identified(case)
        case Gate.GUARDS:
            yield from _unguarded(case, here, looks)
        case Gate.MIN_SCORE | Gate.FALLBACK:
            yield from _matching(case, here, looks)
        case Gate.AMBIGUITY:
            if here.match is not None and here.rival is not None:
                yield adjusted.ambiguity(at_most(here.match.score - here.rival[1]), Bound.AT_MOST)
        case Gate.PARTS:
            yield from _without_parts(case, here)
            highest = {stand.place: stand.score for stand in reversed(here.counted)}
            for place, score in highest.items():
                yield from _higher(here, place, score)
        case Gate.ACCESS:
            route = here.decision.route if isinstance(here.decision, Refusal) else None
            yield from _permitted(case, "" if route is None else route.name, route)
            yield from _without_parts(case, here)


def _identified(case: Case) -> Iterator[Change]:
    if case.agent is not None:
        change = adjusted.registered(case.agent)
        if change is not None:
            yield change
        yield adjusted.asked_by(None)


def _unguarded(case: Case, here: Traced, looks: Looks) -> Iterator[Change]:
    step = here.step(Gate.GUARDS)
    if step is None or step.passage is not Passage.REFUSED or step.guard is None or step.score is None:
        return
    guards = here.policy.guards
    if step.rule is not Rule.GUARD_REFUSED:  # not what it scores refuses it, but what has no score
        if case.agent is not None:
            caller = caller_named(case.agent, here.policy)
            yield from (adjusted.excepted(case.agent, each.name) for each in guards if not each.excepts(caller))
        return
    value = above(step.score)
    if value is not None:
        yield adjusted.guard_min_score(step.guard.name, value)
    if case.agent is not None:
        yield adjusted.excepted(case.agent, step.guard.name)
    change = adjusted.without(looks.guarded(case.text)[guards.index(step.guard)].piece.words, case.text)
    if change is not None:
        yield change


def _matching(case: Case, here: Traced, looks: Looks) -> Iterator[Change]:
    if here.match is not None:
        yield from _lower(case, here.match, looks)
    if here.by is Gate.FALLBACK and isinstance(here.decision, Refusal):
        yield from _permitted(case, FALLBACK_NAME, here.policy.fallback)


def _lower(case: Case, found: Match, looks: Looks) -> Iterator[Change]:
    """Each lower min_score of the best route where something could change, the highest first.

    That is at the score of the whole, and at each higher one by which a part would stand for the route.
    """
    name, place = found.best.name, case.policy.routes.index(found.best)
    lowest = decide_case(adjusted.min_score(name, 0.0, Bound.AT_MOST).makes[0](case), looks)
    scores = sorted({found.score, *(each for each in _stood(lowest, place) if each > found.score)}, reverse=True)
    values = list(dict.fromkeys(map(at_most, scores)))
    for number, value in enumerate(values, 1):
        if value < found.best.min_score:
            yield adjusted.min_score(name, value, Bound.AT_MOST, values[number:])


def _without_parts(case: Case, here: Traced) -> Iterator[Change]:
    for stand in here.counted:
        change = adjusted.without(stand.words, case.text)
        if change is not None:
            yield change


def _permitted(case: Case, name: str, route: Route | None) -> Iterator[Change]:
    """What might let a caller use a route: its own name on the list, or a caller who is on it."""
    if route is None:
        return
    if case.agent is not None and route.access is Access.RESTRICTED:
        yield adjusted.allowed(case.agent, name)
        if case.agent in case.policy.agents:
            yield from (adjusted.joined(case.agent, group) for group in sorted(route.groups)[:_MOST_NAMES])
    for agent in sorted(case.policy.claimed):
        if agent != case.agent and may_use(case.policy.claimed[agent], route):
            yield adjusted.asked_by(agent)
            return


def _by_name(here: Traced) -> Iterator[Change]:
    """Naming a route that the caller may use: one that the text could mean, or any where nothing was asked of it."""
    principal, found = here.principal, here.match
    if principal is None:
        return
    meant = usable_routes(principal, here.policy)
    if found is not None:
        meant = (*found.contenders, *here.others) or (found.best,)
    for name in list(dict.fromkeys(route.name for route in meant if may_use(principal, route)))[:_MOST_NAMES]:
        yield adjusted.named(name)
