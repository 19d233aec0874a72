"""Plain YAML scalars by the core schema of YAML 1.2, and those that readers of YAML 1.1 take for something else."""

import math
import re
from dataclasses import dataclass
from typing import Final

Value = str | int | float | bool | None

NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOST_DIGITS: Final = 40


@dataclass(frozen=True, slots=True)
class OldReading:
    """What a reader of YAML 1.1 takes some values for, and how to write one so that all readers agree."""

    pattern: re.Pattern[str]
    meaning: str
    remedy: str


def _old(pattern: str, meaning: str, remedy: str = "write it in quotes") -> OldReading:
    return OldReading(re.compile(pattern), meaning, remedy)


_PLAINLY: Final = "write the number without leading zeros and underscores, or in quotes if it is text"
_OLD_READINGS: Final = (
    _old("(?i:yes|no|on|off)", "true or false", "write true or false, or in quotes if it is text"),
    _old("[-+]?0[0-9_]+", "an octal number", _PLAINLY),
    _old("[-+]?0b[01_]+", "a binary number", _PLAINLY),
    _old("[-+]?0x(?=[0-9a-fA-F_]*_)[0-9a-fA-F_]+|[-+]0x[0-9a-fA-F]+", "a hexadecimal number", _PLAINLY),
    _old(r"[-+]?(?=[0-9.]*_)\.?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?", "a number", _PLAINLY),
    _old(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", "a number to the base of 60"),
    _old(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}.*)?", "a date"),
    _old("<<|=", "an instruction"),
)


def resolve(text: str) -> Value:
    """The value of a plain scalar.

    Raises ValueError for a number that is too long to be meant.
    """
    if text in NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        _refuse_endless(text)
        return int(text, _base(text))
    if _FLOAT.fullmatch(text):
        _refuse_endless(text)
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return math.nan if text.endswith(("n", "N")) else math.copysign(math.inf, -1 if text[0] == "-" else 1)
    return text


def old_reading(text: str) -> OldReading | None:
    """What a reader of YAML 1.1 takes a plain scalar for, where that differs from the core schema of YAML 1.2."""
    return next((reading for reading in _OLD_READINGS if reading.pattern.fullmatch(text)), None)


def _base(text: str) -> int:
    return {"0o": 8, "0x": 16}.get(text[:2], 10)


def _refuse_endless(text: str) -> None:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number of more than 40 digits")
