"""The decision: from the facts of a request and a snapshot to forward, refuse, or ask for one more fact.

`decide` is pure. It is called again each time a fact that it asked for has been learnt, so that facts which cost
something (a body, an embedding) are gathered only for requests whose fate depends on them.
"""

from dataclasses import InitVar, dataclass, replace
from enum import Enum

from aimux.core.access import may_use
from aimux.core.reason import Reason
from aimux.core.request import ANONYMOUS, SILENT, Claim, Facts, Flaw, Illegible, Principal, Scores, TextTooLong
from aimux.core.routing import Match, match, meant_elsewhere
from aimux.core.snapshot import Route, Snapshot
from aimux.core.values import value

_SEAL = object()


@dataclass(frozen=True, slots=True)
class Permit:
    """The authority to forward one request to one route. Only `decide` makes one.

    The seal is not kept, so that no permit can be taken from another, by `dataclasses.replace` for one.
    """

    route: Route
    principal: Principal
    rule: str
    is_fallback: bool
    match: Match | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a Permit is made by decide() and by nothing else")


@value
class Forward:
    """The request may go to the permit's route."""

    permit: Permit


@value
class Refuse:
    """The request is refused. `route` is the one that it was meant for, where that was found out."""

    reason: Reason
    message: str
    rule: str
    principal: Principal | None = None
    route: Route | None = None
    match: Match | None = None
    candidates: tuple[str, ...] = ()


class Need(Enum):
    """A fact that the decision still lacks."""

    BODY = "body"
    SCORES = "scores"


@value
class Ask:
    """Learn this fact, put it into `Facts`, and decide again.

    `text` is what to score when scores are needed, `beside` what else: what they give is put together by `with_beside`.
    """

    need: Need
    text: str = ""
    beside: tuple[str, ...] = ()


Decision = Forward | Refuse | Ask

ASK_BODY = Ask(Need.BODY)

# Each message costs a reading of the model: a request may not cost a thousand.
_MOST_BESIDE = 256
_LONGEST_BESIDE = 128 * 1024
_TOO_MUCH_BESIDE = (
    f"the conversation has more than {_MOST_BESIDE} other messages or {_LONGEST_BESIDE} characters: send fewer"
)

NO_SUCH_ROUTE_RULE = "a named route must exist"
NO_INTENTS_RULE = "no route has intents"
_CLOSE_RULE = "the best score leads the second best by less than ambiguity_threshold"
_PARTS_RULE = "a part of the text stands for another route than the whole"
_ILLEGIBLE_RULE = "a text must say to a reader what it says to the model"
UNREAD_RULE = "what a guard is to judge must be in words that the model reads"
_UNREAD_MESSAGE = (
    "the embedding model does not know the words or characters of some of what is said, and a guard that applies here "
    "cannot judge what it cannot read: say it in a language that the model knows, English for the one that AIMux brings"
)

NO_TEXT_MESSAGE = (
    "nothing to route on: send a text, for example curl 'http://localhost:8080?q=what+is+50+times+3', "
    'or a JSON body like {"query": "what is 50 times 3"}, or name a route in the X-AIMux-Route header'
)


def decide(facts: Facts, snapshot: Snapshot) -> Decision:
    """Decide one request by the snapshot.

    Raises ValueError where scores do not fit the snapshot; the caller refuses the request then.
    """
    principal = identify(facts, snapshot)
    if not isinstance(principal, Principal):
        return principal
    guarded = any(principal.name not in guard.excepted for guard in snapshot.guards) if snapshot.guards else False
    if facts.route_name is not None and not guarded:
        return _by_name(facts.route_name, principal, snapshot)
    text = facts.head.text
    if text is None:
        if facts.body is None:
            return ASK_BODY
        text = facts.body.text
        if text is None and facts.route_name is not None:
            text = next(iter(_said(facts)), None)  # for the guards: the route is named
    if text is not None:
        return _by_text(text, facts, principal, snapshot, guarded=guarded)
    if facts.route_name is not None:
        return _by_name(facts.route_name, principal, snapshot)
    return Refuse(Reason.NO_TEXT, NO_TEXT_MESSAGE, "a request needs a text or a named route", principal)


def _by_text(text: str, facts: Facts, principal: Principal, snapshot: Snapshot, *, guarded: bool) -> Decision:
    if not snapshot.needs_scores:
        return _no_match(principal, snapshot, None)
    if facts.scores is None:
        if facts.body is None and (guarded or snapshot.all_messages):
            return ASK_BODY
        beside = _said(facts)[1:] if guarded or snapshot.all_messages else ()
        if len(beside) > _MOST_BESIDE or sum(map(len, beside)) > _LONGEST_BESIDE:
            return _too_long(_TOO_MUCH_BESIDE, principal)
        return Ask(Need.SCORES, text, beside)
    if isinstance(facts.scores, TextTooLong):
        message = (
            f"the text is longer than {facts.scores.limit} tokens (semantic_engine.max_tokens): "
            "shorten it, or address the route by name in the X-AIMux-Route header"
        )
        return _too_long(message, principal)
    if isinstance(facts.scores, Illegible):
        return Refuse(Reason.BAD_REQUEST, f"the text cannot be read: {facts.scores.why}", _ILLEGIBLE_RULE, principal)
    refused = _by_guards(facts.scores, principal, snapshot) if guarded else None
    if refused is not None:
        return refused
    if facts.route_name is not None:
        return _by_name(facts.route_name, principal, snapshot)
    return _by_scores(facts.scores, principal, snapshot)


def _said(facts: Facts) -> tuple[str, ...]:
    """All that head and body say, the text that is looked at first before what stands beside it."""
    body = facts.body or SILENT
    texts = (facts.head.text, body.text, *facts.head.beside, *body.beside)
    return tuple(text for text in texts if text is not None)


def identify(facts: Facts, snapshot: Snapshot) -> Principal | Refuse | Ask:
    """Who asks: the first claim counts, and it must be a registered agent. No claim anywhere means anonymous."""
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
    principal = snapshot.principals.get(first.name)
    if principal is None:
        return Refuse(
            Reason.UNKNOWN_AGENT,
            f"the agent named in the {first.place.value} ({first.field}) is not registered: "
            "add it to `agents` in the gateway's configuration, or leave the name out to call open routes",
            "a claimed name must be a registered agent",
        )
    conflicts = tuple(claim for claim in claims[1:] if claim.name != first.name) if len(claims) > 1 else ()
    return replace(principal, conflicts=conflicts) if conflicts else principal


def _by_name(name: str, principal: Principal, snapshot: Snapshot) -> Forward | Refuse:
    route = snapshot.by_name.get(name)
    if route is None:
        return Refuse(
            Reason.NO_ROUTE,
            "the X-AIMux-Route header names no route of this gateway",
            NO_SUCH_ROUTE_RULE,
            principal,
        )
    return _judge(route, principal, None, is_fallback=False)


def _by_guards(scores: Scores, principal: Principal, snapshot: Snapshot) -> Refuse | None:
    """The refusal of the first guard that this caller may not pass, if any, or of what no guard could judge.

    Raises ValueError for unfit scores.
    """
    for guard, score in zip(snapshot.guards, scores.guards, strict=True):
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"the score of guard '{guard.name}' is {score}")
        if score >= guard.min_score and principal.name not in guard.excepted:
            message = f"{_who(principal)} may not ask for what guard '{guard.name}' refuses on every route"
            rule = f"guard '{guard.name}' refuses this meaning whatever the route"
            return Refuse(Reason.GUARD_REFUSED, message, rule, principal)
    return Refuse(Reason.BAD_REQUEST, _UNREAD_MESSAGE, UNREAD_RULE, principal) if scores.unread else None


def _by_scores(scores: Scores, principal: Principal, snapshot: Snapshot) -> Forward | Refuse:
    found = match(snapshot, scores)
    if found is None:
        return _no_match(principal, snapshot, found)
    if len(found.contenders) > 1:
        return _ambiguous(found, found.contenders, principal, _CLOSE_RULE)
    chosen = found.best if found.contenders else None
    if chosen is None or may_use(principal, chosen) is not None:
        others = meant_elsewhere(scores, chosen, principal, snapshot)
        if chosen is None and len(others) == 1:
            chosen = others[0]
        elif others:
            meant = others if chosen is None else (chosen, *others)
            return _ambiguous(found, meant, principal, _PARTS_RULE)
    if chosen is None:
        return _no_match(principal, snapshot, found)
    return _judge(chosen, principal, found, is_fallback=False)


def _no_match(principal: Principal, snapshot: Snapshot, found: Match | None) -> Forward | Refuse:
    if snapshot.fallback is not None:
        return _judge(snapshot.fallback, principal, found, is_fallback=True)
    return Refuse(
        Reason.NO_ROUTE,
        "no route matches this text and the gateway has no fallback: "
        "say it differently, or name a route in the X-AIMux-Route header",
        "the best score is below its route's min_score" if found else NO_INTENTS_RULE,
        principal,
        found.best if found else None,
        found,
    )


def _ambiguous(found: Match, meant: tuple[Route, ...], principal: Principal, rule: str) -> Refuse:
    candidates = tuple(route.name for route in meant if may_use(principal, route))
    if not candidates:
        first = found.best if found.best in meant else meant[0]
        return _forbidden(first, principal, found, "any route that this text could mean")
    return Refuse(
        Reason.AMBIGUOUS_ROUTE,
        f"this text could mean more than one route; of those, {_who(principal)} may use: {', '.join(candidates)}. "
        "Say it differently, or name one in the X-AIMux-Route header",
        rule,
        principal,
        found.best,
        found,
        candidates,
    )


def _judge(route: Route, principal: Principal, found: Match | None, *, is_fallback: bool) -> Forward | Refuse:
    rule = may_use(principal, route)
    if rule is None:
        what = "the fallback" if is_fallback else f"route '{route.name}'"
        return _forbidden(route, principal, found, what)
    return Forward(Permit(route, principal, rule, is_fallback, found, _SEAL))


def _forbidden(route: Route, principal: Principal, found: Match | None, what: str) -> Refuse:
    reason = Reason.ANONYMOUS_FORBIDDEN if principal.name is None else Reason.ROUTE_FORBIDDEN
    rule = f"route '{route.name}' is {route.access.value} and does not allow {_who(principal)}"
    return Refuse(reason, f"{_who(principal)} may not use {what}", rule, principal, route, found)


def _who(principal: Principal) -> str:
    return "an anonymous caller" if principal.name is None else f"agent '{principal.name}'"


def _too_long(message: str, principal: Principal) -> Refuse:
    return Refuse(Reason.TEXT_TOO_LONG, message, "what is said is scored whole or not at all", principal)
