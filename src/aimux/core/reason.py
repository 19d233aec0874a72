"""The reasons for which a request is refused, and the failure that carries one."""

from enum import Enum
from typing import Final

# Whether the same request, sent again, may succeed. Clients repeat many statuses by themselves, and are told not to.
_FINAL: Final = False
_PASSING: Final = True


class Reason(Enum):
    """Each reason is (code, status, type, passing). The code stands in answers, log lines and metrics alike.

    `passing` says whether another try may succeed: the cause is one that goes away, and nothing has been done yet.
    """

    BAD_REQUEST = ("bad_request", 400, "invalid_request", _FINAL)
    IDENTITY_MALFORMED = ("identity_malformed", 400, "invalid_request", _FINAL)
    IDENTITY_CONFLICT = ("identity_conflict", 400, "invalid_request", _FINAL)
    NO_TEXT = ("no_text", 400, "invalid_request", _FINAL)
    UNKNOWN_AGENT = ("unknown_agent", 401, "unauthenticated", _FINAL)
    PROOF_REQUIRED = ("proof_required", 401, "unauthenticated", _FINAL)
    PROOF_EXPIRED = ("proof_expired", 401, "unauthenticated", _FINAL)
    OPERATOR_REQUIRED = ("operator_required", 401, "unauthenticated", _FINAL)
    ROUTE_FORBIDDEN = ("route_forbidden", 403, "forbidden", _FINAL)
    ANONYMOUS_FORBIDDEN = ("anonymous_forbidden", 403, "forbidden", _FINAL)
    GUARD_REFUSED = ("guard_refused", 403, "forbidden", _FINAL)
    MANAGEMENT_FORBIDDEN = ("management_forbidden", 403, "forbidden", _FINAL)
    OPERATOR_FORBIDDEN = ("operator_forbidden", 403, "forbidden", _FINAL)
    CROSS_SITE = ("cross_site", 403, "forbidden", _FINAL)
    NO_ROUTE = ("no_route", 404, "not_found", _FINAL)
    NOT_FOUND = ("not_found", 404, "not_found", _FINAL)
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "invalid_request", _FINAL)
    REQUEST_TIMEOUT = ("request_timeout", 408, "timeout", _PASSING)
    AMBIGUOUS_ROUTE = ("ambiguous_route", 409, "conflict", _FINAL)
    BODY_TOO_LARGE = ("body_too_large", 413, "too_large", _FINAL)
    TEXT_TOO_LONG = ("text_too_long", 413, "too_large", _FINAL)
    TARGET_TOO_LONG = ("target_too_long", 414, "too_large", _FINAL)
    UNSUPPORTED_ENCODING = ("unsupported_encoding", 415, "invalid_request", _FINAL)
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, "invalid_request", _FINAL)
    CONFIGURATION_REFUSED = ("configuration_refused", 422, "invalid_request", _FINAL)
    HEADERS_TOO_LARGE = ("headers_too_large", 431, "too_large", _FINAL)
    INTERNAL = ("internal", 500, "internal", _FINAL)
    UPGRADE_UNSUPPORTED = ("upgrade_unsupported", 501, "unsupported", _FINAL)
    UPSTREAM_UNREACHABLE = ("upstream_unreachable", 502, "upstream_error", _PASSING)
    UPSTREAM_INVALID = ("upstream_invalid", 502, "upstream_error", _FINAL)
    REDIRECT_REFUSED = ("redirect_refused", 502, "upstream_error", _FINAL)
    OVERLOADED = ("overloaded", 503, "unavailable", _PASSING)
    OUT_OF_DESCRIPTORS = ("out_of_descriptors", 503, "unavailable", _PASSING)
    NOT_READY = ("not_ready", 503, "unavailable", _PASSING)
    STATE_UNAVAILABLE = ("state_unavailable", 503, "unavailable", _PASSING)
    DRAINING = ("draining", 503, "unavailable", _PASSING)
    UPSTREAM_TIMEOUT = ("upstream_timeout", 504, "timeout", _FINAL)

    def __init__(self, code: str, status: int, kind: str, passing: bool) -> None:
        self.code = code
        self.status = status
        self.kind = kind
        self.passing = passing

    __hash__ = object.__hash__  # each is one object, and enum's own hash is a call into Python


class Failure(Exception):  # noqa: N818  (the field's word: what went wrong with this request)
    """A request cannot go on. `message` is safe to show: it never repeats a caller's bytes.

    `passing` says whether another try may succeed where that is not as the reason says. `detail` says more to the
    operator: it goes to the log and never to the caller.
    """

    def __init__(self, reason: Reason, message: str, detail: str = "", *, passing: bool | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.detail = detail
        self.passing = reason.passing if passing is None else passing
