"""Refusals: each with its reason, a message for the caller and the rule that decided."""

from aimux.core.access import may_use
from aimux.core.exhaustion import NO_DESCRIPTOR, is_exhaustion
from aimux.core.identity import Principal
from aimux.core.policy import Guard, Route
from aimux.core.reason import Failure, Reason
from aimux.core.request import ChosenBy
from aimux.core.routing import Match, says
from aimux.core.rules import RULE_OF_FAILURE, Rule, caller
from aimux.core.scores import Illegible, TextTooLong
from aimux.core.values import value

_UNREAD_MESSAGE = (
    "the embedding model does not know the words or characters of some of what is said, and a guard that applies here "
    "cannot judge what it cannot read: say it in a language that the model knows, English for the one that AIMux brings"
)
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
    `guard` is the one that refused.
    """

    reason: Reason
    message: str
    rule: Rule
    principal: Principal | None = None
    route: Route | None = None
    match: Match | None = None
    candidates: tuple[str, ...] = ()
    chosen_by: ChosenBy | None = None
    passing: bool | None = None
    guard: Guard | None = None

    @property
    def says(self) -> str:
        """The sentence of the rule."""
        agent = None if self.principal is None else self.principal.agent
        route, guard = (None if each is None else each.name for each in (self.route, self.guard))
        return says(self.rule, self.match, route=route, agent=agent, guard=guard)


def failed(reason: Reason, message: str, *, passing: bool | None = None) -> Refusal:
    """The refusal of a request that cannot be read, served or forwarded, by the rule that goes with the reason."""
    return Refusal(reason, message, RULE_OF_FAILURE[reason], None, None, None, (), None, passing)


def after_failure(failure: Failure) -> Refusal:
    """The refusal that a failure carries."""
    return failed(failure.reason, failure.message, passing=failure.passing)


def after_fault(error: Exception) -> Refusal:
    """The refusal of a request that a fault inside the gateway has ended."""
    if is_exhaustion(error):
        return failed(Reason.OUT_OF_DESCRIPTORS, NO_DESCRIPTOR)
    return failed(Reason.INTERNAL, "a fault inside the gateway")


def who(principal: Principal) -> str:
    """The caller, in the words of a message."""
    return caller(principal.agent)


def forbidden(
    route: Route, principal: Principal, found: Match | None, what: str, chosen_by: ChosenBy | None = None
) -> Refusal:
    """The caller may not use a route; `what` names it in the message."""
    reason, rule = Reason.ROUTE_FORBIDDEN, Rule.ACCESS_NOT_LISTED
    if principal.agent is None:
        reason, rule = Reason.ANONYMOUS_FORBIDDEN, Rule.ACCESS_ANONYMOUS
    return Refusal(reason, f"{who(principal)} may not use {what}", rule, principal, route, found, (), chosen_by)


def ambiguous(found: Match, meant: tuple[Route, ...], principal: Principal) -> Refusal:
    """The text could mean several routes; where the caller may use none of them, it is forbidden."""
    candidates = tuple(route.name for route in meant if may_use(principal, route))
    if not candidates:
        return forbidden(found.lead.route, principal, found, "any route that this text could mean")
    rule = Rule.ROUTE_AMBIGUOUS
    if found.part is not None:
        rule = Rule.ROUTE_PARTS_DIFFER if found.part.chose else Rule.ROUTE_PART_DIFFERS
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
        Rule.ROUTE_LIST_DIFFERS,
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
        Rule.ROUTE_BELOW_MIN_SCORE if found else Rule.ROUTE_NO_INTENTS,
        principal,
        found.best if found else None,
        found,
    )


def no_such_route(principal: Principal) -> Refusal:
    """The request names a route that does not exist."""
    message = "the X-AIMux-Route header names no route of this gateway"
    return Refusal(Reason.NO_ROUTE, message, Rule.ROUTE_UNKNOWN_NAME, principal)


def names_differ(principal: Principal) -> Refusal:
    """The header and the prefix of the path name different routes."""
    message = (
        "the X-AIMux-Route header and the prefix of the path name different routes: "
        "leave the header out, or name the prefix's route in it"
    )
    return Refusal(Reason.BAD_REQUEST, message, Rule.ROUTE_NAMES_DIFFER, principal)


def no_such_model(principal: Principal) -> Refusal:
    """The request asks for a model that is no route which the caller may use."""
    message = f"no route of this name is open to {who(principal)}: GET /v1/models lists those that are"
    return Refusal(Reason.NO_ROUTE, message, Rule.ROUTE_UNKNOWN_MODEL, principal)


def no_text(principal: Principal, address: str) -> Refusal:
    """Nothing says where the request is to go; `address` is the URL of the gateway."""
    message = (
        f"nothing to route on: send a text, for example curl '{address}?q=your+text', "
        f'or a JSON body like {{"query": "your text"}}, or {_BY_HEADER}'
    )
    return Refusal(Reason.NO_TEXT, message, Rule.TEXT_MISSING, principal)


def token_ids(principal: Principal, *, guarded: bool) -> Refusal:
    """The text comes as token ids. `guarded`: naming a route does not help, since a guard has to hear it."""
    return Refusal(Reason.NO_TEXT, _TOKENS_GUARDED if guarded else TOKENS_MESSAGE, Rule.TEXT_TOKEN_IDS, principal)


def unheard(principal: Principal) -> Refusal:
    """A guard applies to the caller, and the body is of a kind that guards do not hear."""
    return Refusal(
        Reason.UNSUPPORTED_MEDIA_TYPE,
        f"a guard applies to {who(principal)} and cannot hear a body of this Content-Type: "
        f"send text, JSON or a form, or {_BY_HEADER}",
        Rule.GUARD_UNHEARD,
        principal,
    )


def unread(principal: Principal) -> Refusal:
    """A guard applies to the caller, and the model cannot read what is said."""
    return Refusal(Reason.BAD_REQUEST, _UNREAD_MESSAGE, Rule.GUARD_UNREAD, principal)


def unscored(found: TextTooLong | Illegible, principal: Principal) -> Refusal:
    """The refusal of a text that was not scored."""
    if isinstance(found, TextTooLong):
        message = (
            f"the text is longer than {found.limit} tokens (semantic_engine.max_tokens): "
            "shorten it, or address the route by name in the X-AIMux-Route header"
        )
        return too_long(message, principal)
    return Refusal(Reason.BAD_REQUEST, f"the text cannot be read: {found.why}", Rule.TEXT_ILLEGIBLE, principal)


def too_long(message: str, principal: Principal) -> Refusal:
    """More is said than is scored."""
    return Refusal(Reason.TEXT_TOO_LONG, message, Rule.TEXT_TOO_LONG, principal)
