"""A decision with the steps that it took."""

from dataclasses import dataclass

from aimux.core.decision import Permit, decide
from aimux.core.identity import Principal
from aimux.core.policy import Policy, Route
from aimux.core.refusal import Refusal
from aimux.core.request import Facts
from aimux.core.routing import Match, routes_of
from aimux.core.scores import Scores, Stand
from aimux.core.standing import INITIAL
from aimux.core.steps import Gate, Step, Steps


@dataclass(frozen=True, slots=True)
class Traced:
    """A decision, all that it was made by, and the steps that it took."""

    decision: Permit | Refusal
    facts: Facts
    policy: Policy
    steps: tuple[Step, ...]

    @property
    def by(self) -> Gate:
        """The gate that decided."""
        return self.steps[-1].gate

    def step(self, gate: Gate) -> Step | None:
        """The step at a gate, the last one where there are several; None where it was not reached."""
        return next((step for step in reversed(self.steps) if step.gate is gate), None)

    @property
    def principal(self) -> Principal | None:
        """The caller, where it is known."""
        step = self.step(Gate.IDENTITY)
        return None if step is None else step.principal

    @property
    def scores(self) -> Scores | None:
        """The scores, where the decision needed them and there are any."""
        return self.facts.scores if isinstance(self.facts.scores, Scores) else None

    @property
    def match(self) -> Match | None:
        """The match of the scores, where the decision needed it."""
        return self.decision.match

    @property
    def meant(self) -> Route | None:
        """The route that the whole of the text means, where it means just one."""
        found = self.match
        return found.contenders[0] if found and len(found.contenders) == 1 else None

    @property
    def rival(self) -> tuple[Route, float] | None:
        """The route that comes closest to the best one of those that reach their own min_score, and its score."""
        step = self.step(Gate.AMBIGUITY)
        return None if step is None else step.rival

    @property
    def counted(self) -> tuple[Stand, ...]:
        """The parts of the text that count, the highest first."""
        return tuple(sorted(self._stands, key=lambda stand: -stand.score))

    @property
    def others(self) -> tuple[Route, ...]:
        """The routes that these stand for, in the order of a refusal's candidates."""
        return routes_of(self._stands, self.policy)

    @property
    def _stands(self) -> tuple[Stand, ...]:
        step = self.step(Gate.PARTS)
        return () if step is None else step.stands


def traced(facts: Facts, policy: Policy) -> Traced:
    """The decision on a request of which all that it needs is known, with its steps."""
    steps: Steps = []
    decision = decide(facts, policy, INITIAL, steps)
    if not isinstance(decision, Permit | Refusal):
        raise TypeError(f"the decision needs another fact: {type(decision).__name__}")
    return Traced(decision, facts, policy, tuple(steps))
