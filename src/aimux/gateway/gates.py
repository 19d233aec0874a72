"""The gates that a request goes through in turn, and which of them decided: read off a decision that was made.

The decision itself is `core/decision.py`, and asks nothing here.
"""

from dataclasses import dataclass
from enum import StrEnum

from aimux.core.access import may_use
from aimux.core.decision import Forward
from aimux.core.identity import identify
from aimux.core.policy import Policy, Route
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.request import Facts, Principal, Scores, Stand
from aimux.core.routing import Match, counted, meant_elsewhere


class Gate(StrEnum):
    """What is asked of a request, in this order. These words stay: scripts compare them."""

    IDENTITY = "identity"
    NAMED_ROUTE = "named route"
    TEXT = "text"
    GUARDS = "guards"
    MIN_SCORE = "min_score"
    AMBIGUITY = "ambiguity_threshold"
    PARTS = "parts"
    ACCESS = "access"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision with all that it was made by, and what its gates ask for."""

    decision: Forward | Refusal
    facts: Facts
    policy: Policy

    @property
    def principal(self) -> Principal | None:
        """Who asks, where that is known."""
        found = identify(self.facts, self.policy)
        return found if isinstance(found, Principal) else None

    @property
    def has_text(self) -> bool:
        """Whether a text was given to decide by."""
        return self.facts.head.text is not None or (self.facts.body is not None and self.facts.body.text is not None)

    @property
    def scores(self) -> Scores | None:
        """The scores, where the decision asked for them and there are any."""
        return self.facts.scores if isinstance(self.facts.scores, Scores) else None

    @property
    def match(self) -> Match | None:
        """What the scores say, where the decision asked for that."""
        return self.decision.permit.match if isinstance(self.decision, Forward) else self.decision.match

    @property
    def meant(self) -> Route | None:
        """The route that the whole of the text means, where it means just one."""
        found = self.match
        return found.contenders[0] if found and len(found.contenders) == 1 else None

    @property
    def others(self) -> tuple[Route, ...]:
        """The routes that parts of the text stand for, where the decision looks at them."""
        scores, principal, found, meant = self.scores, self.principal, self.match, self.meant
        if scores is None or principal is None or found is None or len(found.contenders) > 1:
            return ()
        if meant is not None and may_use(principal, meant) is None:
            return ()
        return meant_elsewhere(scores, meant, principal, self.policy)

    @property
    def counted(self) -> tuple[Stand, ...]:
        """The parts' stands for these routes, the highest first."""
        scores, principal = self.scores, self.principal
        if scores is None or principal is None or not self.others:
            return ()
        found = counted(scores, self.meant, principal, self.policy)
        return tuple(sorted(found, key=lambda stand: -stand.score))

    @property
    def rival(self) -> tuple[Route, float] | None:
        """The route that comes closest to the best one of those that reach their own min_score, and its score."""
        scores, found = self.scores, self.match
        if scores is None or found is None:
            return None
        near = [
            (value, route)
            for route, value in zip(self.policy.routes, scores.values, strict=True)
            if value is not None and route is not found.best and value >= route.min_score
        ]
        score, route = max(near, key=lambda pair: pair[0], default=(0.0, None))
        return None if route is None else (route, score)

    @property
    def by(self) -> Gate:
        """The gate that decided: the one whose rule the decision names."""
        if isinstance(self.decision, Forward):
            return Gate.FALLBACK if self.decision.permit.is_fallback else Gate.ACCESS
        if self.decision.principal is None:
            return Gate.IDENTITY
        named = self.facts.route_name is not None
        reason, found = self.decision.reason, self.decision.match
        if reason is Reason.BAD_REQUEST and self.scores is not None:
            return Gate.GUARDS  # the text was read, as far as the model knows it
        if reason in _GATES:
            return _GATES[reason]
        if reason is Reason.NO_ROUTE:
            return Gate.NAMED_ROUTE if named else Gate.MIN_SCORE
        if named:
            return Gate.ACCESS
        if found is None:
            return Gate.FALLBACK
        if found.contenders:
            return self._of_the_whole(found)
        others = len(self.others)
        return Gate.PARTS if others > 1 else Gate.ACCESS if others else Gate.FALLBACK

    def _of_the_whole(self, found: Match) -> Gate:
        """The gate that refused a text which means one route or more as a whole."""
        if len(found.contenders) > 1:
            return Gate.AMBIGUITY
        return Gate.PARTS if self.others else Gate.ACCESS


_GATES = {
    Reason.NO_TEXT: Gate.TEXT,
    Reason.TEXT_TOO_LONG: Gate.TEXT,
    Reason.BAD_REQUEST: Gate.TEXT,
    Reason.GUARD_REFUSED: Gate.GUARDS,
}
