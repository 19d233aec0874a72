"""A request that is being decided, with what every step of the decision looks at."""

from aimux.core.identity import Principal
from aimux.core.policy import Policy, Route
from aimux.core.refusal import Refusal
from aimux.core.request import Facts
from aimux.core.steps import Gate, Passage, Step, Steps
from aimux.core.values import value


@value
class Case:
    """A request that is decided, and who sends it. `guarded` says that a guard applies to the caller."""

    facts: Facts
    principal: Principal
    policy: Policy
    guarded: bool
    trace: Steps | None

    def gate_of(self, route: Route) -> Gate:
        """The gate at which access to a route is judged."""
        return Gate.FALLBACK if route is self.policy.fallback else Gate.ACCESS

    def refused(self, gate: Gate, refusal: Refusal) -> Refusal:
        """The refusal, noted in the trace."""
        if self.trace is not None:
            self.trace.append(Step(gate, Passage.REFUSED, refusal.rule, route=refusal.route, match=refusal.match))
        return refusal

    def pass_all(self, *gates: Gate) -> None:
        """Note in the trace that these had nothing against it."""
        if self.trace is not None:
            self.trace.extend(Step(gate, Passage.PASSED) for gate in gates)

    def miss(self, gate: Gate) -> None:
        """Note in the trace that it has not what this one asks for."""
        if self.trace is not None:
            self.trace.append(Step(gate, Passage.NOT_MET))
