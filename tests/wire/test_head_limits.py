"""Where a head ends and how large it may be: the same however it comes in, and in one pass."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_support.heads import BAD, LIMITS, TOO_LARGE, TOO_LONG, fault, parsed, raw

from aimux.core.reason import Failure, Reason
from aimux.wire.heads import HeadReader
from aimux.wire.http1 import HeadLimits, find_head, parse_head

SMALL = HeadLimits(header_bytes=64, headers=4, target_bytes=16)


def test_the_longest_target():
    assert parsed(raw(start=b"GET /" + b"a" * 15 + b" HTTP/1.1"), SMALL).path == b"/" + b"a" * 15
    assert fault(raw(start=b"GET /" + b"a" * 16 + b" HTTP/1.1"), SMALL) is TOO_LONG
    assert fault(raw(start=b"GET http://x/" + b"a" * 16 + b" HTTP/1.1"), SMALL) is TOO_LONG
    assert fault(raw(start=b"GET /" + b" a" * 100 + b" HTTP/1.1"), SMALL) is TOO_LONG


def test_the_most_headers():
    assert len(parsed(raw(b"a: 1", b"b: 2", b"c: 3"), SMALL).lines) == 4
    assert fault(raw(b"a: 1", b"b: 2", b"c: 3", b"d: 4"), SMALL) is TOO_LARGE


def test_the_largest_header():
    fits = raw(b"a: " + b"b" * 48)
    assert len(fits) == len(b"GET /a?b HTTP/1.1\r\n") + SMALL.header_bytes
    assert parsed(fits, SMALL).first[b"a"] == b"b" * 48
    assert fault(raw(b"a: " + b"b" * 49), SMALL) is TOO_LARGE


def test_the_limits_hold_before_the_head_is_complete():
    for data, reason in (
        (b"G" * 81, TOO_LONG),
        (b"GET /" + b"a" * 200, TOO_LONG),
        (b"GET / HTTP/1.1\r\n" + b"a" * 65, TOO_LARGE),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 12, TOO_LARGE),
        (b"\n" * 100, BAD),
        (b"GET / HTTP/1.1\r\nHost: x\n\n", BAD),
        (b"GET / HTTP/1.1\r\nHost: x\r\rX", BAD),
        (b"GET / HTTP/1.1\r\nHost: x\n\n" + b"b" * 100, BAD),
        (b"GET / HTTP/1.1\r\nHost: x" + b"b" * 100 + b"\n", TOO_LARGE),
    ):
        with pytest.raises(Failure) as caught:
            find_head(data, SMALL)
        assert caught.value.reason is reason


def test_a_head_without_its_empty_line_is_not_complete():
    whole = raw(b"a: b")
    for end in range(len(whole)):
        assert find_head(whole[:end], LIMITS) == 0
    assert find_head(whole + b"GET / HTTP/1.1\r\n\r\n", LIMITS) == len(whole)
    assert find_head(bytearray(whole), LIMITS) == len(whole)


def outcome(data, limits, cuts):
    """What a connection that gets `data` cut at these places comes to: the head, a reason, or nothing yet."""
    seen = 0
    try:
        for end in (*sorted(cuts), len(data)):
            size = find_head(data[:end], limits, seen)
            if size:
                return parse_head(data[:size], limits)
            seen = min(end, len(data))
    except Failure as failure:
        return failure.reason
    return None


PIECES = (b"GET /", b" HTTP/1.1", b"\r\n", b"\r\n\r\n", b"Host: x", b"a: b", b"\r", b"\n", b"aaaaaaaa", b"a" * 40)


def test_where_a_head_ends_does_not_depend_on_how_it_comes_in():
    reached = Counter()
    lines = st.lists(st.integers(0, 40).map(lambda n: b"a: " + b"b" * n), max_size=6)
    ordered = st.builds(
        lambda n, lines: raw(*lines, start=b"GET /" + b"a" * n + b" HTTP/1.1"), st.integers(0, 90), lines
    )
    wild = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
    limits = st.sampled_from((SMALL, HeadLimits(20, 4, 64), HeadLimits(64, 2, 64)))

    @settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.one_of(ordered, wild), st.binary(max_size=8), limits, st.sets(st.integers(0, 250), max_size=6))
    def check(data, behind, limits, cuts):
        whole = outcome(data + behind, limits, ())
        assert outcome(data + behind, limits, cuts) == whole
        assert outcome(data + behind, limits, range(len(data + behind))) == whole
        reached[whole if whole is None or isinstance(whole, Reason) else "head"] += 1

    check()
    assert set(reached) == {None, "head", BAD, TOO_LARGE, TOO_LONG}


def test_a_head_that_was_read_before_is_read_alike():
    reader = HeadReader(LIMITS)
    for data in (raw(b"a: b"), raw(b"a:  b", b"a: c"), raw(start=b"POST /x?y HTTP/1.1"), raw(b"a: " + b"b" * 5000)):
        first, again = reader.read(data), reader.read(bytes(bytearray(data)))
        assert first == again == replace(parse_head(data, LIMITS), remembered=first.remembered)
        assert (first is again) == first.remembered == (len(data) < 2000)


def test_what_is_refused_is_refused_again():
    reader = HeadReader(LIMITS)
    for _ in range(2):
        with pytest.raises(Failure):
            reader.read(raw(b"a : b"))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "data",
    [
        raw(b"X:" + b" " * 1_000_000 + b"\x00"),
        raw(b"X: a" + b" " * 1_000_000 + b"\x00"),
        raw(b"X: " + b"a " * 500_000 + b"\x00"),
        raw(b"X:" + b"\t " * 500_000 + b"a" * 500_000 + b"\x00"),
        raw(b"X" * 1_000_000),
        raw(start=b"GET http://x/" + b"?" * 1_000_000 + b"# HTTP/1.1"),
        raw(start=b"GET /" + b"%2" * 500_000 + b" HTTP/1.1"),
    ],
    ids=["blanks", "blanks behind", "words", "tabs", "name", "question marks", "escapes"],
)
def test_reading_a_head_takes_one_pass(data):
    assert fault(data, HeadLimits(header_bytes=2_000_000, headers=100, target_bytes=2_000_000)) is BAD
