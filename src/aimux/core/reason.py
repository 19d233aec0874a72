"""The reasons for which a request is refused, and the failure that carries one."""

from enum import Enum


class Reason(Enum):
    """Each reason is (code, status, type). The code stands in answers, log lines and metrics alike."""

    BAD_REQUEST = ("bad_request", 400, "invalid_request")
    IDENTITY_MALFORMED = ("identity_malformed", 400, "invalid_request")
    NO_TEXT = ("no_text", 400, "invalid_request")
    UNKNOWN_AGENT = ("unknown_agent", 401, "unauthenticated")
    ROUTE_FORBIDDEN = ("route_forbidden", 403, "forbidden")
    ANONYMOUS_FORBIDDEN = ("anonymous_forbidden", 403, "forbidden")
    GUARD_REFUSED = ("guard_refused", 403, "forbidden")
    MANAGEMENT_FORBIDDEN = ("management_forbidden", 403, "forbidden")
    NO_ROUTE = ("no_route", 404, "not_found")
    NOT_FOUND = ("not_found", 404, "not_found")
    METHOD_NOT_ALLOWED = ("method_not_allowed", 405, "invalid_request")
    REQUEST_TIMEOUT = ("request_timeout", 408, "timeout")
    AMBIGUOUS_ROUTE = ("ambiguous_route", 409, "conflict")
    BODY_TOO_LARGE = ("body_too_large", 413, "too_large")
    TEXT_TOO_LONG = ("text_too_long", 413, "too_large")
    TARGET_TOO_LONG = ("target_too_long", 414, "too_large")
    UNSUPPORTED_ENCODING = ("unsupported_encoding", 415, "invalid_request")
    UNSUPPORTED_MEDIA_TYPE = ("unsupported_media_type", 415, "invalid_request")
    HEADERS_TOO_LARGE = ("headers_too_large", 431, "too_large")
    INTERNAL = ("internal", 500, "internal")
    UPGRADE_UNSUPPORTED = ("upgrade_unsupported", 501, "unsupported")
    UPSTREAM_UNREACHABLE = ("upstream_unreachable", 502, "upstream_error")
    UPSTREAM_INVALID = ("upstream_invalid", 502, "upstream_error")
    REDIRECT_REFUSED = ("redirect_refused", 502, "upstream_error")
    OVERLOADED = ("overloaded", 503, "unavailable")
    NOT_READY = ("not_ready", 503, "unavailable")
    DRAINING = ("draining", 503, "unavailable")
    UPSTREAM_TIMEOUT = ("upstream_timeout", 504, "timeout")

    def __init__(self, code: str, status: int, kind: str) -> None:
        self.code = code
        self.status = status
        self.kind = kind

    __hash__ = object.__hash__  # each is one object, and enum's own hash is a call into Python


class Failure(Exception):  # noqa: N818  (the field's word: what went wrong with this request)
    """A request cannot go on. `message` is safe to show: it never repeats a caller's bytes.

    `detail` says more to the operator: it goes to the log and never to the caller.
    """

    def __init__(self, reason: Reason, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.detail = detail
