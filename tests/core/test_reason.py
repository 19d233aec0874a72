"""The reasons of refusals: their codes and statuses are an interface."""

import pytest

from aimux.core.reason import Failure, Reason

PUBLISHED = {
    400: {"bad_request", "identity_malformed", "identity_conflict", "no_text"},
    401: {"unknown_agent", "proof_required", "proof_expired", "operator_required"},
    403: {
        *("route_forbidden", "anonymous_forbidden", "guard_refused"),
        *("management_forbidden", "operator_forbidden", "cross_site"),
    },
    404: {"no_route", "not_found"},
    405: {"method_not_allowed"},
    408: {"request_timeout"},
    409: {"ambiguous_route"},
    413: {"body_too_large", "text_too_long"},
    414: {"target_too_long"},
    415: {"unsupported_encoding", "unsupported_media_type"},
    422: {"configuration_refused"},
    431: {"headers_too_large"},
    500: {"internal"},
    501: {"upgrade_unsupported"},
    502: {"upstream_unreachable", "upstream_invalid", "redirect_refused"},
    503: {"overloaded", "out_of_descriptors", "not_ready", "draining", "state_unavailable"},
    504: {"upstream_timeout"},
}


def test_codes_and_statuses():
    found = {}
    for reason in Reason:
        found.setdefault(reason.status, set()).add(reason.code)
    assert found == PUBLISHED


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_has_a_type_that_groups_it(reason):
    assert reason.kind
    assert reason.kind == reason.kind.lower()
    assert (reason.status >= 500) == (
        reason.kind in {"internal", "unsupported", "upstream_error", "unavailable", "timeout"}
    ) or (reason is Reason.REQUEST_TIMEOUT)


def test_a_failure_carries_its_reason_and_a_message():
    failure = Failure(Reason.OVERLOADED, "try again soon")
    assert (failure.reason, failure.message, str(failure)) == (Reason.OVERLOADED, "try again soon", "try again soon")
