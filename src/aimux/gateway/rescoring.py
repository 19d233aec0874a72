"""What recorded scores and refusals prove under another configuration, where the text itself was not recorded.

Only where the configuration that decided is known, since a score follows from the intents of all routes. What the parts
of a text stand for is not recorded: nothing is said where that could make a permit of a refusal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aimux.audit.decisions import Decided
from aimux.core.decision import Forward, decide
from aimux.core.reason import Reason
from aimux.core.record import VERDICT_FALLBACK, VERDICT_FORWARD
from aimux.core.refusal import Refuse
from aimux.core.request import Facts, Scores
from aimux.core.routing import match
from aimux.core.snapshot import Guard, Snapshot

# Scores are recorded with four places: what is nearer to a threshold may stand on either side of it.
_ROUNDING: Final = 0.000101
_UNREAD: Final = frozenset({Reason.TEXT_TOO_LONG.code, Reason.BAD_REQUEST.code})


@dataclass(frozen=True, slots=True)
class Policy:
    """One configuration as far as decisions depend on it.

    `model` is the digest of its model, None where it needs none. Of what decided before, the records name the model.
    """

    snapshot: Snapshot
    max_tokens: int
    model: str | None


class Unproved(StrEnum):
    """Why recorded scores say nothing."""

    UNKNOWN = "unknown"
    PARTS = "parts"


def applying(snapshot: Snapshot, agent: str | None) -> list[Guard]:
    """The guards that this agent (None: an anonymous caller) may not pass."""
    return [guard for guard in snapshot.guards if agent not in guard.excepted]


def passes_again(decided: Decided, old: Policy | None, new: Policy) -> bool:
    """Whether each guard lets through, as its like did, all that this request says, what is not recorded included."""
    guards = applying(new.snapshot, decided.agent)
    if not guards:
        return True
    if old is None or not _reads_alike(decided, old, new):
        return False
    if decided.verdict == Reason.GUARD_REFUSED.code or decided.verdict in _UNREAD:
        return False
    passed = applying(old.snapshot, decided.agent)
    return all(any(_is_as_lax(guard, other) for other in passed) for guard in guards)


def refuses_again(decided: Decided, old: Policy | None, new: Policy) -> bool:
    """Whether a guard refuses again what a guard has refused, whichever it was."""
    if decided.verdict != Reason.GUARD_REFUSED.code or old is None or not _reads_alike(decided, old, new):
        return False
    refusing = applying(old.snapshot, decided.agent)
    guards = applying(new.snapshot, decided.agent)
    return bool(refusing) and all(any(_is_as_lax(other, guard) for guard in guards) for other in refusing)


def refusing_scores(snapshot: Snapshot) -> Scores:
    """Scores that each guard refuses."""
    return Scores((None,) * len(snapshot.routes), guards=_all(1.0, snapshot))


def passing_scores(snapshot: Snapshot) -> Scores:
    """Scores that say no more than that each guard lets the text through."""
    return Scores((None,) * len(snapshot.routes), guards=_all(0.0, snapshot))


def scores_again(decided: Decided, old: Policy | None, new: Policy, facts: Facts) -> Scores | Unproved:
    """The recorded scores for the new snapshot, where they decide under it; `facts` is all else of the request."""
    known = dict(decided.scores)
    if old is None or not known or not _reads_alike(decided, old, new):
        return Unproved.UNKNOWN
    intents = _intents_of(old.snapshot)
    if intents != _intents_of(new.snapshot) or intents.keys() != known.keys():
        return Unproved.UNKNOWN
    if not passes_again(decided, old, new):
        return Unproved.UNKNOWN
    before, after = _placed(known, old.snapshot), _placed(known, new.snapshot)
    if not _is_reproduced(decided, Facts(facts.head, None, facts.body, before), old.snapshot):
        return Unproved.PARTS
    if _is_close(known, new.snapshot) or not _is_decisive((old.snapshot, before), (new.snapshot, after)):
        return Unproved.PARTS
    return after


def _reads_alike(decided: Decided, old: Policy, new: Policy) -> bool:
    """Whether the new configuration reads whatever the old one has read, with the model that has read it."""
    alike = old.snapshot.close_reading == new.snapshot.close_reading and new.max_tokens >= old.max_tokens
    return alike and decided.model is not None and decided.model == new.model


def _is_as_lax(guard: Guard, other: Guard) -> bool:
    """Whether a guard lets through whatever the other one does."""
    return set(guard.intents) <= set(other.intents) and guard.min_score >= other.min_score


def _intents_of(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    return {route.name: route.intents for route in snapshot.routes if route.intents}


def _placed(known: Mapping[str, float], snapshot: Snapshot) -> Scores:
    return Scores(tuple(known.get(route.name) for route in snapshot.routes), guards=_all(0.0, snapshot))


def _all(score: float, snapshot: Snapshot) -> tuple[float, ...]:
    return (score,) * len(snapshot.guards)


def _is_reproduced(decided: Decided, facts: Facts, snapshot: Snapshot) -> bool:
    """Whether the whole text's scores alone give what was decided: then no part of the text has decided."""
    decision = decide(facts, snapshot)
    if isinstance(decision, Forward):
        verdict = VERDICT_FALLBACK if decision.permit.is_fallback else VERDICT_FORWARD
        return (verdict, decision.permit.route.name) == (decided.verdict, decided.route)
    if isinstance(decision, Refuse):
        route = None if decision.route is None else decision.route.name
        return (decision.reason.code, route) == (decided.verdict, decided.route)
    return False


def _is_close(known: Mapping[str, float], snapshot: Snapshot) -> bool:
    """Whether rounding could have moved a score over a threshold, or past another score."""
    if any(abs(score - snapshot.by_name[name].min_score) < _ROUNDING for name, score in known.items()):
        return True
    top, *others = sorted(known.values(), reverse=True)
    leads = [top - score for score in others]
    return any(lead < _ROUNDING or abs(lead - snapshot.ambiguity_threshold) < _ROUNDING for lead in leads)


def _is_decisive(before: tuple[Snapshot, Scores], after: tuple[Snapshot, Scores]) -> bool:
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
