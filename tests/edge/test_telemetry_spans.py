"""The spans of a request as a fold over its record."""

from itertools import count

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from aimux.core.headers import Trace
from aimux.core.policy import FALLBACK_NAME, Access, Policy, Route, Upstream
from aimux.core.record import Ended, Record
from aimux.edge.telemetry_spans import Source, is_sampled, spans_of

PLAIN = Upstream("http://plain:8001", False, "plain", 8001, "")
SAFE = Upstream("https://safe/base", True, "safe", 443, "/base")
HOUSE = Policy.of((Route("plain", PLAIN, Access.OPEN),), fallback=Route(FALLBACK_NAME, SAFE, Access.OPEN))
TRACE = Trace("a" * 32, "b" * 16, "01", "c" * 16)
SECOND = 1_000_000_000


def record(**known):
    usual = {
        "began": 1000.0,
        "method": "GET",
        "path": "/x",
        "verdict": "forward",
        "status": 200,
        "route": "plain",
        "total_seconds": 2.0,
        "decided_seconds": 0.5,
        "forwarding_began": 0.5,
        "upstream_seconds": 1.0,
        "policy": HOUSE,
    }
    return Record("r1", TRACE, "192.0.2.7", **(usual | known))


def fold(of):
    ids = count(1)
    spans = list(spans_of(of, Source(Resource({}), InstrumentationScope("test"), lambda: next(ids))))
    server = spans[0]
    for child in spans[1:]:
        assert child.parent.span_id == server.context.span_id
        assert server.start_time <= child.start_time <= child.end_time <= server.end_time
    assert {span.context.trace_id for span in spans} == {0xAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA}
    return {span.name if span is not server else "SERVER": span for span in spans}


def times(span):
    return (span.start_time / SECOND, span.end_time / SECOND)


def error(span):
    assert span.status.is_ok is ("error.type" not in span.attributes)
    return span.attributes.get("error.type")


def test_the_steps_follow_one_another_and_the_upstreams_id_is_the_one_that_it_was_told():
    spans = fold(record(scoring_began=0.125, model_seconds=0.25))
    assert {name: times(span) for name, span in spans.items()} == {
        "SERVER": (1000.0, 1002.0),
        "decide": (1000.0, 1000.5),
        "embed": (1000.125, 1000.375),
        "upstream": (1000.5, 1002.0),
    }
    assert spans["upstream"].context.span_id == int(TRACE.span_id, 16)
    assert spans["SERVER"].context.span_id != int(TRACE.span_id, 16)
    assert (spans["SERVER"].parent.span_id, spans["SERVER"].parent.is_remote) == (int("c" * 16, 16), True)
    assert {error(span) for span in spans.values()} == {None}


def test_the_wait_for_the_audit_log_is_a_step_of_its_own():
    spans = fold(record(forwarding_began=0.75))
    assert times(spans["audit"]) == (1000.5, 1000.75)
    assert times(spans["upstream"]) == (1000.75, 1002.0)


def test_what_the_audit_log_could_not_take_was_never_forwarded():
    spans = fold(record(forwarding_began=None, verdict="not_ready", status=503))
    assert set(spans) == {"SERVER", "decide", "audit"}
    assert (error(spans["audit"]), error(spans["SERVER"]), error(spans["decide"])) == ("not_ready", "not_ready", None)


def test_a_text_that_the_model_had_no_time_for():
    unknown = {"decided_seconds": None, "forwarding_began": None, "upstream_seconds": None, "route": None}
    spans = fold(record(verdict="overloaded", status=503, scoring_began=0.25, **unknown))
    assert set(spans) == {"SERVER", "decide", "embed"}
    assert (times(spans["embed"]), error(spans["embed"])) == ((1000.25, 1002.0), "overloaded")


def test_a_text_that_was_scored_and_refused_is_no_error_of_the_model():
    spans = fold(record(verdict="ambiguous_route", status=409, scoring_began=0.25, model_seconds=0.5))
    assert (times(spans["embed"]), error(spans["embed"])) == ((1000.25, 1000.75), None)
    assert error(spans["SERVER"]) is None


@pytest.mark.parametrize(
    ("known", "server", "upstream"),
    [
        ({"status": 404}, None, "404"),
        ({"status": 503}, "503", "503"),
        ({"verdict": "upstream_timeout", "status": 504}, "upstream_timeout", "upstream_timeout"),
        ({"verdict": "body_too_large", "status": 413}, None, "body_too_large"),
        ({"ended": Ended.TRUNCATED}, "truncated", "truncated"),
        ({"ended": Ended.CLIENT_LEFT}, None, "client_left"),
    ],
)
def test_each_side_has_its_own_errors(known, server, upstream):
    spans = fold(record(**known))
    assert (error(spans["SERVER"]), error(spans["upstream"])) == (server, upstream)


def test_the_upstream_is_the_routes_or_the_fallbacks():
    assert fold(record())["upstream"].attributes["url.full"] == "http://plain:8001/x"
    attributes = fold(record(verdict="fallback", route=FALLBACK_NAME))["upstream"].attributes
    assert (attributes["server.address"], attributes["server.port"]) == ("safe", 443)
    assert attributes["url.full"] == "https://safe/base/x"


def test_the_status_of_a_refusal_is_not_the_upstreams():
    attributes = fold(record(verdict="upstream_invalid", status=502))["upstream"].attributes
    assert "http.response.status_code" not in attributes


def test_what_the_gateway_answers_itself_is_one_span():
    unknown = {"decided_seconds": None, "forwarding_began": None, "upstream_seconds": None, "route": None}
    assert set(fold(record(verdict="answered", path="/v1/models", **unknown))) == {"SERVER"}


def test_names_do_not_grow_with_what_callers_send():
    spans = fold(record(method="M" * 100, path="/" + "p" * 10_000))
    assert spans["SERVER"].name == "HTTP plain"
    attributes = spans["SERVER"].attributes
    assert (attributes["http.request.method"], attributes["http.request.method_original"]) == ("_OTHER", "M" * 32)
    assert len(attributes["url.path"]) == 512
    assert len(spans["upstream"].attributes["url.full"]) < 600


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True)])
def test_the_flag_says_whether_it_is_sampled(flags, sampled):
    assert is_sampled(Trace("a" * 32, "b" * 16, flags)) is sampled
