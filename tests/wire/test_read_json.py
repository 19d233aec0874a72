"""JSON, read strictly: one meaning for every reader, or refused."""

import json
import tracemalloc
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.reason import Failure, Reason
from aimux.wire.decode import read_json

RUN = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def fault(body):
    with pytest.raises(Failure) as caught:
        read_json(body)
    assert caught.value.reason is Reason.BAD_REQUEST
    return caught.value.message


@settings(max_examples=300, **RUN)
@given(DOCUMENTS, st.booleans(), st.sampled_from((None, 1)))
def test_ordinary_documents_are_read_as_they_are(document, ascii_only, indent):
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode("utf-8")
    assert read_json(body) == json.loads(body) == document


def test_whatever_is_accepted_is_what_json_says():
    reached = Counter()
    pieces = [
        *(b"{", b"}", b"[", b"]", b'"a":', b'"a"', b'"b":', b",", b"1", b"-0", b"1e5", b"1.5", b"null", b"true", b" "),
        *(b"{}", b"[]", b'"\\u00e9"', b'"\\ud83d\\ude00"', b'"\\ud83d"', b'"\xc3\xa9"', b"\xff", b"NaN", b'"[{"'),
    ]
    whole = st.lists(st.sampled_from(pieces), max_size=8).map(b"".join)
    pairs = [b'"a":1', b'"b":[]', b'"c":"\\ud83d\\ude00"', b'"d":{}', b'"e":"["', b'"f":NaN', b'"g":"\\ud83d"']
    objects = st.lists(st.sampled_from(pairs), max_size=3).map(lambda inside: b"{" + b",".join(inside) + b"}")

    @settings(max_examples=600, **RUN)
    @given(whole | objects | objects)
    def check(body):
        try:
            value = read_json(body)
        except Failure:
            reached["refused"] += 1
            return
        assert value == json.loads(body.decode("utf-8"))
        assert len(json.dumps(value, ensure_ascii=False).encode("utf-8"))
        reached["read"] += 1

    check()
    assert min(reached["read"], reached["refused"]) > 20


@pytest.mark.parametrize(
    "body",
    [
        b'{"agent": "finance-bot", "agent": "admin-bot"}',
        b'{"agent": "finance-bot", "agent": "finance-bot"}',
        b'{"agent": "a", "\\u0061gent": "b"}',
        b'{"a": {"b": [1, {"c": 1, "d": 2, "c": 3}]}}',
        b'[[{"": 1, "": 2}]]',
        b'{"messages": [{"role": "user", "content": "x", "content": "y"}]}',
    ],
)
def test_a_key_twice_in_one_object_is_refused_at_any_level(body):
    assert "same key twice" in fault(body)


def test_the_same_key_in_different_objects_is_fine():
    assert read_json(b'{"a": {"a": [{"a": 1}, {"a": 2}]}, "A": 1}') == {"a": {"a": [{"a": 1}, {"a": 2}]}, "A": 1}


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
@pytest.mark.parametrize("around", [b"%b", b"[1, %b]", b'{"a": {"b": %b}}'])
def test_what_is_no_number_is_refused(constant, around):
    assert "NaN or an infinity" in fault(around % constant)


@pytest.mark.parametrize(
    "constant", [b"nan", b"inf", b"+1", b"01", b"1.", b".5", b"0x1", b"1_0", b"1e", b"- 1", b"\xc2\xb2"]
)
def test_a_malformed_number_is_refused(constant):
    fault(b"[" + constant + b"]")


def test_long_numbers():
    assert read_json(b"9" * 400) == int("9" * 400)
    assert "too long" in fault(b"9" * 401)
    assert "too long" in fault(b'{"a": [-' + b"9" * 5000 + b"]}")
    assert read_json(b"0." + b"1" * 398) == pytest.approx(1 / 9)
    for number in (b"0." + b"1" * 399, b"1e" + b"9" * 5000, b"9" * 5000 + b".0", b"9" * 5000 + b"e1"):
        assert "too long" in fault(number)


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig"])
def test_only_utf_8_is_read(coding):
    fault('{"query": "\u00e9"}'.encode(coding))


@pytest.mark.parametrize(
    "text", [b"\xff", b"\xc3", b"\xc0\xae", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80", b"\xe2\x82"]
)
@pytest.mark.parametrize("around", [b'"%b"', b'{"%b": 1}', b"%b{}", b'[{"a": "%b"}]'])
def test_invalid_utf_8_is_refused(text, around):
    assert "UTF-8" in fault(around % text)


@pytest.mark.parametrize(
    "body",
    [
        b'"\\ud800"',
        b'"\\uDFFF"',
        b'"\\ude00\\ud83d"',
        b'"\\ud83d x"',
        b'{"\\ud800": 1}',
        b'{"a": [1, {"b": "x\\udc00"}]}',
        b'[["\\uD800"]]',
        b'"\\ud83d\\ud83d\\ude00"',
    ],
)
def test_half_of_a_surrogate_pair_is_refused(body):
    assert "surrogate" in fault(body)


def test_whole_surrogate_pairs_and_what_only_looks_like_one_are_read():
    assert read_json(b'["\\ud83d\\ude00", "\\\\ud800", "\\u00e9"]') == ["\U0001f600", "\\ud800", "\u00e9"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b" ", b"{", b"}", b"[", b'{"a"}', b'{"a":}', b'{"a":1,}', b"[1,]", b'"a', b"'a'", b"{'a':1}", b"tru"),
        *(b"None", b'{"a":1} {"b":2}', b"{}x", b'{"a":1}\x00', b'"\n"', b'"\x00"', b'"\\x41"', b'"\\u00g0"', b"{a: 1}"),
        *(b"// c\n{}", b"\x0c{}", b"\xc2\xa0{}"),
    ],
)
def test_what_is_not_json_is_refused(body):
    fault(body)


# Depth


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_64_levels_and_no_more(opening, closing):
    most = 32 if closing == b"}]" else 64
    assert read_json(opening * most + b"1" + closing * most) is not None
    assert "64 levels" in fault(opening * (most + 1) + b"1" + closing * (most + 1))
    assert "64 levels" in fault(opening * 100_000 + b"1" + closing * 100_000)
    assert "64 levels" in fault(opening * 100_000)


def test_breadth_is_not_depth():
    body = b"[" + b",".join([b"[" * 63 + b"]" * 63] * 50) + b"]"
    assert len(read_json(body)) == 50
    assert "64 levels" in fault(b"[" + body + b"]")
    shallow = b"[]," * 70
    assert len(read_json(b"[" + shallow + b"[" * 63 + b"]" * 64)) == 71
    assert "64 levels" in fault(b"[" + shallow + b"[" * 64 + b"]" * 65)


@pytest.mark.parametrize(
    "text", [b"[" * 1000, b"]" * 1000, b'\\"' + b"[" * 1000, b'\\\\\\"' + b"{" * 1000, b"\\n[" * 500, b"\\\\"]
)
def test_brackets_in_strings_do_not_count(text):
    for body in (b'["%b"]' % text, b'{"%b": 1}' % text, b"[" * 64 + b'"%b"' % text + b"]" * 64):
        assert read_json(body) == json.loads(body)
    assert "64 levels" in fault(b"[" * 65 + b'"%b"' % text + b"]" * 65)
    assert "64 levels" in fault(b'["%b", ' % text + b"[" * 64 + b"]" * 65)


def test_closing_brackets_in_front_buy_no_depth():
    fault(b"]" * 1000 + b"[" * 1000)
    fault(b'"a" ]]]]' + b"[" * 1000)


@pytest.mark.parametrize("filling", [b"a", b"\\n", b"a\\n", b"[", b"\\u0061"])
def test_a_long_string_costs_no_more_memory_than_itself(filling):
    body = b"[" + b"[]," * 70 + b'"' + filling * (1_000_000 // len(filling)) + b'"]'
    tracemalloc.start()
    try:
        assert len(read_json(body)) == 71
        assert tracemalloc.get_traced_memory()[1] < 8 * len(body)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [b"1", b"[]", b"{}", b'""', b'{"a":1}', b"[1]"])
def test_more_values_than_are_worth_their_memory_are_refused(value):
    inner = 2 if value[:1] in b"[{" else 1
    many = 100_000 // inner
    assert len(read_json(b"[" + (value + b",") * (many - 1000) + b"1]")) == many - 999
    with pytest.raises(Failure) as caught:
        read_json(b"[" + (value + b",") * (many + 1000) + b"1]")
    assert caught.value.reason is Reason.BODY_TOO_LARGE
    assert "headers" in caught.value.message


def test_commas_in_strings_are_no_values():
    body = b'["' + b",[{" * 100_000 + b'", "\\\\", "' + b'\\",' * 100_000 + b'"]'
    assert len(read_json(body)) == 3


def test_messages_never_repeat_the_body():
    for body in (b'{"secret": NaN}', b'{"secret": 1, "secret": 2}', b'{"secret', b'"secret\xff"', b'"secret\\ud800"'):
        assert "secret" not in fault(body)


def test_more_quotes_than_can_be_passed_over_at_once_are_refused():
    with pytest.raises(Failure) as caught:
        read_json(b"[" + b'"",' * 500_001 + b'""]')
    assert caught.value.reason is Reason.BODY_TOO_LARGE
    assert "quotes" in caught.value.message
    with pytest.raises(Failure) as caught:
        read_json(b'"' + b"\\n" * 1_000_000 + b'"')
    assert caught.value.reason is Reason.BODY_TOO_LARGE
    assert read_json(b'"' + b"\\n" * 999_998 + b'"') == "\n" * 999_998
