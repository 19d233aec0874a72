"""The gates before routing: identity of the caller, and guards."""

from dataclasses import replace

from aimux.core.identity import ANONYMOUS, Claim, Place, Principal, Proven
from aimux.core.policy import Policy
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal, failed, unread, who
from aimux.core.request import NEED_BODY, Facts, NeedBody, NeedProof
from aimux.core.rules import Rule
from aimux.core.scores import Scores
from aimux.core.steps import Gate, Passage, Step, Steps

_CONFLICT = (
    "the request proves one agent and names another in a header (identity.headers): send both for the same agent, or "
    "the proof alone"
)
_TWO_AGENTS = "the request proves two agents: send the proofs of one"
_NOT_REGISTERED = "the agent that the request proves is not registered: add it to `agents` in the configuration"
_EXPIRED = "the proof of who asks has expired: get a new one"
_REQUIRED = "this agent's name alone is not enough, nor is this kind of proof: prove it as its configuration says"


def identify(facts: Facts, policy: Policy) -> Principal | Refusal | NeedBody | NeedProof:
    """The caller: whom its evidence proves, else the first claim, which must be an agent's. Neither means anonymous."""
    body = facts.body
    flaw = facts.head.flaw or (body.flaw if body else None)
    if flaw is not None:
        return failed(flaw.reason, flaw.message)
    claims = facts.head.claims
    if body is not None and body.claims:
        claims = claims + body.claims
    if facts.evidence:
        if facts.proven is None:
            return NeedProof(facts.evidence)
        if facts.proven:
            return _proven(facts.proven, facts.now, claims, policy)
    if claims:
        return _claimed(claims, policy)
    return NEED_BODY if body is None else ANONYMOUS


def _claimed(claims: tuple[Claim, ...], policy: Policy) -> Principal | Refusal:
    first = claims[0]
    if first.name is None:
        return failed(Reason.IDENTITY_MALFORMED, first.fault)
    principal = policy.claimed.get(first.name)
    if principal is None:
        if first.name in policy.agents:
            return failed(Reason.PROOF_REQUIRED, _REQUIRED)
        return failed(Reason.UNKNOWN_AGENT, first.fault)
    conflicts = tuple(claim for claim in claims[1:] if claim.name != first.name) if len(claims) > 1 else ()
    return replace(principal, conflicts=conflicts) if conflicts else principal


def _proven(proven: tuple[Proven, ...], now: float, claims: tuple[Claim, ...], policy: Policy) -> Principal | Refusal:
    """The agent that is proved, by the strongest proof that it accepts.

    Claims beside it grant nothing; one in a header must name the same agent.
    """
    name = proven[0].agent
    if any(each.agent != name for each in proven):
        return failed(Reason.IDENTITY_CONFLICT, _TWO_AGENTS)
    agent = policy.agents.get(name)
    if agent is None:
        return failed(Reason.UNKNOWN_AGENT, _NOT_REGISTERED)
    if any(each.expires is not None and not now < each.expires for each in proven):
        return failed(Reason.PROOF_EXPIRED, _EXPIRED)
    accepted = [each.proof for each in proven if each.proof.assurance in agent.accepts]
    if not accepted:
        return failed(Reason.PROOF_REQUIRED, _REQUIRED)
    conflicts = tuple(claim for claim in claims if claim.name != agent.name)
    if any(claim.place is Place.HEADER for claim in conflicts):
        return failed(Reason.IDENTITY_CONFLICT, _CONFLICT)
    proof = max(accepted, key=lambda each: each.assurance)
    return Principal(agent.name, proof.assurance, proof, conflicts, agent.groups)


def is_guarded(principal: Principal, policy: Policy) -> bool:
    """Whether any guard applies to a caller."""
    return any(not guard.excepts(principal) for guard in policy.guards) if policy.guards else False


def guard_refusal(scores: Scores, principal: Principal, policy: Policy, trace: Steps | None = None) -> Refusal | None:
    """The refusal of the first guard that this caller may not pass, if any, or of what no guard could judge.

    Raises ValueError for unfit scores.
    """
    for guard, score in zip(policy.guards, scores.guards, strict=True):
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"the score of guard '{guard.name}' is {score}")
        if score >= guard.min_score and not guard.excepts(principal):
            message = f"{who(principal)} may not ask for what guard '{guard.name}' refuses on every route"
            if trace is not None:
                trace.append(Step(Gate.GUARDS, Passage.REFUSED, Rule.GUARD_REFUSED, guard=guard, score=score))
            return Refusal(Reason.GUARD_REFUSED, message, Rule.GUARD_REFUSED, principal, guard=guard)
    refused = unread(principal) if scores.unread else None
    if trace is not None:
        asked = [pair for pair in zip(policy.guards, scores.guards, strict=True) if not pair[0].excepts(principal)]
        guard, score = max(asked, key=lambda pair: pair[1] - pair[0].min_score)
        passage = Passage.PASSED if refused is None else Passage.REFUSED
        trace.append(Step(Gate.GUARDS, passage, None if refused is None else refused.rule, guard=guard, score=score))
    return refused
