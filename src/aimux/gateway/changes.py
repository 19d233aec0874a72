"""What a replay comes to: counts, and what would be decided otherwise in groups, the gravest first.

However many requests there are, only counts are kept and the first examples of each group.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from aimux.audit.decisions import Decided
from aimux.core.record import VERDICT_FORWARD
from aimux.gateway.replay import PERMITTED, Aside, Basis, Judged, Result, Unjudged, before

_MOST_AGENTS: Final = 5
_MOST_GROUPS: Final = 1000
_MANY: Final = "(others)"


class Kind(StrEnum):
    """How a decision would change, the gravest first."""

    ALLOWED = "newly_allowed"
    REROUTED = "another_route"
    REFUSED = "newly_refused"
    OTHERWISE = "refused_otherwise"


_ORDER: Final = tuple(Kind)


@dataclass(frozen=True, slots=True)
class Example:
    """One request that would be decided otherwise, and how."""

    decided: Decided
    judged: Judged


@dataclass(slots=True)
class Group:
    """Requests that would change alike: from one outcome to another. `agents` are the first of them."""

    kind: Kind
    before: str
    after: str
    count: int = 0
    in_part: int = 0
    agents: list[str] = field(default_factory=list)
    more_agents: bool = False
    examples: list[Example] = field(default_factory=list)

    def add(self, decided: Decided, judged: Judged, most: int) -> None:
        """Count one, and keep it while there are fewer examples than `most`."""
        self.count += 1
        self.in_part += judged.basis is not Basis.EXACT
        if decided.caller not in self.agents:
            if len(self.agents) < _MOST_AGENTS:
                self.agents.append(decided.caller)
            else:
                self.more_agents = True
        if len(self.examples) < most:
            self.examples.append(Example(decided, judged))


class Tally:
    """Adds up what was found of each request; of each group the first `show` examples are kept."""

    def __init__(self, show: int) -> None:
        self.requests = 0
        self.unproved = 0
        self.aside: Counter[str] = Counter()
        self.judged: Counter[Basis] = Counter()
        self.unjudged: Counter[Unjudged] = Counter()
        self._show = show
        self._groups: dict[tuple[Kind, str, str], Group] = {}

    def add(self, decided: Decided, result: Result, *, proved: bool) -> None:
        """Count one request; `proved` says that the configuration that decided it is known."""
        self.requests += 1
        if isinstance(result, Aside):
            self.aside[decided.verdict] += 1
        elif isinstance(result, Unjudged):
            self.unjudged[result] += 1
        else:
            self.judged[result.basis] += 1
            self.unproved += not proved
            kind = kind_of(decided, result)
            if kind is not None:
                self._group(kind, decided, result).add(decided, result, self._show)

    def _group(self, kind: Kind, decided: Decided, judged: Judged) -> Group:
        then, now = _said(*before(decided)), _said(judged.verdict, judged.route)
        if (kind, then, now) not in self._groups and len(self._groups) >= _MOST_GROUPS:
            then = now = _MANY  # a log that somebody has filled with names may not fill the memory
        return self._groups.setdefault((kind, then, now), Group(kind, then, now))

    @property
    def groups(self) -> list[Group]:
        """The groups, the gravest kind first, and of each kind the largest first."""
        return sorted(self._groups.values(), key=lambda each: (_ORDER.index(each.kind), -each.count))

    @property
    def changed(self) -> int:
        """How many requests would be decided otherwise."""
        return sum(group.count for group in self._groups.values())

    @property
    def left(self) -> int:
        """How many requests could not be judged."""
        return self.unjudged.total()

    def examples(self) -> Iterator[tuple[Group, Example]]:
        """As many examples as are to be shown, in the order of the groups."""
        left = self._show
        for group in self.groups:
            for example in group.examples[:left]:
                yield group, example
            left -= min(left, len(group.examples))


def kind_of(decided: Decided, judged: Judged) -> Kind | None:
    """How a decision would change; None where verdict and route stay."""
    then, now = before(decided), (judged.verdict, judged.route)
    if then == now:
        return None
    was, is_now = then[0] in PERMITTED, now[0] in PERMITTED
    if was and is_now:
        return Kind.REROUTED
    if was:
        return Kind.REFUSED
    return Kind.ALLOWED if is_now else Kind.OTHERWISE


def _said(verdict: str, route: str | None) -> str:
    return f"{verdict} {route}" if verdict == VERDICT_FORWARD else verdict
