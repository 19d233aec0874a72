"""The steps of a decision in words: what became of a request at each gate, and why."""

from dataclasses import dataclass

from aimux.config.problem import quoted
from aimux.core.rules import Rule, sentence
from aimux.core.scores import Illegible, TextTooLong
from aimux.core.steps import Gate, Passage, Step
from aimux.gateway.traced import Traced


@dataclass(frozen=True, slots=True)
class Stage:
    """One gate, what became of the request there, and why in words, empty where there is nothing to say."""

    gate: Gate
    passage: Passage
    why: str


def stages(traced: Traced) -> tuple[Stage, ...]:
    """Every gate in its order, and what became of the request there."""
    return tuple(_stage(gate, traced.step(gate), traced) for gate in Gate)


def _stage(gate: Gate, step: Step | None, traced: Traced) -> Stage:
    if step is None:
        is_missing = gate is Gate.FALLBACK and traced.policy.fallback is None
        return Stage(gate, Passage.NOT_REACHED, "there is none" if is_missing else "")
    return Stage(gate, step.passage, _why(step, traced))


def _why(step: Step, traced: Traced) -> str:
    match step.gate:
        case Gate.IDENTITY:
            return _who(step)
        case Gate.NAMED_ROUTE:
            return "none is named" if traced.facts.route_name is None else quoted(traced.facts.route_name)
        case Gate.TEXT:
            return _text(step, traced)
        case Gate.GUARDS:
            return _guards(step, traced)
        case Gate.MIN_SCORE:
            return _min_score(step)
        case Gate.AMBIGUITY:
            return _ambiguity(step, traced)
        case Gate.PARTS:
            return _parts(traced)
        case Gate.ACCESS | Gate.FALLBACK:
            return traced.decision.says


def _who(step: Step) -> str:
    if step.principal is None:
        return "" if step.rule is None else sentence(step.rule)
    agent = step.principal.agent
    return "an anonymous caller" if agent is None else f"agent '{agent}' is registered"


def _text(step: Step, traced: Traced) -> str:
    found = traced.facts.scores
    if step.passage is Passage.NOT_MET:
        return "there is none"
    if step.passage is Passage.PASSED:
        return "it is read" if found else "it is not read: no route has intents"
    if isinstance(found, TextTooLong):
        return f"it is longer than {found.limit} tokens"
    return found.why if isinstance(found, Illegible) else traced.decision.says


def _guards(step: Step, traced: Traced) -> str:
    if step.rule is Rule.GUARD_UNREAD:
        return "the model does not know all that is said, and no guard can judge that"
    if step.rule is Rule.GUARD_UNHEARD:
        return traced.decision.says
    if step.guard is not None and step.score is not None:
        return f"'{step.guard.name}' refuses from {_against(step.guard.min_score, step.score)}"
    if not traced.policy.guards or traced.principal is None:
        return "there are none"
    return f"all of them except agent '{traced.principal.agent}'"


def _min_score(step: Step) -> str:
    found = step.match
    return (
        "no route has intents"
        if found is None
        else f"'{found.best.name}' needs {_against(found.best.min_score, found.score)}"
    )


def _against(threshold: float, score: float) -> str:
    return f"{threshold:g} and has {told(score, threshold)}"


def _ambiguity(step: Step, traced: Traced) -> str:
    found, rival, threshold = step.match, step.rival, traced.policy.ambiguity_threshold
    if found is None or rival is None:
        return "no other route reaches its min_score"
    margin = found.score - rival[1]
    led = f"'{found.best.name}' leads '{rival[0].name}' by {told(margin, threshold)}"
    if margin >= threshold:
        return f"{led} and needs {threshold:g}"
    return f"{led}, which lacks {told(threshold - margin)} of {threshold:g}"


def _parts(traced: Traced) -> str:
    if not traced.counted:
        return "no part stands for another route"
    stands = (
        f"{quoted(stand.words)} stands for '{traced.policy.routes[stand.place].name}' ({told(stand.score)})"
        for stand in traced.counted
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
