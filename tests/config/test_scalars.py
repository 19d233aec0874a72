"""Unquoted values: read by YAML 1.2, and refused where a reader of YAML 1.1 would take them for something else."""

# ruff: noqa: E501  (tables read best with a row on a line)

import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from aimux.config.scalars import old_reading, resolve

READINGS = [
    ("", None), ("~", None), ("null", None), ("NULL", None), ("nUll", "nUll"),
    ("true", True), ("TRUE", True), ("False", False), ("tRue", "tRue"), ("y", "y"), ("N", "N"),
    ("0", 0), ("-7", -7), ("+12", 12), ("0x1F", 31), ("0o17", 15), ("8080", 8080),
    ("0.40", 0.4), (".5", 0.5), ("5.", 5.0), ("-1.5e-3", -0.0015), ("1e3", 1000.0), ("1e999", math.inf),
    (".inf", math.inf), ("-.INF", -math.inf), ("inf", "inf"), ("nan", "nan"),
    ("a", "a"), ("1.2.3", "1.2.3"), ("127.0.0.1", "127.0.0.1"), ("10MiB", "10MiB"), ("0xg", "0xg"), ("-", "-"), ("+", "+"),
    ("http://a:8000", "http://a:8000"), ("2024-01-31 notes", "2024-01-31 notes"), ("١٢", "١٢"),
]  # fmt: skip

AMBIGUOUS = [
    "yes", "No", "ON", "off", "012", "-07", "08", "00", "0b101", "1_000", "0x_f", "+0x1f", "1_0.5", "12:30", "1:20:30.5",
    "2024-01-31", "2024-1-3 10:20:30", "2001-12-14t21:59:43.10-05:00", "<<", "=",
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), READINGS)
def test_a_clear_value_is_read_by_the_core_schema(text: str, value: object) -> None:
    found = resolve(text)
    assert (type(found), found) == (type(value), value)
    assert old_reading(text) is None


def test_not_a_number_is_read_as_such() -> None:
    found = resolve(".NaN")
    assert isinstance(found, float)
    assert math.isnan(found)


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_an_ambiguous_value_is_known_as_such(text: str) -> None:
    reading = old_reading(text)
    assert reading is not None
    assert reading.remedy


@pytest.mark.parametrize("text", ["1" * 41, "0x" + "f" * 40, "1." + "0" * 40, "1" * 5000])
def test_an_endless_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="40 digits"):
        resolve(text)


_PIECES = st.sampled_from(
    [
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "+",
        "-",
        ".",
        ":",
        "_",
        "e",
        "E",
        "x",
        "X",
        "o",
        "b",
        "y",
        "n",
        "~",
        "=",
        "<",
        "T",
        "t",
        "yes",
        "no",
        "on",
        "Off",
        "true",
        "FALSE",
        "null",
        "0x",
        "0o",
        "0b",
        ".inf",
        ".NaN",
        "2001-12-14",
        "10:20",
        "1_0",
        "e+3",
    ]
)
_OLD_READER = yaml.SafeLoader("")


@given(st.lists(_PIECES, max_size=6).map("".join).filter(lambda text: text == text.strip()))
@example("0.1_0")
@example("190:20:30")
def test_whatever_a_yaml_1_1_reader_reads_differently_is_refused(text: str) -> None:
    tag = _OLD_READER.resolve(yaml.ScalarNode, text, (True, False))
    if tag == "tag:yaml.org,2002:str" or old_reading(text) is not None:
        return
    theirs = _OLD_READER.construct_object(yaml.ScalarNode(tag, text))
    ours = resolve(text)
    assert type(ours) is type(theirs)
    assert ours == theirs or (isinstance(ours, float) and math.isnan(ours) and math.isnan(theirs))
