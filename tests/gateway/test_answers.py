"""What the gateway itself says: one shape for every refusal, and nothing of a caller's own bytes in it."""

import json

import pytest

from aimux.core.identity import ANONYMOUS, Assurance, Principal
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.reason import Reason
from aimux.core.refusal import Refusal
from aimux.core.rules import Rule
from aimux.gateway.answers import models_body, refusal_body, refusal_lines

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_refusal_has_the_one_shape(reason):
    refusal = Refusal(reason, 'say "it"\r\n differently: \u00e9', Rule.TEXT_MISSING, candidates=("a", "b"))
    body = refusal_body(refusal, "abc123")
    error = json.loads(body)["error"]
    expected = {
        "code": reason.code,
        "type": reason.kind,
        "status": reason.status,
        "message": f"{refusal.message} [{reason.code}]",
        "request_id": "abc123",
    }
    if reason is Reason.AMBIGUOUS_ROUTE:
        expected["candidates"] = ["a", "b"]
    assert error == expected
    assert list(json.loads(body)) == ["error"]
    assert body.isascii()
    assert body.count(b"\n") == 1


@pytest.mark.parametrize("reason", list(Reason))
def test_the_header_lines_of_a_refusal(reason):
    route = Route("secret-route", UPSTREAM, Access.RESTRICTED)
    lines = refusal_lines(Refusal(reason, "message", Rule.TEXT_MISSING, route=route), "abc123")
    assert lines[:3] == [b"Content-Type: application/json", b"X-Request-ID: abc123", b"request-id: abc123"]
    own = {
        Reason.OVERLOADED: [b"Retry-After: 1"],
        Reason.OUT_OF_DESCRIPTORS: [b"Retry-After: 1"],
        Reason.NOT_READY: [b"Retry-After: 2"],
        Reason.STATE_UNAVAILABLE: [b"Retry-After: 1"],
        Reason.OPERATOR_REQUIRED: [b'WWW-Authenticate: Bearer realm="aimux"'],
        Reason.DRAINING: [b"Retry-After: 5"],
        **{key: [b'WWW-Authenticate: AIMux-Agent realm="aimux"'] for key in UNAUTHENTICATED},
        Reason.METHOD_NOT_ALLOWED: [b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"],
    }
    no_retry = [] if reason.passing else [b"x-should-retry: false"]
    assert lines[3:] == no_retry + own.get(reason, [])


UNAUTHENTICATED = (Reason.UNKNOWN_AGENT, Reason.PROOF_REQUIRED, Reason.PROOF_EXPIRED)
MAY_PASS = {
    *(Reason.REQUEST_TIMEOUT, Reason.UPSTREAM_UNREACHABLE),
    *(Reason.OVERLOADED, Reason.OUT_OF_DESCRIPTORS, Reason.NOT_READY, Reason.DRAINING, Reason.STATE_UNAVAILABLE),
}


@pytest.mark.parametrize("reason", list(Reason))
def test_clients_are_told_not_to_repeat_what_another_try_cannot_change(reason):
    lines = refusal_lines(Refusal(reason, "message", Rule.TEXT_MISSING), "abc123")
    assert (b"x-should-retry: false" in lines) is (reason not in MAY_PASS)
    waits = [int(line.removeprefix(b"Retry-After: ")) for line in lines if line.startswith(b"Retry-After")]
    assert (len(waits) == 1) is (reason.status in {429, 503})
    assert all(1 <= seconds <= 60 for seconds in waits)


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("passing", [True, False])
def test_what_is_known_of_one_case_counts_more_than_its_reason(reason, passing):
    lines = refusal_lines(Refusal(reason, "message", Rule.TEXT_MISSING, passing=passing), "abc123")
    assert (b"x-should-retry: false" in lines) is not passing
    assert passing or not [line for line in lines if line.startswith(b"Retry-After")]


@pytest.mark.parametrize("number", [429, 1429, 4294967296])
def test_no_message_holds_what_clients_take_for_a_rate_limit(number):
    body = refusal_body(Refusal(Reason.BODY_TOO_LARGE, f"larger than {number} bytes", Rule.TEXT_MISSING), "abc123")
    assert b"429" not in body
    assert str(number) in json.loads(body)["error"]["message"].replace(" ", "")


def test_the_allowed_methods_may_be_others():
    assert refusal_lines(Refusal(Reason.METHOD_NOT_ALLOWED, "", ""), "x", b"GET, HEAD")[-1] == b"Allow: GET, HEAD"


def test_models_are_the_routes_that_the_caller_may_use():
    house = Policy.of(
        (
            Route("finance", UPSTREAM, Access.RESTRICTED, frozenset({"bee"}), ("x",)),
            Route("admin", UPSTREAM, Access.RESTRICTED, frozenset({"ant"}), ("y",)),
            Route("public", UPSTREAM, Access.PUBLIC),
            Route("open", UPSTREAM, Access.OPEN),
        ),
        agents=frozenset({"ant", "bee"}),
    )

    def listed(principal):
        listing = json.loads(models_body(principal, house))
        assert listing["object"] == "list"
        assert {(m["object"], m["owned_by"], type(m["created"])) for m in listing["data"]} <= {("model", "aimux", int)}
        return [model["id"] for model in listing["data"]]

    assert listed(ANONYMOUS) == ["open"]
    assert listed(Principal("bee", Assurance.CLAIMED)) == ["finance", "public", "open"]
    assert listed(Principal("ant", Assurance.CLAIMED)) == ["admin", "public", "open"]
    assert json.loads(models_body(ANONYMOUS, Policy.of(()))) == {"object": "list", "data": []}
