"""What may cross the gateway: hop-by-hop and forged fields do not, everything else does; and trace context."""

import re
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.headers import Trace, crosses_to_client, crosses_to_upstream, id_lines, plain_id, trace_from

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NONE = frozenset()
HOP_BY_HOP = (
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade http2-settings"
).split()
REWRITTEN = (
    b"host content-length expect x-request-id x-client-request-id x-upstream-request-id traceparent tracestate"
    b" forwarded x-forwarded x-original-forwarded-for x-real-ip proxy"
).split()
OUR_IDS = [b"x-request-id", b"request-id", b"x-upstream-request-id"]
FORGEABLE = (
    b"x-aimux-agent x-aimux-route x-aimux-verdict x-aimux- x-forwarded-for x-forwarded-proto x-forwarded-host"
    b" x-forwarded-port x-forwarded-prefix x-forwarded-client-cert"
).split()
ORDINARY = (
    b"accept accept-encoding authorization content-encoding content-type cookie user-agent x-source-agent x-client-id"
    b" x-aimuxer aimux-agent x-forwarder x-api-key openai-organization range if-none-match via"
).split()
TOKENS = st.text("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+.^`|~-_", min_size=1, max_size=24).map(str.encode)


@pytest.mark.parametrize("name", HOP_BY_HOP + REWRITTEN + FORGEABLE)
def test_what_the_gateway_says_itself_does_not_cross_to_the_upstream(name):
    assert not crosses_to_upstream(name, NONE)


@pytest.mark.parametrize("name", HOP_BY_HOP + REWRITTEN + FORGEABLE)
def test_what_lax_servers_take_for_a_hyphen_does_not_smuggle_a_field_across(name):
    parts = name.split(b"-")
    for chosen in range(1, 2 ** (len(parts) - 1)):
        twin = parts[0]
        for position, part in enumerate(parts[1:]):
            twin += (b"_.~"[position % 3 : position % 3 + 1] if chosen >> position & 1 else b"-") + part
        assert not crosses_to_upstream(twin, NONE)


@pytest.mark.parametrize("name", ORDINARY)
def test_everything_else_crosses_in_both_directions(name):
    assert crosses_to_upstream(name, NONE)
    assert crosses_to_client(name, NONE)


@pytest.mark.parametrize("name", [*HOP_BY_HOP, b"content-length", *OUR_IDS, b"x-aimux-agent", b"x-aimux-route"])
def test_what_does_not_cross_to_the_client(name):
    assert not crosses_to_client(name, NONE)
    assert not crosses_to_client(name.replace(b"-", b"_"), NONE)


@pytest.mark.parametrize("name", [b"set-cookie", b"location", b"www-authenticate", b"server", b"x-forwarded-for"])
def test_a_response_keeps_its_end_to_end_fields(name):
    assert crosses_to_client(name, NONE)


def test_any_name_crosses_unless_a_rule_stops_it():
    reached = Counter()

    @QUICK
    @given(st.one_of(TOKENS, st.sampled_from(HOP_BY_HOP + REWRITTEN + FORGEABLE + ORDINARY)))
    def check(name):
        plain = re.sub(rb"[^a-z0-9]", b"-", name)
        stopped = plain in HOP_BY_HOP + REWRITTEN or plain.startswith((b"x-aimux-", b"x-forwarded-"))
        assert crosses_to_upstream(name, NONE) is not stopped
        reached[stopped] += 1

    check()
    assert set(reached) == {True, False}


@QUICK
@given(TOKENS, st.frozensets(TOKENS, max_size=3))
def test_what_connection_names_does_not_cross(name, others):
    for crosses in (crosses_to_upstream, crosses_to_client):
        assert not crosses(name, others | {name})
        if not {name, re.sub(rb"[^a-z0-9]", b"-", name)} & others:
            assert crosses(name, others) is crosses(name, NONE)


def test_connection_naming_a_field_drops_its_underscore_twin():
    for crosses in (crosses_to_upstream, crosses_to_client):
        assert not crosses(b"x_secret", frozenset({b"x-secret"}))
        assert not crosses(b"x_secret", frozenset({b"x_secret"}))


# Ids of requests


def test_a_request_has_its_id_in_both_headers_that_clients_read():
    assert id_lines("abc") == (b"X-Request-ID: abc", b"request-id: abc")


@pytest.mark.parametrize("value", [b"a", b"req_011CS", b"a b", b"!~", b"x" * 128])
def test_an_id_of_somebody_else_is_taken_as_it_is(value):
    assert plain_id([value]) == value.decode()


@pytest.mark.parametrize(
    "values", [[], [b""], [b"a", b"a"], [b"a", b"b"], [b"x" * 129], [b"a\tb"], [b"\xe9"], [b"a\x7f"]]
)
def test_what_is_no_plain_id_is_none(values):
    assert plain_id(values) is None


# Trace context

T, P = b"0af7651916cd43dd8448eb211c80319c", b"b7ad6b7169203331"
NEW = Trace("f" * 32, "e" * 16)


def traced(*inbound):
    return trace_from(inbound, NEW.trace_id, NEW.span_id)


@pytest.mark.parametrize("flags", ["00", "01", "ff"])
def test_a_valid_traceparent_is_continued_with_a_span_of_our_own(flags):
    trace = traced(b"00-" + T + b"-" + P + b"-" + flags.encode())
    assert trace == Trace(T.decode(), NEW.span_id, flags, P.decode())
    assert trace.traceparent == b"00-" + T + b"-" + b"e" * 16 + b"-" + flags.encode()


@pytest.mark.parametrize(
    "inbound",
    [
        [],
        [b""],
        [b"00-" + T + b"-" + P + b"-01"] * 2,
        [b"00-" + T + b"-" + P + b"-01", b"00-" + T[::-1] + b"-" + P + b"-01"],
        [b"00-" + b"0" * 32 + b"-" + P + b"-01"],
        [b"00-" + T + b"-" + b"0" * 16 + b"-01"],
        [b"00-" + T.upper() + b"-" + P + b"-01"],
        [b"00-" + T + b"-" + P.upper() + b"-01"],
        [b"00-" + T + b"-" + P + b"-0A"],
        [b"ff-" + T + b"-" + P + b"-01"],
        [b"01-" + T + b"-" + P + b"-01"],
        [b"00-" + T + b"-" + P],
        [b"00-" + T + b"-" + P + b"-01-extra"],
        [b"00-" + T[:-1] + b"-" + P + b"-01"],
        [b"00-" + T[:-1] + b"g-" + P + b"-01"],
        [b"00-" + T + b"-" + P + b"0-01"],
        [b" 00-" + T + b"-" + P + b"-01"],
        [b"00-" + T + b"-" + P + b"-01\n"],
        [b"00_" + T + b"_" + P + b"_01"],
    ],
)
def test_anything_else_begins_a_new_trace(inbound):
    assert traced(*inbound) == NEW
    assert NEW.traceparent == b"00-" + b"f" * 32 + b"-" + b"e" * 16 + b"-01"
    assert NEW.parent_id is None


@QUICK
@given(st.lists(st.binary(max_size=60), max_size=2))
def test_a_trace_is_always_well_formed(inbound):
    version, trace_id, span_id, flags = traced(*inbound).traceparent.split(b"-")
    assert (version, len(trace_id), len(span_id), len(flags)) == (b"00", 32, 16, 2)
    assert not set(trace_id + span_id + flags) - set(b"0123456789abcdef")
