"""The decision: from the facts of a request and a policy to forward, refuse, or ask for one more fact.

`decide` is pure. It is called again each time a fact that it asked for has been learnt, so that facts which cost
something (a body, an embedding) are gathered only for requests whose fate depends on them.
"""

from dataclasses import InitVar, dataclass, replace
from typing import Final

from aimux.core.access import may_use
from aimux.core.identity import identify
from aimux.core.meaning import Meant, context_refusal, guard_refusal, is_guarded, meaning
from aimux.core.policy import FALLBACK_NAME, Policy, Route
from aimux.core.refusal import (
    Refusal,
    divided,
    forbidden,
    no_match,
    no_such_route,
    no_text,
    token_ids,
    too_long,
    unheard,
    unscored,
)
from aimux.core.request import (
    ASK_BODY,
    ASK_EARLIER,
    SILENT,
    Ask,
    ChosenBy,
    Facts,
    Found,
    Need,
    Opaque,
    Principal,
    Reading,
    Scores,
)
from aimux.core.routing import Match, says
from aimux.core.rules import Rule
from aimux.core.values import value

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
        return says(self.rule, self.match, route=self.route.name, agent=self.principal.name)


@value
class Forward:
    """The request may go to the permit's route."""

    permit: Permit


Decision = Forward | Refusal | Ask

# Each text costs a reading of the model: a request may not cost a thousand.
_MOST_TEXTS: Final = 256
_LONGEST_TEXTS: Final = 128 * 1024
_TOO_MUCH_BESIDE = (
    f"more than {_MOST_TEXTS} texts or {_LONGEST_TEXTS} characters stand beside the text that chooses the route, in "
    "other messages, fields or parts, and each is judged: send fewer"
)
_TOO_MANY_LISTED = (
    f"the list has more than {_MOST_TEXTS} texts or {_LONGEST_TEXTS} characters, each of which is judged: "
    "send fewer at a time, or address the route by name in the X-AIMux-Route header"
)


def decide(facts: Facts, policy: Policy) -> Decision:
    """Decide one request by the policy.

    Raises ValueError where scores do not fit the policy; the caller refuses the request then.
    """
    principal = identify(facts, policy)
    if not isinstance(principal, Principal):
        return principal
    guarded = bool(policy.guards) and is_guarded(principal, policy)
    if facts.route_name is not None and not guarded:
        return _by_name(facts.route_name, principal, policy)
    text = facts.head.text
    if text is None:
        if facts.body is None:
            return ASK_BODY
        text = facts.body.text
        if text is None:
            return _without_text(facts, facts.body, principal, policy, guarded=guarded)
    if not policy.needs_scores:
        return _unmatched(principal, policy, None)
    if facts.scores is None:
        return _ask_for(text, facts, principal, policy, guarded=guarded)
    return _by_scores(facts.scores, facts, principal, policy, guarded=guarded)


# By a text.


def _ask_for(text: str, facts: Facts, principal: Principal, policy: Policy, *, guarded: bool) -> Ask | Refusal:
    """Ask for the scores of the text; where guards or all messages count, for those of all that is said as well."""
    if not guarded and not policy.all_messages:
        return Ask(Need.SCORES, text)
    if facts.body is None:
        return ASK_BODY
    if guarded and facts.body.opaque is Opaque.TOKENS:
        return token_ids(principal, guarded=True)
    return _ask_scores(text, _said(facts)[1:], principal)


def _by_scores(scores: Found, facts: Facts, principal: Principal, policy: Policy, *, guarded: bool) -> Decision:
    if not isinstance(scores, Scores):
        return unscored(scores, principal)
    if guarded:
        refused = guard_refusal(scores, principal, policy)
        if refused is not None:
            return refused
    # A text in the query chooses alone.
    told = facts.body if facts.head.text is None else None
    if told is not None and told.listed:
        return _by_list(scores, facts, told.listed, principal, policy, guarded=guarded)
    if facts.route_name is not None:
        return _by_name(facts.route_name, principal, policy)
    meant = meaning(scores, principal, policy)
    if isinstance(meant, Refusal):
        return meant
    if meant.route is not None:
        return _judge(meant.route, principal, policy, meant.match)
    followed = None
    if told is not None and told.earlier != () and policy.follow_ups:
        followed = _by_earlier(facts, told.earlier, principal, policy)
    return followed or _unmatched(principal, policy, meant.match)


def _by_list(
    first: Scores, facts: Facts, listed: tuple[str, ...], principal: Principal, policy: Policy, *, guarded: bool
) -> Decision:
    """Each text of a list is judged by itself; all must be permitted, and to one route."""
    if len(facts.more) < len(listed):
        if _is_too_much((facts.body or SILENT).text or "", *listed):
            return too_long(_TOO_MANY_LISTED, principal)
        return Ask(Need.MORE, more=listed[len(facts.more) :])
    judged = [first]
    for found in facts.more:
        if not isinstance(found, Scores):
            return unscored(found, principal)
        refused = guard_refusal(found, principal, policy) if guarded else None
        if refused is not None:
            return refused
        judged.append(found)
    if facts.route_name is not None:
        return _by_name(facts.route_name, principal, policy)
    decisions = [_judge_meant(meaning(scores, principal, policy), principal, policy) for scores in judged]
    permitted = [decision for decision in decisions if isinstance(decision, Forward)]
    if len(permitted) < len(decisions):
        refused = next(decision for decision in decisions if isinstance(decision, Refusal))
        return refused if refused.chosen_by is None else replace(refused, chosen_by=ChosenBy.LIST)
    routes = tuple(dict.fromkeys(decision.permit.route for decision in permitted))
    if len(routes) == 1:
        return _judge(routes[0], principal, policy, permitted[0].permit.match, ChosenBy.LIST)
    return divided(routes, principal, permitted[0].permit.match)


def _by_earlier(
    facts: Facts, earlier: tuple[str, ...] | None, principal: Principal, policy: Policy
) -> Forward | Ask | None:
    """Follow-ups: the nearest earlier turn of the user that means any route decides, where the caller may use that one.

    None where no turn does, or where the nearest that does is ambiguous or not permitted: no turn before it is looked
    at.
    """
    if earlier is None:
        return ASK_EARLIER
    for turn, found in enumerate(facts.more, 1):
        meant = meaning(found, principal, policy) if isinstance(found, Scores) else None
        if not isinstance(meant, Meant):
            return None
        if meant.route is not None:
            decision = _judge(meant.route, principal, policy, meant.match, ChosenBy.EARLIER_TURN, turn=turn)
            return decision if isinstance(decision, Forward) else None
    return Ask(Need.MORE, more=earlier[len(facts.more) :][:1]) if len(facts.more) < len(earlier) else None


def _judge_meant(meant: Meant | Refusal, principal: Principal, policy: Policy) -> Forward | Refusal:
    if isinstance(meant, Refusal):
        return meant
    if meant.route is None:
        return _unmatched(principal, policy, meant.match)
    return _judge(meant.route, principal, policy, meant.match)


def _unmatched(principal: Principal, policy: Policy, found: Match | None) -> Forward | Refusal:
    if policy.fallback is None:
        return no_match(principal, found)
    return _judge(policy.fallback, principal, policy, found)


# Without one.


def _without_text(facts: Facts, body: Reading, principal: Principal, policy: Policy, *, guarded: bool) -> Decision:
    """No text chooses a route: what else is said may refuse, then the path or the fallback decides."""
    if body.opaque is Opaque.TOKENS:
        return token_ids(principal, guarded=guarded)
    said = _said(facts) if policy.needs_scores and (guarded or policy.all_messages) else ()
    if said:
        if facts.scores is None:
            return _ask_scores(said[0], said[1:], principal)
        if not isinstance(facts.scores, Scores):
            return unscored(facts.scores, principal)
        refused = guard_refusal(facts.scores, principal, policy) if guarded else None
        if refused is None and policy.all_messages and facts.route_name is None:
            refused = context_refusal(facts.scores, principal, policy)
        if refused is not None:
            return refused
    if facts.route_name is not None:
        return _by_name(facts.route_name, principal, policy)
    if guarded and body.opaque is Opaque.UNHEARD:
        return unheard(principal)
    return _by_path(facts, principal, policy)


def _by_path(facts: Facts, principal: Principal, policy: Policy) -> Forward | Refusal:
    place = policy.paths.claim(facts.method, facts.path)
    if place is not None:
        return _judge(policy.routes[place], principal, policy, None, ChosenBy.PATH)
    # An upstream's answer to a browser's preflight would let any page in: only who lists the path wants that.
    fallback = policy.fallback if facts.method != "OPTIONS" else None
    if fallback is not None and may_use(principal, fallback):
        return _judge(fallback, principal, policy, None, ChosenBy.NOTHING)
    return no_text(principal, policy.address)


def _by_name(name: str, principal: Principal, policy: Policy) -> Forward | Refusal:
    route = policy.fallback if name == FALLBACK_NAME else policy.by_name.get(name)
    return no_such_route(principal) if route is None else _judge(route, principal, policy, None, ChosenBy.NAME)


# What all of these share.


def _ask_scores(text: str, beside: tuple[str, ...], principal: Principal) -> Ask | Refusal:
    if _is_too_much(*beside):
        return too_long(_TOO_MUCH_BESIDE, principal)
    return Ask(Need.SCORES, text, beside)


def _is_too_much(*texts: str) -> bool:
    return len(texts) > _MOST_TEXTS or sum(map(len, texts)) > _LONGEST_TEXTS


def _said(facts: Facts) -> tuple[str, ...]:
    """All that head and body say, the text that is looked at first before what stands beside it.

    The texts of a list that are judged by themselves are not among it.
    """
    body = facts.body or SILENT
    listed = body.listed if facts.head.text is not None else ()
    texts = (facts.head.text, body.text, *listed, *facts.head.beside, *body.beside)
    return tuple(text for text in texts if text is not None)


def _judge(
    route: Route,
    principal: Principal,
    policy: Policy,
    found: Match | None,
    chosen_by: ChosenBy = ChosenBy.TEXT,
    *,
    turn: int = 0,
) -> Forward | Refusal:
    rule = may_use(principal, route)
    is_fallback = route is policy.fallback
    if rule is None:
        what = "the fallback" if is_fallback else f"route '{route.name}'"
        return forbidden(route, principal, found, what, chosen_by)
    return Forward(Permit(route, principal, rule, is_fallback, found, _SEAL, chosen_by, turn))
