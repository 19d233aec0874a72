"""The decision: from the facts of a request, the policy and the standing to permit, refuse, or need one more fact.

`decide` is pure. It is called again each time a fact that it needs has been learnt, so that facts which cost
something (a proof, a body, an embedding) are gathered only for requests whose fate depends on them.
"""

from dataclasses import InitVar, dataclass, replace

from aimux.core.access import group_of, may_use
from aimux.core.case import Case
from aimux.core.gates import guard_refusal, identify, is_guarded
from aimux.core.identity import Principal
from aimux.core.meaning import Meant, context_refusal, meaning
from aimux.core.policy import FALLBACK_NAME, Policy, Route
from aimux.core.refusal import (
    Refusal,
    divided,
    forbidden,
    names_differ,
    no_match,
    no_such_route,
    no_text,
    token_ids,
    too_long,
    unheard,
    unscored,
)
from aimux.core.request import (
    NEED_BODY,
    NEED_EARLIER,
    SILENT,
    ChosenBy,
    Facts,
    Need,
    NeedMore,
    NeedScores,
    Opaque,
    Reading,
)
from aimux.core.routing import Match, says
from aimux.core.rules import Rule
from aimux.core.scores import Found, Scores
from aimux.core.standing import Standing
from aimux.core.steps import Gate, Passage, Step, Steps
from aimux.core.texts import TOO_MANY_LISTED, TOO_MUCH_BESIDE, is_too_much, said

_SEAL = object()


@dataclass(frozen=True, slots=True)
class Permit:
    """The authority to forward one request to one route. Only `decide` makes one.

    `turn` counts back from the user's last message to the one that chose: 0 is the last one itself. The seal is not
    kept, so that no permit can be taken from another, by `dataclasses.replace` for one.
    """

    route: Route
    principal: Principal
    rule: Rule
    is_fallback: bool
    match: Match | None
    seal: InitVar[object]
    chosen_by: ChosenBy = ChosenBy.TEXT
    turn: int = 0

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Permit is made by decide() and by nothing else")

    @property
    def says(self) -> str:
        """The sentence of the rule."""
        group = group_of(self.principal, self.route) if self.rule is Rule.ACCESS_GROUP else None
        return says(self.rule, self.match, route=self.route.name, agent=self.principal.agent, group=group)


Decision = Permit | Refusal | Need


def decide(facts: Facts, policy: Policy, standing: Standing, trace: Steps | None = None) -> Decision:
    """Decide one request by the policy and the standing. Its steps are added to `trace`, where there is one.

    Raises ValueError where scores do not fit the policy; the caller refuses the request then.
    """
    del standing  # it holds nothing yet
    principal = identify(facts, policy)
    if not isinstance(principal, Principal):
        if trace is not None and isinstance(principal, Refusal):
            trace.append(Step(Gate.IDENTITY, Passage.REFUSED, principal.rule))
        return principal
    if trace is not None:
        trace.append(Step(Gate.IDENTITY, Passage.PASSED, principal=principal))
    if facts.names_differ:
        return Case(facts, principal, policy, False, trace).refused(Gate.NAMED_ROUTE, names_differ(principal))
    if trace is not None:
        trace.append(Step(Gate.NAMED_ROUTE, Passage.PASSED))
    guarded = bool(policy.guards) and is_guarded(principal, policy)
    if facts.route_name is not None and not guarded:
        return _by_name(facts.route_name, Case(facts, principal, policy, guarded, trace))
    text = facts.head.text
    if text is None:
        if facts.body is None:
            return NEED_BODY
        text = facts.body.text
    if text is not None and facts.scores is None and not guarded and policy.needs_scores and not policy.all_messages:
        return NeedScores(text)
    return _with_all(text, Case(facts, principal, policy, guarded, trace))


def _with_all(text: str | None, case: Case) -> Decision:
    """Decide by the text, where there is one, and by what else is said."""
    if text is None:
        return _without_text(case.facts.body or SILENT, case)
    if not case.policy.needs_scores:
        case.pass_all(Gate.TEXT, Gate.GUARDS)
        case.miss(Gate.MIN_SCORE)
        return _unmatched(None, case)
    scores = case.facts.scores
    return _need_scores_of_all(text, case) if scores is None else _by_scores(scores, case)


# By a text.


def _need_scores_of_all(text: str, case: Case) -> Need | Refusal:
    """Guards or all messages count: need the scores of the text, and of all that is said besides."""
    body = case.facts.body
    if body is None:
        return NEED_BODY
    if case.guarded and body.opaque is Opaque.TOKENS:
        return case.refused(Gate.TEXT, token_ids(case.principal, guarded=True))
    return _need_scores(text, said(case.facts)[1:], case)


def _by_scores(found: Found, case: Case) -> Decision:
    scores = _passing(found, case)
    if isinstance(scores, Refusal):
        return scores
    facts = case.facts
    # A text in the query chooses alone.
    told = facts.body if facts.head.text is None else None
    if told is not None and told.listed:
        return _by_list(scores, told.listed, case)
    if facts.route_name is not None:
        return _by_name(facts.route_name, case)
    meant = meaning(scores, case.principal, case.policy, case.trace)
    if isinstance(meant, Refusal):
        return meant
    if meant.route is not None:
        return _judge(meant.route, meant.match, case)
    followed = None
    if told is not None and told.earlier != () and case.policy.follow_ups:
        followed = _by_earlier(told.earlier, case)
    return followed or _unmatched(meant.match, case)


def _passing(found: Found, case: Case) -> Scores | Refusal:
    """The scores, where the text was scored and no guard refuses what it says."""
    if not isinstance(found, Scores):
        return case.refused(Gate.TEXT, unscored(found, case.principal))
    case.pass_all(Gate.TEXT)
    if case.guarded:
        return guard_refusal(found, case.principal, case.policy, case.trace) or found
    case.pass_all(Gate.GUARDS)
    return found


def _by_list(first: Scores, listed: tuple[str, ...], case: Case) -> Decision:
    """Each text of a list is judged by itself; all must be permitted, and to one route."""
    facts, principal = case.facts, case.principal
    if len(facts.more) < len(listed):
        if is_too_much((facts.body or SILENT).text or "", *listed):
            return case.refused(Gate.TEXT, too_long(TOO_MANY_LISTED, principal))
        return NeedMore(listed[len(facts.more) :])
    judged = [first]
    for found in facts.more:
        scores = _passing(found, case)
        if isinstance(scores, Refusal):
            return scores
        judged.append(scores)
    if facts.route_name is not None:
        return _by_name(facts.route_name, case)
    permits: list[Permit] = []
    for scores in judged:
        decision = _judge_meant(scores, case)
        if isinstance(decision, Refusal):
            return decision if decision.chosen_by is None else replace(decision, chosen_by=ChosenBy.LIST)
        permits.append(decision)
    routes = tuple(dict.fromkeys(permit.route for permit in permits))
    if len(routes) == 1:
        return _judge(routes[0], permits[0].match, case, ChosenBy.LIST)
    return case.refused(Gate.AMBIGUITY, divided(routes, principal, permits[0].match))


def _by_earlier(earlier: tuple[str, ...] | None, case: Case) -> Permit | Need | None:
    """Follow-ups: the nearest earlier turn of the user that means any route decides, where the caller may use that one.

    None where no turn does, or where the nearest that does is ambiguous or not permitted: no turn before it is looked
    at.
    """
    facts, principal = case.facts, case.principal
    earlier = facts.earlier if earlier is None else earlier
    if earlier is None:
        return NEED_EARLIER
    for turn, found in enumerate(facts.more, 1):
        meant = meaning(found, principal, case.policy) if isinstance(found, Scores) else None
        if not isinstance(meant, Meant):
            return None
        if meant.route is not None:
            rule = may_use(principal, meant.route)
            by = ChosenBy.EARLIER_TURN
            return None if rule is None else _permit(meant.route, rule, meant.match, case, by, turn=turn)
    return NeedMore(earlier[len(facts.more) :][:1]) if len(facts.more) < len(earlier) else None


def _judge_meant(scores: Scores, case: Case) -> Permit | Refusal:
    meant = meaning(scores, case.principal, case.policy, case.trace)
    if isinstance(meant, Refusal):
        return meant
    return _unmatched(meant.match, case) if meant.route is None else _judge(meant.route, meant.match, case)


def _unmatched(found: Match | None, case: Case) -> Permit | Refusal:
    if case.policy.fallback is None:
        return case.refused(Gate.MIN_SCORE, no_match(case.principal, found))
    return _judge(case.policy.fallback, found, case)


# Without one.


def _without_text(body: Reading, case: Case) -> Decision:
    """No text chooses a route: what else is said may refuse, then the path or the fallback decides."""
    facts, policy = case.facts, case.policy
    if body.opaque is Opaque.TOKENS:
        return case.refused(Gate.TEXT, token_ids(case.principal, guarded=case.guarded))
    texts = said(facts) if policy.needs_scores and (case.guarded or policy.all_messages) else ()
    if texts:
        if facts.scores is None:
            return _need_scores(texts[0], texts[1:], case)
        refusal = _refused_context(facts.scores, case)
        if refusal is not None:
            return refusal
    if facts.route_name is not None:
        return _by_name(facts.route_name, case)
    if case.guarded and body.opaque is Opaque.UNHEARD:
        return case.refused(Gate.GUARDS, unheard(case.principal))
    return _by_path(case)


def _refused_context(found: Found, case: Case) -> Refusal | None:
    """The refusal of what is said without a text that routes, if any."""
    scores = _passing(found, case)
    if isinstance(scores, Refusal):
        return scores
    if not case.policy.all_messages or case.facts.route_name is not None:
        return None
    refusal = context_refusal(scores, case.principal, case.policy)
    return None if refusal is None else case.refused(Gate.ACCESS, refusal)


def _by_path(case: Case) -> Permit | Refusal:
    facts, policy = case.facts, case.policy
    place = policy.paths.claim(facts.method, facts.path)
    if place is not None:
        case.miss(Gate.TEXT)
        return _judge(policy.routes[place], None, case, ChosenBy.PATH)
    # An upstream's answer to a browser's preflight would let any page in: only who lists the path wants that.
    fallback = policy.fallback if facts.method != "OPTIONS" else None
    if fallback is None or may_use(case.principal, fallback) is None:
        return case.refused(Gate.TEXT, no_text(case.principal, policy.address))
    case.miss(Gate.TEXT)
    return _judge(fallback, None, case, ChosenBy.NOTHING)


def _by_name(name: str, case: Case) -> Permit | Refusal:
    route = case.policy.fallback if name == FALLBACK_NAME else case.policy.by_name.get(name)
    if route is None:
        return case.refused(Gate.NAMED_ROUTE, no_such_route(case.principal))
    return _judge(route, None, case, case.facts.named_by)


# What all of these share.


def _need_scores(text: str, beside: tuple[str, ...], case: Case) -> Need | Refusal:
    if is_too_much(*beside):
        return case.refused(Gate.TEXT, too_long(TOO_MUCH_BESIDE, case.principal))
    return NeedScores(text, beside)


def _judge(route: Route, found: Match | None, case: Case, chosen_by: ChosenBy = ChosenBy.TEXT) -> Permit | Refusal:
    """Permit a route that the caller may use, and refuse any other."""
    rule = may_use(case.principal, route)
    if rule is not None:
        return _permit(route, rule, found, case, chosen_by)
    what = "the fallback" if route is case.policy.fallback else f"route '{route.name}'"
    return case.refused(case.gate_of(route), forbidden(route, case.principal, found, what, chosen_by))


def _permit(route: Route, rule: Rule, found: Match | None, case: Case, chosen_by: ChosenBy, *, turn: int = 0) -> Permit:
    if case.trace is not None:
        case.trace.append(Step(case.gate_of(route), Passage.PASSED, rule, route=route, match=found))
    is_fallback = route is case.policy.fallback
    return Permit(route, case.principal, rule, is_fallback, found, _SEAL, chosen_by, turn)
