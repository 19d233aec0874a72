"""What the gateway itself says: refusals in the one error shape, and OpenAI's list of models."""

import json
from functools import lru_cache
from typing import Final

from aimux.core.access import may_use, usable_routes
from aimux.core.headers import id_lines
from aimux.core.identity import Principal
from aimux.core.policy import Policy, Route
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal

JSON_LINE: Final = b"Content-Type: application/json"
_TRAFFIC_METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
# No message ends with it: candidates, which may follow, are names of routes.
_ID_PLACE: Final = "(request id)"
_encode = json.JSONEncoder(separators=(",", ":")).encode
# OpenAI's and Anthropic's SDKs, and what is built on them, repeat 408, 409 and every 5xx unless this forbids it.
_NO_RETRY: Final = b"x-should-retry: false"
_AGENTS_CHALLENGE: Final = b'WWW-Authenticate: AIMux-Agent realm="aimux"'
_CHALLENGES: Final = {Reason.OPERATOR_REQUIRED: b'WWW-Authenticate: Bearer realm="aimux"'}
_RETRY_AFTER: Final = {
    Reason.OVERLOADED: b"Retry-After: 1",
    Reason.OUT_OF_DESCRIPTORS: b"Retry-After: 1",
    Reason.NOT_READY: b"Retry-After: 2",
    Reason.STATE_UNAVAILABLE: b"Retry-After: 1",
    Reason.DRAINING: b"Retry-After: 5",
}


def refusal_body(refusal: Refusal, request_id: str) -> bytes:
    """The JSON of a refusal, in a shape that OpenAI's SDKs read too."""
    before, after = _around_id(refusal.reason, refusal.message, refusal.candidates)
    return b"%b%b%b" % (before, request_id.encode("ascii"), after)


@lru_cache(maxsize=256)
def _around_id(reason: Reason, message: str, candidates: tuple[str, ...]) -> tuple[bytes, bytes]:
    """The JSON before and after the request's id, which is all that differs between refusals of a kind.

    Most clients show the message and nothing else, so that it carries the code.
    """
    error: dict[str, object] = {
        "code": reason.code,
        "type": reason.kind,
        "status": reason.status,
        "message": f"{_without_429(message)} [{reason.code}]",
        "request_id": _ID_PLACE,
    }
    if reason is Reason.AMBIGUOUS_ROUTE:
        error["candidates"] = list(candidates)
    before, _, after = _encode({"error": error}).encode("ascii").rpartition(_ID_PLACE.encode("ascii"))
    return before, after + b"\n"


def _without_429(message: str) -> str:
    """The message with a blank in each 429: some clients take any text that holds it for a rate limit, and wait."""
    return message.replace("429", "4 29")


def refusal_lines(refusal: Refusal, request_id: str, methods: bytes = _TRAFFIC_METHODS) -> list[bytes]:
    """The header lines of a refusal; `methods` are those that are allowed where this one is not.

    They never name the route: the caller may not be meant to know of it.
    """
    lines = [JSON_LINE, *id_lines(request_id)]
    if not (refusal.reason.passing if refusal.passing is None else refusal.passing):
        lines.append(_NO_RETRY)
    elif refusal.reason in _RETRY_AFTER:
        lines.append(_RETRY_AFTER[refusal.reason])
    if refusal.reason.status == 401:
        lines.append(_CHALLENGES.get(refusal.reason, _AGENTS_CHALLENGE))
    if refusal.reason is Reason.METHOD_NOT_ALLOWED:
        lines.append(b"Allow: " + methods)
    return lines


def models_body(principal: Principal, policy: Policy) -> bytes:
    """The routes that a principal may use, as OpenAI lists models."""
    models = [_model(route) for route in usable_routes(principal, policy)]
    return _encode({"object": "list", "data": models}).encode("ascii") + b"\n"


def model_body(name: str, principal: Principal, policy: Policy) -> bytes | None:
    """One of these routes as OpenAI describes a model; None where the principal may use none of this name."""
    route = policy.by_name.get(name)
    if route is None or may_use(principal, route) is None:
        return None
    return _encode(_model(route)).encode("ascii") + b"\n"


def _model(route: Route) -> dict[str, object]:
    return {"id": route.name, "object": "model", "created": 0, "owned_by": "aimux"}
