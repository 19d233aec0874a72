"""How answers about the old log are compared: what is new passes, and whatever is gone or otherwise is named."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from old_log.comparison import differences, read_csv, read_otlp

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


def extended(value: Any) -> Any:
    """The same with a key more in every object."""
    if isinstance(value, dict):
        return {**{key: extended(each) for key, each in value.items()}, "a key that is new": 1}
    return [extended(each) for each in value] if isinstance(value, list) else value


@given(VALUES)
def test_an_answer_extends_itself_and_may_have_more_keys(value: Any) -> None:
    assert differences(value, value) == []
    assert differences(value, extended(value)) == []


@given(st.dictionaries(st.text(max_size=3), VALUES, min_size=1, max_size=3), st.data())
def test_a_key_that_is_gone_is_named(value: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(value)))
    less = {name: each for name, each in value.items() if name != key}
    (line,) = differences(value, less)
    assert line == f".{key}: {value[key]!r} is gone"


@given(st.lists(VALUES, max_size=3), VALUES)
def test_lists_have_the_same_length(items: list[Any], more: Any) -> None:
    assert differences(items, [*items, more]) == [f": {len(items)} items are {len(items) + 1}"]


@pytest.mark.parametrize(
    ("old", "new"), [(1, 2), (1, True), (0, False), (1, 1.0), (None, ""), ("a", "A"), ({}, []), ([], None), (1, "1")]
)
def test_what_is_otherwise_is_named_with_its_place(old: Any, new: Any) -> None:
    assert differences({"a": [{"b": old}]}, {"a": [{"b": new}]}) == [f".a[0].b: {old!r} is {new!r}"]


def test_tables_are_compared_by_their_headings() -> None:
    old = read_csv('time,text\r\n1,"a, ""b""\r\nc"\r\n')
    assert old == [{"time": "1", "text": 'a, "b"\r\nc'}]
    assert differences(old, read_csv('text,more,time\r\n"a, ""b""\r\nc",x,1\r\n')) == []
    assert differences(old, read_csv('text,more,time\r\n"a",x,1\r\n')) == ["[0].text: 'a, \"b\"\\r\\nc' is 'a'"]
    with pytest.raises(ValueError, match="zip"):
        read_csv("time,text\r\n1\r\n")


def test_log_records_are_compared_by_the_keys_of_their_attributes() -> None:
    def exported(*attributes: tuple[str, dict[str, str]]) -> str:
        record = {"eventName": "e", "attributes": [{"key": key, "value": value} for key, value in attributes]}
        scope = {"scope": {"name": "aimux.audit", "version": "0"}, "logRecords": [record]}
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "aimux"}}]}
        return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]}) + "\n"

    a, b, other = ("a", {"intValue": "1"}), ("b", {"stringValue": "x"}), ("a", {"stringValue": "1"})
    assert differences(read_otlp(exported(a)), read_otlp(exported(b, a))) == []
    assert differences(read_otlp(exported(a)), read_otlp(exported(other))) == ["[0].attributes.a.intValue: '1' is gone"]
    assert differences(read_otlp(exported(a, b)), read_otlp(exported(a))) != []
