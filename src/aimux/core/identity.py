"""Identity: the first name that a request gives for its caller, which must be a registered agent's."""

from dataclasses import replace

from aimux.core.reason import Reason
from aimux.core.refusal import Refuse
from aimux.core.request import ANONYMOUS, ASK_BODY, Ask, Claim, Facts, Flaw, Principal
from aimux.core.snapshot import Snapshot


def identify(facts: Facts, snapshot: Snapshot) -> Principal | Refuse | Ask:
    """The caller: the first claim counts, and it must be a registered agent. No claim anywhere means anonymous."""
    flaw = facts.head.flaw or (facts.body.flaw if facts.body else None)
    if flaw is not None:
        return _flawed(flaw)
    claims = facts.head.claims
    if facts.body is not None and facts.body.claims:
        claims = claims + facts.body.claims
    if claims:
        return _claimed(claims, snapshot)
    return ASK_BODY if facts.body is None else ANONYMOUS


def _flawed(flaw: Flaw) -> Refuse:
    return Refuse(flaw.reason, flaw.message, "a request must be readable in one way only")


def _claimed(claims: tuple[Claim, ...], snapshot: Snapshot) -> Principal | Refuse:
    first = claims[0]
    if first.name is None:
        return _flawed(Flaw(Reason.IDENTITY_MALFORMED, first.fault))
    principal = snapshot.principals.get(first.name)
    if principal is None:
        return Refuse(Reason.UNKNOWN_AGENT, first.fault, "a claimed name must be a registered agent")
    conflicts = tuple(claim for claim in claims[1:] if claim.name != first.name) if len(claims) > 1 else ()
    return replace(principal, conflicts=conflicts) if conflicts else principal
