"""The rules: what a decision rests on. Ids are stable and are what scripts compare; sentences may be reworded."""

from enum import Enum
from functools import lru_cache
from typing import Final

from aimux.core.reason import Reason


class Rule(Enum):
    """Each rule is (id, sentence). A sentence may name `{route}`, `{caller}`, `{group}` and `{guard}`."""

    ACCESS_OPEN = ("access.open", "route '{route}' is open")
    ACCESS_PUBLIC = ("access.public", "route '{route}' allows any registered agent")
    ACCESS_LISTED = ("access.listed", "route '{route}' lists {caller}")
    ACCESS_GROUP = ("access.group", "route '{route}' lists group '{group}' of {caller}")
    ACCESS_NOT_LISTED = ("access.not_listed", "route '{route}' is restricted and does not allow {caller}")
    ACCESS_ANONYMOUS = ("access.anonymous", "route '{route}' is not open and does not allow {caller}")

    IDENTITY_MALFORMED = ("identity.malformed", "a caller's name must be readable in one way only")
    IDENTITY_UNKNOWN = ("identity.unknown_agent", "a claimed name must be a registered agent")
    IDENTITY_CONFLICT = ("identity.conflict", "all that a request says in headers, and proves, is of one agent")
    IDENTITY_PROOF_REQUIRED = ("identity.proof_required", "an agent is who proves it in a way that it accepts")
    IDENTITY_PROOF_EXPIRED = ("identity.proof_expired", "a proof holds until it expires")

    GUARD_REFUSED = ("guard.refused", "guard '{guard}' refuses this meaning whatever the route")
    GUARD_UNREAD = ("guard.unread", "what a guard is to judge must be in words that the model reads")
    GUARD_UNHEARD = ("guard.unheard", "a guard applies to the caller, and no guard hears a body of this kind")

    TEXT_MISSING = (
        "text.missing",
        "a request needs a text, a path that a route claims, a named route, or a fallback open to the caller",
    )
    TEXT_TOKEN_IDS = ("text.token_ids", "token ids cannot be judged")
    TEXT_TOO_LONG = ("text.too_long", "texts over the limit are refused, never truncated")
    TEXT_ILLEGIBLE = ("text.illegible", "a text must say to a reader what it says to the model")

    ROUTE_AMBIGUOUS = (
        "route.ambiguous",
        "the best score leads the second best by less than ambiguity_threshold",
    )
    ROUTE_PART_DIFFERS = ("route.part_differs", "a part of the text stands for another route than the whole")
    ROUTE_PARTS_DIFFER = (
        "route.parts_differ",
        "parts of the text stand for several routes, and the whole for none",
    )
    ROUTE_LIST_DIFFERS = ("route.list_differs", "the texts of a list must all be permitted, and to one route")
    ROUTE_BELOW_MIN_SCORE = ("route.below_min_score", "the best score is below its route's min_score")
    ROUTE_NO_INTENTS = ("route.no_intents", "no route has intents")
    ROUTE_UNKNOWN_NAME = ("route.unknown_name", "a named route must exist")
    ROUTE_NAMES_DIFFER = ("route.names_differ", "a request's header and its path's prefix name the same route")
    ROUTE_UNKNOWN_MODEL = ("route.unknown_model", "a model must be a route that the caller may use")

    REQUEST_UNREADABLE = ("request.unreadable", "a request must be readable in one way only")
    REQUEST_BODY_TOO_LARGE = ("request.body_too_large", "a body has a size that the gateway reads or forwards")
    REQUEST_TARGET_TOO_LONG = ("request.target_too_long", "a request's target has a bounded length")
    REQUEST_HEADERS_TOO_LARGE = ("request.headers_too_large", "a request's headers have a bounded size")
    REQUEST_ENCODING = ("request.encoding", "a body that is read must be in an encoding that the gateway knows")
    REQUEST_MEDIA_TYPE = ("request.media_type", "a body must be of a kind that the gateway can judge")
    REQUEST_METHOD = ("request.method", "an address takes some methods, and TRACE and CONNECT are never forwarded")
    REQUEST_TIMEOUT = ("request.timeout", "a request must arrive in time")
    REQUEST_UPGRADE = ("request.upgrade", "a connection is not upgraded to another protocol")

    UPSTREAM_UNREACHABLE = ("upstream.unreachable", "the upstream must be reachable")
    UPSTREAM_INVALID = ("upstream.invalid", "an upstream's response must be readable in one way only")
    UPSTREAM_TIMEOUT = ("upstream.timeout", "an upstream must answer in time")
    UPSTREAM_REDIRECT = ("upstream.redirect", "an upstream may not lead its client around the gateway")

    GATEWAY_MODELS = ("gateway.models", "the gateway lists the routes that the caller may use")
    GATEWAY_PREFLIGHT = ("gateway.preflight", "the gateway answers the preflights of allowed origins")
    GATEWAY_OVERLOADED = ("gateway.overloaded", "the gateway takes no more at a time than it can serve")
    GATEWAY_OUT_OF_DESCRIPTORS = ("gateway.out_of_descriptors", "the process may open no more files")
    GATEWAY_NOT_READY = ("gateway.not_ready", "what is not ready serves nobody")
    GATEWAY_DRAINING = ("gateway.draining", "a gateway that shuts down takes no new requests")

    MANAGEMENT_GUARDED = ("management.guarded", "management endpoints are read with GET, by whom they are open to")
    MANAGEMENT_UNKNOWN_PAGE = ("management.unknown_page", "a management page must exist")

    OPERATOR_REQUIRED = ("operator.required", "a command is given by an operator who proves it")
    OPERATOR_ROLE = ("operator.role", "a command needs a role that may give it")
    OPERATOR_CROSS_SITE = ("operator.cross_site", "no page of another site gives commands")
    OPERATOR_CONFIGURATION = ("operator.configuration", "a configuration is taken over whole or not at all")
    STATE_UNAVAILABLE = ("state.unavailable", "what must survive a restart is kept in the state store, or refused")

    INTERNAL_FAIL_CLOSED = ("internal.fail_closed", "a fault inside the gateway refuses")

    def __init__(self, identifier: str, sentence: str) -> None:
        self.id = identifier
        self.sentence = sentence

    __hash__ = object.__hash__  # each is one object, and enum's own hash is a call into Python


RULE_BY_ID: Final = {rule.id: rule for rule in Rule}

RULE_OF_FAILURE: Final[dict[Reason, Rule]] = {
    Reason.BAD_REQUEST: Rule.REQUEST_UNREADABLE,
    Reason.IDENTITY_MALFORMED: Rule.IDENTITY_MALFORMED,
    Reason.IDENTITY_CONFLICT: Rule.IDENTITY_CONFLICT,
    Reason.NO_TEXT: Rule.TEXT_MISSING,
    Reason.UNKNOWN_AGENT: Rule.IDENTITY_UNKNOWN,
    Reason.PROOF_REQUIRED: Rule.IDENTITY_PROOF_REQUIRED,
    Reason.PROOF_EXPIRED: Rule.IDENTITY_PROOF_EXPIRED,
    Reason.OPERATOR_REQUIRED: Rule.OPERATOR_REQUIRED,
    Reason.ROUTE_FORBIDDEN: Rule.ACCESS_NOT_LISTED,
    Reason.ANONYMOUS_FORBIDDEN: Rule.ACCESS_ANONYMOUS,
    Reason.GUARD_REFUSED: Rule.GUARD_REFUSED,
    Reason.MANAGEMENT_FORBIDDEN: Rule.MANAGEMENT_GUARDED,
    Reason.OPERATOR_FORBIDDEN: Rule.OPERATOR_ROLE,
    Reason.CROSS_SITE: Rule.OPERATOR_CROSS_SITE,
    Reason.NO_ROUTE: Rule.ROUTE_UNKNOWN_NAME,
    Reason.NOT_FOUND: Rule.MANAGEMENT_UNKNOWN_PAGE,
    Reason.METHOD_NOT_ALLOWED: Rule.REQUEST_METHOD,
    Reason.REQUEST_TIMEOUT: Rule.REQUEST_TIMEOUT,
    Reason.AMBIGUOUS_ROUTE: Rule.ROUTE_AMBIGUOUS,
    Reason.BODY_TOO_LARGE: Rule.REQUEST_BODY_TOO_LARGE,
    Reason.TEXT_TOO_LONG: Rule.TEXT_TOO_LONG,
    Reason.TARGET_TOO_LONG: Rule.REQUEST_TARGET_TOO_LONG,
    Reason.UNSUPPORTED_ENCODING: Rule.REQUEST_ENCODING,
    Reason.UNSUPPORTED_MEDIA_TYPE: Rule.REQUEST_MEDIA_TYPE,
    Reason.CONFIGURATION_REFUSED: Rule.OPERATOR_CONFIGURATION,
    Reason.HEADERS_TOO_LARGE: Rule.REQUEST_HEADERS_TOO_LARGE,
    Reason.INTERNAL: Rule.INTERNAL_FAIL_CLOSED,
    Reason.UPGRADE_UNSUPPORTED: Rule.REQUEST_UPGRADE,
    Reason.UPSTREAM_UNREACHABLE: Rule.UPSTREAM_UNREACHABLE,
    Reason.UPSTREAM_INVALID: Rule.UPSTREAM_INVALID,
    Reason.REDIRECT_REFUSED: Rule.UPSTREAM_REDIRECT,
    Reason.OVERLOADED: Rule.GATEWAY_OVERLOADED,
    Reason.OUT_OF_DESCRIPTORS: Rule.GATEWAY_OUT_OF_DESCRIPTORS,
    Reason.NOT_READY: Rule.GATEWAY_NOT_READY,
    Reason.STATE_UNAVAILABLE: Rule.STATE_UNAVAILABLE,
    Reason.DRAINING: Rule.GATEWAY_DRAINING,
    Reason.UPSTREAM_TIMEOUT: Rule.UPSTREAM_TIMEOUT,
}
"""The rule of a request that could not be read, served or forwarded. Every reason has one."""

OF_ACCESS: Final = frozenset(
    {
        *(Rule.ACCESS_OPEN, Rule.ACCESS_PUBLIC, Rule.ACCESS_LISTED, Rule.ACCESS_GROUP),
        *(Rule.ACCESS_NOT_LISTED, Rule.ACCESS_ANONYMOUS),
    }
)
OF_PARTS: Final = frozenset({Rule.ROUTE_PART_DIFFERS, Rule.ROUTE_PARTS_DIFFER})


def caller(agent: str | None) -> str:
    """A caller in the words of a sentence; None for one without a name."""
    return "an anonymous caller" if agent is None else f"agent '{agent}'"


@lru_cache(maxsize=1024)
def sentence(
    rule: Rule,
    *,
    route: str | None = None,
    agent: str | None = None,
    guard: str | None = None,
    group: str | None = None,
) -> str:
    """The sentence of a rule, about this route, agent (None: anonymous), guard and group of agents."""
    return rule.sentence.format(route=route, caller=caller(agent), guard=guard, group=group)
