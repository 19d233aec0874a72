"""What is wrong with guards, found before traffic shows it: whom they refuse by mistake, and what they do not hear.

All of it is a warning. A guard that refuses too much lets nothing cross, and refusing what a route is otherwise there
for may be what it is meant to do; a gateway that did not start for it would teach people to loosen guards.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aimux.core.access import callers, excepted_from
from aimux.core.policy import Policy
from aimux.intent import formula
from aimux.intent.encoder import Encoder, Vectors
from aimux.intent.everyday import EVERYDAY, is_drawn
from aimux.intent.findings import ADVISED, FEW_INTENTS, Code, Finding, Severity, Shown, below, quoted
from aimux.intent.index import IntentIndex
from aimux.intent.reader import Plan, TextReader
from aimux.intent.trials import left_out

MOST_READ: Final = 200
"""Intents of which the parts are read as well: those that as a whole come nearest to being refused."""

MOST_LEFT_OUT: Final = 40
"""Intents of a guard that are left out in turn: where none of these is refused, more would hardly be either."""

_MOST_NAMED: Final = 3

Callers = frozenset[str | None]


@dataclass(frozen=True, slots=True)
class _Owner:
    """A route or another guard with intents, and the callers that are to have its intents forwarded."""

    route: int | None
    guard: int | None
    name: str
    callers: Callers
    intents: Sequence[str]
    shown: Sequence[str]
    vectors: Vectors


@dataclass(slots=True)
class _Tried:
    """One intent as a guard hears it: the first of `windows` is all of it, the others are its parts."""

    owner: _Owner
    number: int
    windows: Vectors
    scores: list[float]


class GuardLint:
    """The checks of the guards of one policy, which has some."""

    def __init__(self, policy: Policy, index: IntentIndex, encoder: Encoder, shown: Shown) -> None:
        self._policy = policy
        self._guards = policy.guards
        self._excepted = [excepted_from(guard, policy) for guard in policy.guards]
        self._least = np.array([guard.min_score for guard in policy.guards], np.float32)
        self._index = index
        # Every word of an intent is known to the gateway, so that none is read as meant otherwise.
        self._reader = TextReader(encoder, index, encoder.max_tokens)
        self._shown = shown

    def all(self, everyday: Vectors) -> Iterator[Finding]:
        """Every finding. `everyday`: the vectors of the everyday texts."""
        yield from self._refused()
        yield from self._beyond()
        yield from self._everyday(everyday)
        yield from self._counted()

    def _refused(self) -> Iterator[Finding]:
        """Intents that a guard refuses to somebody who is to use them, once for each route, or guard, and guard."""
        owners = list(self._owners())
        tried = self._tried(owners)
        for owner in owners:
            own = [each for each in tried if each.owner is owner]
            for place, guard in enumerate(self._guards):
                barred = self._barred(owner, place)
                hit = [each for each in own if each.scores[place] >= guard.min_score]
                if barred and hit:
                    worst = max(hit, key=lambda each: each.scores[place])
                    yield self._refusal(worst, place, len(hit) - 1, barred)

    def _owners(self) -> Iterator[_Owner]:
        for number, vectors in self._index.routes:
            route = self._policy.routes[number]
            who = callers(route, self._policy)
            shown = self._shown.routes[number]
            yield _Owner(number, None, f"route '{route.name}'", who, route.intents, shown, vectors)
        for number, (guard, vectors) in enumerate(zip(self._guards, self._index.guard_intents, strict=True)):
            shown = self._shown.guards[number]
            who = self._excepted[number]
            yield _Owner(None, number, f"guard '{guard.name}'", who, guard.intents, shown, vectors)

    def _barred(self, owner: _Owner, guard: int) -> Callers:
        """Whom a guard keeps from what they are to use: of its own intents nobody."""
        return owner.callers - self._excepted[guard]

    def _tried(self, owners: Sequence[_Owner]) -> list[_Tried]:
        """Every intent that some guard may be wrong to refuse; those that are nearest to that with their parts."""
        found: list[_Tried] = []
        leads: list[float] = []
        for owner in owners:
            bars = np.array([bool(self._barred(owner, place)) for place in range(len(self._guards))])
            if not bars.any():
                continue
            scores = self._index.each_guard(owner.vectors)
            leads += (scores - self._least)[:, bars].max(axis=1).tolist()
            found += [_Tried(owner, at, owner.vectors[[at]], row) for at, row in enumerate(scores.tolist())]
        nearest = sorted(range(len(found)), key=lambda at: -leads[at])[:MOST_READ]
        self._read([found[at] for at in nearest])
        return found

    def _read(self, every: Sequence[_Tried]) -> None:
        """Read intents as the gateway reads texts, where that is more than their vectors say."""
        encoder = self._reader.encoder
        plans: list[tuple[_Tried, Plan]] = []
        for tried in every:
            text = tried.owner.intents[tried.number]
            plan = self._reader.plan(text)
            if isinstance(plan, Plan) and [*plan.windows] != encoder.windows(encoder.tokenize(text)):
                plans.append((tried, plan))
        if not plans:
            return
        vectors = encoder.embed([window for _, plan in plans for window in plan.windows])
        ends = np.cumsum([len(plan.windows) for _, plan in plans])
        for (tried, _), windows in zip(plans, np.split(vectors, ends[:-1]), strict=True):
            tried.windows = windows
            tried.scores = self._index.each_guard(windows).max(axis=0).tolist()

    def _refusal(self, tried: _Tried, place: int, more: int, barred: Callers) -> Finding:
        owner, guard = tried.owner, self._guards[place]
        window = int(self._index.each_guard(tried.windows)[:, place].argmax())
        number, similarity = self._nearest(place, tried.windows[window])
        text, other = owner.shown[tried.number], self._shown.guards[place][number]
        also = f"; so are {more} more of its {len(owner.intents)}" if more else ""
        whose = "who may use it" if owner.guard is None else "whom it excepts"
        part = " to a part of it" if window else ""
        what = (
            f"intent {quoted(text)} of {owner.name} is refused by guard '{guard.name}' "
            f"(score {tried.scores[place]:.2f}{also}) for {_named(barred)}, {whose}: "
            f"there, {quoted(other)} has similarity {similarity:.2f}{part}"
        )
        excepting = f"put who may say it under `except` of '{guard.name}', " if barred - {None} else ""
        return Finding(
            Severity.WARNING,
            Code.REFUSED,
            () if owner.route is None else (self._policy.routes[owner.route].name,),
            (text, other),
            similarity,
            what,
            f"{excepting}reword one of the two or raise the guard's min_score, unless it is there for that",
            owner.route,
            tried.number,
            guards=(guard.name,) if owner.guard is None else (self._guards[owner.guard].name, guard.name),
            guard=owner.guard,
        )

    def _beyond(self) -> Iterator[Finding]:
        """Guards whose intents are so far apart that texts in other words may often pass."""
        every = [vectors for _, vectors in self._index.routes] + list(self._index.guard_intents)
        starts = np.cumsum([0, *map(len, every)])[:-1].astype(np.intp)
        shared = formula.common(np.concatenate(every), starts)
        for place, (guard, rows) in enumerate(zip(self._guards, self._index.guard_intents, strict=True)):
            if len(rows) <= FEW_INTENTS:
                continue
            alike = rows @ rows.T - 2 * np.eye(len(rows), dtype=np.float32)
            highest = 0.0
            for number in np.argsort(-alike.max(axis=1))[:MOST_LEFT_OUT].tolist():
                highest = max(highest, left_out(shared, rows, number, len(every)))
                if highest >= guard.min_score:
                    break
            else:
                what = (
                    f"no intent of guard '{guard.name}' would reach its min_score ({guard.min_score:g}) by the others, "
                    f"{below(highest, guard.min_score)} at most: texts in other words may pass it"
                )
                remedy = (
                    "try some by `aimux route`; where they do, lower it, add intents between those that the guard has, "
                    "or make it several guards"
                )
                yield self._of_guard(Code.OUT_OF_REACH, place, what, remedy)

    def _everyday(self, vectors: Vectors) -> Iterator[Finding]:
        """Guards whose intents refuse greetings and other texts that mean nothing forbidden."""
        scores = self._index.each_guard(vectors)
        for place, guard in enumerate(self._guards):
            drawn = np.flatnonzero(scores[:, place] >= guard.min_score).tolist()
            if not is_drawn(scores[drawn, place].tolist(), guard.min_score):
                continue
            top = max(drawn, key=lambda number: float(scores[number, place]))
            number, similarity = self._nearest(place, vectors[top])
            intent, text = self._shown.guards[place][number], EVERYDAY[top]
            more = f" and {len(drawn) - 1} of {len(EVERYDAY) - 1} more everyday texts" if len(drawn) > 1 else ""
            yield Finding(
                Severity.WARNING,
                Code.EVERYDAY,
                (),
                (intent, text),
                similarity,
                f"intent {quoted(intent)} of guard '{guard.name}' has {quoted(text)}{more} refused on every route "
                f"(score {float(scores[top, place]):.2f}, similarity {similarity:.2f})",
                "say in its intents what they are about or raise its min_score",
                None,
                number,
                guards=(guard.name,),
                guard=place,
            )

    def _counted(self) -> Iterator[Finding]:
        """What can be said of the guards without their vectors."""
        everywhere = (*self._policy.routes, *([self._policy.fallback] if self._policy.fallback else ()))
        served = frozenset[str | None]().union(*(callers(route, self._policy) for route in everywhere))
        for place, guard in enumerate(self._guards):
            count = len(guard.intents)
            if count <= FEW_INTENTS:
                number = f"{count} intent{'s' if count > 1 else ''}"
                what = f"guard '{guard.name}' has {number}, which texts in other words pass"
                remedy = f"give it {ADVISED}, each different in its words: the more, the less passes"
                yield self._of_guard(Code.FEW_INTENTS, place, what, remedy)
            if self._excepted[place] and served <= self._excepted[place]:
                what = f"guard '{guard.name}' refuses nobody: whoever may use a route is under its `except`"
                remedy = "leave out of `except` who is not to say it, or remove the guard"
                yield self._of_guard(Code.REFUSES_NOBODY, place, what, remedy)

    def _of_guard(self, code: Code, place: int, what: str, remedy: str) -> Finding:
        names = (self._guards[place].name,)
        return Finding(Severity.WARNING, code, (), (), None, what, remedy, None, guards=names, guard=place)

    def _nearest(self, guard: int, vector: Vectors) -> tuple[int, float]:
        """The number of the guard's intent that is most similar to a text, and how similar."""
        alike = self._index.guard_intents[guard] @ vector
        number = int(alike.argmax())
        return number, float(alike[number])


def _named(barred: Callers) -> str:
    """Some callers in words: agents by their names, of many the first ones."""
    agents = sorted(name for name in barred if name is not None)
    said = []
    if agents:
        more = f" and {len(agents) - _MOST_NAMED} more" if len(agents) > _MOST_NAMED else ""
        said.append(f"agent{'s' if len(agents) > 1 else ''} {', '.join(agents[:_MOST_NAMED])}{more}")
    if None in barred:
        said.append("callers without a name")
    return " and ".join(said)
