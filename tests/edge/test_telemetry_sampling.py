"""Who decides whether a trace is recorded, and what is passed on of that."""

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, TraceIdRatioBased

from aimux.core.headers import Trace, trace_from
from aimux.edge.telemetry_sampling import Sampling

NEW, SPAN = "a" * 32, "b" * 16
LOW, HIGH = "0" * 24 + "00000001", "0" * 16 + "f" * 16


def inbound(flags, trace_id="c" * 32):
    return [f"00-{trace_id}-{'d' * 16}-{flags}".encode()]


@pytest.mark.parametrize(
    ("sampler", "own", "asked", "not_asked"),
    [
        (ALWAYS_ON, "01", "01", "01"),
        (ALWAYS_OFF, "00", "00", "00"),
        (ParentBased(ALWAYS_ON), "01", "01", "00"),
        (ParentBased(ALWAYS_OFF), "00", "01", "00"),
    ],
)
def test_the_sampler_decides(sampler, own, asked, not_asked):
    sampling = Sampling(sampler)
    assert sampling.begin([], NEW, SPAN) == Trace(NEW, SPAN, own)
    assert sampling.begin(inbound("01"), NEW, SPAN) == Trace("c" * 32, SPAN, asked, "d" * 16)
    assert sampling.begin(inbound("00"), NEW, SPAN) == Trace("c" * 32, SPAN, not_asked, "d" * 16)


def test_a_ratio_is_taken_of_the_trace_id():
    sampling = Sampling(ParentBased(TraceIdRatioBased(0.5)))
    assert [sampling.begin([], trace_id, SPAN).flags for trace_id in (LOW, HIGH)] == ["01", "00"]
    assert [sampling.begin(inbound("01", trace_id), NEW, SPAN).flags for trace_id in (LOW, HIGH)] == ["01", "01"]


def test_other_flags_stay_as_they_were():
    assert Sampling(ALWAYS_OFF).begin(inbound("03"), NEW, SPAN).flags == "02"
    assert Sampling(ALWAYS_ON).begin(inbound("02"), NEW, SPAN).flags == "03"


@pytest.mark.parametrize("lines", [[b"garbage"], inbound("01") * 2, inbound("01", "0" * 32)])
def test_what_is_no_parent_has_no_say(lines):
    assert Sampling(ParentBased(ALWAYS_OFF)).begin(lines, NEW, SPAN) == Trace(NEW, SPAN, "00")
    assert Sampling(ParentBased(ALWAYS_ON)).begin(lines, NEW, SPAN) == trace_from(lines, NEW, SPAN)
