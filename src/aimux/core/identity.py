"""Identity: the first name that a request gives for its caller, which must be a registered agent's."""

from dataclasses import replace

from aimux.core.policy import Policy
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal, failed
from aimux.core.request import ANONYMOUS, ASK_BODY, Ask, Claim, Facts, Flaw, Principal


def identify(facts: Facts, policy: Policy) -> Principal | Refusal | Ask:
    """The caller: the first claim counts, and it must be a registered agent. No claim anywhere means anonymous."""
    flaw = facts.head.flaw or (facts.body.flaw if facts.body else None)
    if flaw is not None:
        return _flawed(flaw)
    claims = facts.head.claims
    if facts.body is not None and facts.body.claims:
        claims = claims + facts.body.claims
    if claims:
        return _claimed(claims, policy)
    return ASK_BODY if facts.body is None else ANONYMOUS


def _flawed(flaw: Flaw) -> Refusal:
    return failed(flaw.reason, flaw.message)


def _claimed(claims: tuple[Claim, ...], policy: Policy) -> Principal | Refusal:
    first = claims[0]
    if first.name is None:
        return _flawed(Flaw(Reason.IDENTITY_MALFORMED, first.fault))
    principal = policy.principals.get(first.name)
    if principal is None:
        return failed(Reason.UNKNOWN_AGENT, first.fault)
    conflicts = tuple(claim for claim in claims[1:] if claim.name != first.name) if len(claims) > 1 else ()
    return replace(principal, conflicts=conflicts) if conflicts else principal
