"""The one record of a request. Log line and metrics are folds over it, and so is everything else that tells of it."""

from dataclasses import dataclass
from enum import StrEnum

from aimux.core.access import group_of
from aimux.core.decision import Permit
from aimux.core.headers import Trace
from aimux.core.identity import Principal
from aimux.core.policy import Policy
from aimux.core.refusal import Refusal
from aimux.core.request import Action, ChosenBy, Reading
from aimux.core.routing import Match, by_name, says
from aimux.core.rules import Rule
from aimux.core.scores import Scores
from aimux.core.standing import Standing


class Ended(StrEnum):
    """How an exchange ended."""

    COMPLETED = "completed"
    IDLE = "idle"  # an event stream that the gateway ended, between two events
    CLIENT_LEFT = "client_left"
    UPSTREAM_FAILED = "upstream_failed"
    TRUNCATED = "truncated"


VERDICT_FORWARD = "forward"
VERDICT_FALLBACK = "fallback"
VERDICT_ANSWERED = "answered"


@dataclass(slots=True)
class Record:
    """What is known of one request when it has ended. Times are in seconds, None where the step was not taken.

    `began` is the moment of its beginning, in seconds since the epoch. `said` is the part of it that its text was found
    in, `policy` and `model` (a digest) are what it was decided by, `audited` is the number of its decision in the
    audit log. `verdict` is `forward`, `fallback`, `answered` (by the gateway itself) or the code of the refusal.
    `scoring_began`, `decided_seconds` and `forwarding_began` count from the request's beginning.
    `chosen_by` is what chose the route, `turn` how many messages of the user before the last
    one stands the one that did.
    `guard` is the one that refused, `group` the one by which the route lists the caller.
    `client_request_id` and `upstream_request_id` are what those call the request, and prove nothing.
    `fault` says what went wrong behind a refusal, for the operator: it is never shown to the caller.
    """

    request_id: str
    trace: Trace
    peer: str
    began: float = 0.0
    method: str = "-"
    path: str = "-"
    dialect: str = ""
    verdict: str = ""
    status: int = 0
    principal: Principal | None = None
    route: str | None = None
    rule: Rule | None = None
    match: Match | None = None
    scored: tuple[Policy, Scores] | None = None
    cached: bool | None = None
    model_seconds: float | None = None
    upstream_seconds: float | None = None
    total_seconds: float = 0.0
    response_bytes: int = 0
    ended: Ended = Ended.COMPLETED
    fault: str = ""
    scoring_began: float | None = None
    decided_seconds: float | None = None
    forwarding_began: float | None = None
    said: Reading | None = None
    policy: Policy | None = None
    model: str | None = None
    audited: int | None = None
    chosen_by: ChosenBy | None = None
    turn: int = 0
    client_request_id: str | None = None
    upstream_request_id: str | None = None
    guard: str | None = None
    action: Action | None = None
    standing: Standing | None = None
    group: str | None = None

    @property
    def scores(self) -> tuple[tuple[str, float], ...]:
        """Each route that has intents, and its score."""
        return () if self.scored is None else by_name(*self.scored)

    @property
    def says(self) -> str:
        """The sentence of the rule; empty where none has decided yet."""
        if self.rule is None:
            return ""
        agent = None if self.principal is None else self.principal.agent
        group = self.group if self.rule is Rule.ACCESS_GROUP else None
        return says(self.rule, self.match, route=self.route, agent=agent, guard=self.guard, group=group)

    def permitted(self, permit: Permit) -> None:
        """Take over what the decision to forward says."""
        self.verdict = VERDICT_FALLBACK if permit.is_fallback else VERDICT_FORWARD
        self.principal = permit.principal
        self.route = permit.route.name
        self.rule = permit.rule
        self.match = permit.match
        self.chosen_by = permit.chosen_by
        self.turn = permit.turn
        if permit.rule is Rule.ACCESS_GROUP:
            self.group = group_of(permit.principal, permit.route)

    def refused(self, refusal: Refusal) -> None:
        """Take over what a refusal says. What an earlier permit said stays where the refusal does not know better."""
        self.verdict = refusal.reason.code
        self.status = refusal.reason.status
        self.rule = refusal.rule
        self.principal = refusal.principal or self.principal
        self.route = refusal.route.name if refusal.route else self.route
        self.match = refusal.match or self.match
        self.chosen_by = refusal.chosen_by or self.chosen_by
        self.guard = refusal.guard.name if refusal.guard else None
