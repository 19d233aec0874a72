"""What recorded scores and refusals prove under another configuration, where the text itself was not recorded.

Only where the configuration that decided is known, since a score follows from the intents of all routes. What the parts
of a text stand for is not recorded: nothing is said where that could make a permit of a refusal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from aimux.audit.decisions import Decided
from aimux.core.access import caller_named
from aimux.core.decision import Permit, decide
from aimux.core.policy import Guard, Policy
from aimux.core.reason import Reason
from aimux.core.record import VERDICT_FALLBACK, VERDICT_FORWARD
from aimux.core.refusal import Refusal
from aimux.core.request import Facts
from aimux.core.routing import match
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL

# Scores are recorded with four places: what is nearer to a threshold may stand on either side of it.
_ROUNDING: Final = 0.000101
_UNREAD: Final = frozenset({Reason.TEXT_TOO_LONG.code, Reason.BAD_REQUEST.code})


@dataclass(frozen=True, slots=True)
class Version:
    """One configuration as far as decisions depend on it.

    `model` is the digest of its model, None where it needs none. Of what decided before, the records name the model.
    """

    policy: Policy
    max_tokens: int
    model: str | None


class Unproved(StrEnum):
    """Why recorded scores say nothing."""

    UNKNOWN = "unknown"
    PARTS = "parts"


def applying(policy: Policy, agent: str | None) -> list[Guard]:
    """The guards that this agent (None: an anonymous caller) may not pass."""
    principal = caller_named(agent, policy)
    return [guard for guard in policy.guards if not guard.excepts(principal)]


def passes_again(decided: Decided, old: Version | None, new: Version) -> bool:
    """Whether each guard lets through, as its like did, all that this request says, what is not recorded included."""
    guards = applying(new.policy, decided.agent)
    if not guards:
        return True
    if old is None or not _reads_alike(decided, old, new):
        return False
    if decided.verdict == Reason.GUARD_REFUSED.code or decided.verdict in _UNREAD:
        return False
    passed = applying(old.policy, decided.agent)
    return all(any(_is_as_lax(guard, other) for other in passed) for guard in guards)


def refuses_again(decided: Decided, old: Version | None, new: Version) -> bool:
    """Whether a guard refuses again what a guard has refused, whichever it was."""
    if decided.verdict != Reason.GUARD_REFUSED.code or old is None or not _reads_alike(decided, old, new):
        return False
    refusing = applying(old.policy, decided.agent)
    guards = applying(new.policy, decided.agent)
    return bool(refusing) and all(any(_is_as_lax(other, guard) for guard in guards) for other in refusing)


def refusing_scores(policy: Policy) -> Scores:
    """Scores that each guard refuses."""
    return Scores((None,) * len(policy.routes), guards=_all(1.0, policy))


def passing_scores(policy: Policy) -> Scores:
    """Scores that say no more than that each guard lets the text through."""
    return Scores((None,) * len(policy.routes), guards=_all(0.0, policy))


def scores_again(decided: Decided, old: Version | None, new: Version, facts: Facts) -> Scores | Unproved:
    """The recorded scores for the new policy, where they decide under it; `facts` is all else of the request."""
    known = dict(decided.scores)
    if old is None or not known or not _reads_alike(decided, old, new):
        return Unproved.UNKNOWN
    intents = _intents_of(old.policy)
    if intents != _intents_of(new.policy) or intents.keys() != known.keys():
        return Unproved.UNKNOWN
    if not passes_again(decided, old, new):
        return Unproved.UNKNOWN
    before, after = _placed(known, old.policy), _placed(known, new.policy)
    if not _is_reproduced(decided, replace(facts, route_name=None, scores=before), old.policy):
        return Unproved.PARTS
    if _is_close(known, new.policy) or not _is_decisive((old.policy, before), (new.policy, after)):
        return Unproved.PARTS
    return after


def _reads_alike(decided: Decided, old: Version, new: Version) -> bool:
    """Whether the new configuration reads whatever the old one has read, with the model that has read it."""
    alike = old.policy.close_reading == new.policy.close_reading and new.max_tokens >= old.max_tokens
    return alike and decided.model is not None and decided.model == new.model


def _is_as_lax(guard: Guard, other: Guard) -> bool:
    """Whether a guard lets through whatever the other one does."""
    return set(guard.intents) <= set(other.intents) and guard.min_score >= other.min_score


def _intents_of(policy: Policy) -> dict[str, tuple[str, ...]]:
    return {route.name: route.intents for route in policy.routes if route.intents}


def _placed(known: Mapping[str, float], policy: Policy) -> Scores:
    return Scores(tuple(known.get(route.name) for route in policy.routes), guards=_all(0.0, policy))


def _all(score: float, policy: Policy) -> tuple[float, ...]:
    return (score,) * len(policy.guards)


def _is_reproduced(decided: Decided, facts: Facts, policy: Policy) -> bool:
    """Whether the whole text's scores alone give what was decided: then no part of the text has decided."""
    decision = decide(facts, policy, INITIAL)
    if isinstance(decision, Permit):
        verdict = VERDICT_FALLBACK if decision.is_fallback else VERDICT_FORWARD
        return (verdict, decision.route.name) == (decided.verdict, decided.route)
    if isinstance(decision, Refusal):
        route = None if decision.route is None else decision.route.name
        return (decision.reason.code, route) == (decided.verdict, decided.route)
    return False


def _is_close(known: Mapping[str, float], policy: Policy) -> bool:
    """Whether rounding could have moved a score over a threshold, or past another score."""
    if any(abs(score - policy.by_name[name].min_score) < _ROUNDING for name, score in known.items()):
        return True
    top, *others = sorted(known.values(), reverse=True)
    leads = [top - score for score in others]
    return any(lead < _ROUNDING or abs(lead - policy.ambiguity_threshold) < _ROUNDING for lead in leads)


def _is_decisive(before: tuple[Policy, Scores], after: tuple[Policy, Scores]) -> bool:
    """Whether no part of the text could stand for a route that it is allowed to reach by that.

    A part decides only where the whole matches no route, or in order to refuse. Where that was so before too, and
    thresholds have not become lower, a part stands for no more than it did.
    """
    found = match(*after)
    if found is not None and found.contenders:
        return True
    (old, scores), (new, _) = before, after
    earlier = match(old, scores)
    if earlier is None or earlier.contenders or old.ambiguity_threshold != new.ambiguity_threshold:
        return False
    return all(route.min_score >= old.by_name[route.name].min_score for route in new.routes if route.intents)
