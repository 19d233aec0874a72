"""The steps of a decision: what `decide` asks of a request in turn, and what it finds, for whoever wants to be told."""

from dataclasses import dataclass
from enum import StrEnum

from aimux.core.identity import Principal
from aimux.core.policy import Guard, Route
from aimux.core.routing import Match
from aimux.core.rules import Rule
from aimux.core.scores import Stand


class Gate(StrEnum):
    """A question that the decision asks of a request, in this order. These words stay: scripts compare them."""

    IDENTITY = "identity"
    NAMED_ROUTE = "named route"
    TEXT = "text"
    GUARDS = "guards"
    MIN_SCORE = "min_score"
    AMBIGUITY = "ambiguity_threshold"
    PARTS = "parts"
    ACCESS = "access"
    FALLBACK = "fallback"


class Passage(StrEnum):
    """The outcome of a request at a gate.

    Where min_score is not met, a part of the text or the fallback may serve; where there is no text, the fallback may.
    """

    PASSED = "passed"
    REFUSED = "refused"
    NOT_MET = "not met"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Step:
    """One gate, what became of the request there, and what that was found by.

    `rule` is the one that refused, or that lets the caller use a route. `guard` is the guard that refused or came
    closest to it, `score` what the text has for it; without a guard none was asked. `match` is what the scores say,
    `rival` the route that comes closest to the best one, of those that reach their own min_score, with its score.
    `stands` are the parts of the text that count, `route` the route that the whole means.
    """

    gate: Gate
    passage: Passage
    rule: Rule | None = None
    principal: Principal | None = None
    route: Route | None = None
    guard: Guard | None = None
    score: float | None = None
    match: Match | None = None
    rival: tuple[Route, float] | None = None
    stands: tuple[Stand, ...] = ()


Steps = list[Step]
"""The trace of a decision: its steps in order. The last one has decided."""
