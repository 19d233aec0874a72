"""Refusals: each with its reason, a message for the caller and the rule that decided."""

from aimux.core.access import may_use
from aimux.core.exhaustion import NO_DESCRIPTOR, is_exhaustion
from aimux.core.policy import Route
from aimux.core.reason import Reason
from aimux.core.request import ChosenBy, Illegible, Principal, TextTooLong
from aimux.core.routing import Match, by_part
from aimux.core.values import value

NO_SUCH_ROUTE_RULE = "a named route must exist"
NO_SUCH_MODEL_RULE = "a model must be a route that the caller may use"
NO_INTENTS_RULE = "no route has intents"
TOKENS_RULE = "token ids cannot be judged"
UNHEARD_RULE = "a guard applies to the caller, and no guard hears a body of this kind"
_PARTS_RULE = "a part of the text stands for another route than the whole"
_SEVERAL_RULE = "parts of the text stand for several routes, and the whole for none"
_CLOSE_RULE = "the best score leads the second best by less than ambiguity_threshold"
_LIST_RULE = "the texts of a list must all be permitted, and to one route"
_ILLEGIBLE_RULE = "a text must say to a reader what it says to the model"
_UNREAD_RULE = "what a guard is to judge must be in words that the model reads"
_UNREAD_MESSAGE = (
    "the embedding model does not know the words or characters of some of what is said, and a guard that applies here "
    "cannot judge what it cannot read: say it in a language that the model knows, English for the one that AIMux brings"
)
_NO_TEXT_RULE = "a request needs a text, a path that a route claims, a named route, or a fallback open to the caller"
_BY_HEADER = 'name a route in the X-AIMux-Route header (in an SDK: default_headers={"X-AIMux-Route": "NAME"})'

TOKENS_MESSAGE = (
    "the input is a list of token ids, which cannot be judged: send texts "
    f"(LangChain's OpenAIEmbeddings: check_embedding_ctx_length=False), or {_BY_HEADER}"
)
_TOKENS_GUARDED = (
    "the input is a list of token ids, which a guard cannot hear: send texts "
    "(LangChain's OpenAIEmbeddings: check_embedding_ctx_length=False)"
)


@value
class Refusal:
    """The request is refused. `route` is the one that it was meant for, where that was found out.

    `chosen_by` is what chose it, where it is the only one. `passing` is as in `Failure`.
    """

    reason: Reason
    message: str
    rule: str
    principal: Principal | None = None
    route: Route | None = None
    match: Match | None = None
    candidates: tuple[str, ...] = ()
    chosen_by: ChosenBy | None = None
    passing: bool | None = None


def after_fault(error: Exception, rule: str) -> Refusal:
    """The refusal of a request that a fault inside the gateway has ended."""
    if is_exhaustion(error):
        return Refusal(Reason.OUT_OF_DESCRIPTORS, NO_DESCRIPTOR, rule)
    return Refusal(Reason.INTERNAL, "a fault inside the gateway", rule)


def who(principal: Principal) -> str:
    """The caller, in the words of a message."""
    return "an anonymous caller" if principal.name is None else f"agent '{principal.name}'"


def forbidden(
    route: Route, principal: Principal, found: Match | None, what: str, chosen_by: ChosenBy | None = None
) -> Refusal:
    """The caller may not use a route; `what` names it in the message."""
    reason = Reason.ANONYMOUS_FORBIDDEN if principal.name is None else Reason.ROUTE_FORBIDDEN
    rule = by_part(f"route '{route.name}' is {route.access.value} and does not allow {who(principal)}", found)
    return Refusal(reason, f"{who(principal)} may not use {what}", rule, principal, route, found, (), chosen_by)


def ambiguous(found: Match, meant: tuple[Route, ...], principal: Principal) -> Refusal:
    """The text could mean several routes; where the caller may use none of them, it is forbidden."""
    candidates = tuple(route.name for route in meant if may_use(principal, route))
    if not candidates:
        return forbidden(found.lead.route, principal, found, "any route that this text could mean")
    rule = _CLOSE_RULE
    if found.part is not None:
        rule = f"{_SEVERAL_RULE if found.part.chose else _PARTS_RULE}: {found.part.says}"
    return Refusal(
        Reason.AMBIGUOUS_ROUTE,
        f"this text could mean more than one route; of those, {who(principal)} may use: {', '.join(candidates)}. "
        "Say it differently, or name one in the X-AIMux-Route header",
        rule,
        principal,
        found.lead.route,
        found,
        candidates,
    )


def divided(routes: tuple[Route, ...], principal: Principal, found: Match | None) -> Refusal:
    """The texts of a list are permitted, but mean several routes."""
    names = tuple(route.name for route in routes)
    return Refusal(
        Reason.AMBIGUOUS_ROUTE,
        f"the texts of this list mean more than one route: {', '.join(names)}. "
        "Send those of each route apart, or name one in the X-AIMux-Route header",
        _LIST_RULE,
        principal,
        routes[0],
        found,
        names,
    )


def no_match(principal: Principal, found: Match | None) -> Refusal:
    """The text means no route, and there is no fallback."""
    return Refusal(
        Reason.NO_ROUTE,
        "no route matches this text and the gateway has no fallback: "
        "say it differently, or name a route in the X-AIMux-Route header",
        "the best score is below its route's min_score" if found else NO_INTENTS_RULE,
        principal,
        found.best if found else None,
        found,
    )


def no_such_route(principal: Principal) -> Refusal:
    """The request names a route that does not exist."""
    message = "the X-AIMux-Route header names no route of this gateway"
    return Refusal(Reason.NO_ROUTE, message, NO_SUCH_ROUTE_RULE, principal)


def no_such_model(principal: Principal) -> Refusal:
    """The request asks for a model that is no route which the caller may use."""
    message = f"no route of this name is open to {who(principal)}: GET /v1/models lists those that are"
    return Refusal(Reason.NO_ROUTE, message, NO_SUCH_MODEL_RULE, principal)


def no_text(principal: Principal, address: str) -> Refusal:
    """Nothing says where the request is to go; `address` is the URL of the gateway."""
    message = (
        f"nothing to route on: send a text, for example curl '{address}?q=your+text', "
        f'or a JSON body like {{"query": "your text"}}, or {_BY_HEADER}'
    )
    return Refusal(Reason.NO_TEXT, message, _NO_TEXT_RULE, principal)


def token_ids(principal: Principal, *, guarded: bool) -> Refusal:
    """The text comes as token ids. `guarded`: naming a route does not help, since a guard has to hear it."""
    return Refusal(Reason.NO_TEXT, _TOKENS_GUARDED if guarded else TOKENS_MESSAGE, TOKENS_RULE, principal)


def unheard(principal: Principal) -> Refusal:
    """A guard applies to the caller, and the body is of a kind that guards do not hear."""
    return Refusal(
        Reason.UNSUPPORTED_MEDIA_TYPE,
        f"a guard applies to {who(principal)} and cannot hear a body of this Content-Type: "
        f"send text, JSON or a form, or {_BY_HEADER}",
        UNHEARD_RULE,
        principal,
    )


def unread(principal: Principal) -> Refusal:
    """A guard applies to the caller, and the model cannot read what is said."""
    return Refusal(Reason.BAD_REQUEST, _UNREAD_MESSAGE, _UNREAD_RULE, principal)


def unscored(found: TextTooLong | Illegible, principal: Principal) -> Refusal:
    """The refusal of a text that was not scored."""
    if isinstance(found, TextTooLong):
        message = (
            f"the text is longer than {found.limit} tokens (semantic_engine.max_tokens): "
            "shorten it, or address the route by name in the X-AIMux-Route header"
        )
        return too_long(message, principal)
    return Refusal(Reason.BAD_REQUEST, f"the text cannot be read: {found.why}", _ILLEGIBLE_RULE, principal)


def too_long(message: str, principal: Principal) -> Refusal:
    """More is said than is scored."""
    return Refusal(Reason.TEXT_TOO_LONG, message, "what is said is scored whole or not at all", principal)
