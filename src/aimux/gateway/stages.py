"""What became of a request at each gate, and why, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from aimux.config.problem import quoted
from aimux.core.access import may_use
from aimux.core.decision import Forward
from aimux.core.request import Illegible, TextTooLong
from aimux.gateway.gates import Decided, Gate


class Passage(StrEnum):
    """The outcome of a request at a gate.

    Where min_score is not met, a part of the text or the fallback may serve; where there is no text, the fallback may.
    """

    PASSED = "passed"
    REFUSED = "refused"
    NOT_MET = "not met"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Stage:
    """One gate, what became of the request there, and why in words, empty where there is nothing to say."""

    gate: Gate
    passage: Passage
    why: str


def stages(decided: Decided) -> tuple[Stage, ...]:
    """Every gate in its order, and what became of the request there."""
    return tuple(_stages(decided))


def _stages(decided: Decided) -> Iterator[Stage]:
    by, order = decided.by, list(Gate)
    forwarded = isinstance(decided.decision, Forward)
    for gate in order:
        why = _why(gate, decided)
        if gate is by:
            yield Stage(gate, Passage.PASSED if forwarded else Passage.REFUSED, why)
        elif order.index(gate) > order.index(by) or not _is_asked(gate, decided):
            is_missing = gate is Gate.FALLBACK and decided.policy.fallback is None
            yield Stage(gate, Passage.NOT_REACHED, "there is none" if is_missing else "")
        elif _is_not_met(gate, decided):
            yield Stage(gate, Passage.NOT_MET, why)
        else:
            yield Stage(gate, Passage.PASSED, why)


def _is_not_met(gate: Gate, decided: Decided) -> bool:
    if gate is Gate.TEXT:
        return not decided.has_text
    return gate is Gate.MIN_SCORE and (decided.match is None or not decided.match.contenders)


def _is_asked(gate: Gate, decided: Decided) -> bool:
    """Whether the decision asks something at a gate before the one that decided."""
    named, found, scores = decided.facts.route_name is not None, decided.match, decided.scores
    if not decided.has_text and not named:
        return gate in {Gate.IDENTITY, Gate.NAMED_ROUTE, Gate.TEXT}
    if gate is Gate.TEXT:
        return not named or scores is not None
    if gate is Gate.MIN_SCORE:
        return not named
    if gate is Gate.AMBIGUITY:
        return not named and found is not None and bool(found.contenders)
    if gate is Gate.PARTS:
        meant, principal = decided.meant, decided.principal
        hidden = meant is not None and principal is not None and may_use(principal, meant) is None
        return not named and found is not None and not hidden
    return gate is not Gate.ACCESS or decided.by is Gate.ACCESS


def _why(gate: Gate, decided: Decided) -> str:
    match gate:
        case Gate.IDENTITY:
            return _who(decided)
        case Gate.NAMED_ROUTE:
            return "none is named" if decided.facts.route_name is None else quoted(decided.facts.route_name)
        case Gate.TEXT:
            return _text(decided)
        case Gate.GUARDS:
            return _guards(decided)
        case Gate.MIN_SCORE:
            return _min_score(decided)
        case Gate.AMBIGUITY:
            return _ambiguity(decided)
        case Gate.PARTS:
            return _parts(decided)
        case Gate.ACCESS | Gate.FALLBACK:
            return _rule(decided)


def _rule(decided: Decided) -> str:
    return decided.decision.permit.says if isinstance(decided.decision, Forward) else decided.decision.says


def _who(decided: Decided) -> str:
    principal = decided.principal
    if principal is None:
        return _rule(decided)
    return "an anonymous caller" if principal.name is None else f"agent '{principal.name}' is registered"


def _text(decided: Decided) -> str:
    found = decided.facts.scores
    if not decided.has_text and isinstance(decided.decision, Forward):
        return "there is none"
    if isinstance(found, TextTooLong):
        return f"it is longer than {found.limit} tokens"
    if isinstance(found, Illegible):
        return found.why
    return (
        _rule(decided) if decided.by is Gate.TEXT else "it is read" if found else "it is not read: no route has intents"
    )


def _guards(decided: Decided) -> str:
    guards, principal, scores = decided.policy.guards, decided.principal, decided.scores
    if not guards or principal is None:
        return "there are none"
    asked = [place for place, guard in enumerate(guards) if principal.name not in guard.excepted]
    if not asked:
        return f"all of them except agent '{principal.name}'"
    if scores is None:
        return "there is no text"
    passed = [place for place in asked if scores.guards[place] < guards[place].min_score]
    refusing = [place for place in asked if place not in passed]
    if scores.unread and not refusing:
        return "the model does not know all that is said, and no guard can judge that"
    place = refusing[0] if refusing else max(passed, key=lambda place: scores.guards[place] - guards[place].min_score)
    return f"'{guards[place].name}' refuses from {_against(guards[place].min_score, scores.guards[place])}"


def _min_score(decided: Decided) -> str:
    found = decided.match
    if found is None:
        return "no route has intents"
    return f"'{found.best.name}' needs {_against(found.best.min_score, found.score)}"


def _against(threshold: float, score: float) -> str:
    return f"{threshold:g} and has {told(score, threshold)}"


def _ambiguity(decided: Decided) -> str:
    found, rival, threshold = decided.match, decided.rival, decided.policy.ambiguity_threshold
    if found is None or rival is None:
        return "no other route reaches its min_score"
    margin = found.score - rival[1]
    led = f"'{found.best.name}' leads '{rival[0].name}' by {told(margin, threshold)}"
    if margin >= threshold:
        return f"{led} and needs {threshold:g}"
    return f"{led}, which lacks {told(threshold - margin)} of {threshold:g}"


def _parts(decided: Decided) -> str:
    counted = decided.counted
    if not counted:
        return "no part stands for another route"
    stands = (
        f"{quoted(stand.words)} stands for '{decided.policy.routes[stand.place].name}' ({told(stand.score)})"
        for stand in counted
    )
    return "; ".join(stands)


def told(value: float, beside: float | None = None) -> str:
    """A number with three decimals, or so many more that it does not look like 0, or like the one beside it."""
    others = {0.0} if beside is None else {0.0, beside}
    for digits in range(3, 9):
        shown = f"{value:.{digits}f}"
        if all(_order(float(shown), other) == _order(value, other) for other in others):
            break
    return shown


def _order(value: float, other: float) -> int:
    return (value > other) - (value < other)
