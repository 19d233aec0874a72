"""Whether a value in a line is of its field's type: as it is read, or `ABSENT`."""

import math
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from aimux.audit.format.field import REQUIRED, Field, FieldType, Nested

ABSENT: Final = object()
"""There is no value, or none of the field's type."""

_DIGEST: Final = re.compile("[0-9a-f]{64}")
_MOST: Final = 2**53
"""Integers beyond are no counts, and JSON's readers elsewhere lose digits of them."""
_MOST_MILLISECONDS: Final = 1e12

Check = Callable[[Any], Any]
Checks = tuple[tuple[Field, Check], ...]


def seconds_of(moment: object) -> float | None:
    """A recorded moment in seconds since the epoch; None for what is none, or lies within a second of the epoch.

    The epoch itself is one: readers give it where a line says no moment.
    """
    if type(moment) is not str:
        return None
    try:
        seconds = datetime.fromisoformat(moment).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds >= 1.0 or seconds == 0.0 else None


def check_of(field: Field) -> Check:
    """The check of a field's values other than null."""
    if field.nested is not None:
        return partial(_OF_NESTED[field.type], _checks_of(field.nested))
    return partial(_word, frozenset(field.words)) if field.type is FieldType.WORD else _OF_VALUES[field.type]


def _checks_of(nested: Nested) -> Checks:
    return tuple((field, check_of(field)) for field in nested.fields)


def is_integer(value: object) -> bool:
    """Whether a value is a count."""
    return type(value) is int and 0 <= value < _MOST


def _text(value: Any) -> Any:
    return value if type(value) is str else ABSENT


def _moment(value: Any) -> Any:
    return ABSENT if seconds_of(value) is None else value


def _digest(value: Any) -> Any:
    return value if type(value) is str and _DIGEST.fullmatch(value) else ABSENT


def _integer(value: Any) -> Any:
    return value if is_integer(value) else ABSENT


def _number(value: Any) -> Any:
    is_number = type(value) is float or (type(value) is int and abs(value) < _MOST)
    return value if is_number and math.isfinite(value) else ABSENT


def _milliseconds(value: Any) -> Any:
    return value if _number(value) is not ABSENT and 0 <= value < _MOST_MILLISECONDS else ABSENT


def _flag(value: Any) -> Any:
    return value if type(value) is bool else ABSENT


def _word(words: frozenset[str], value: Any) -> Any:
    return value if type(value) is str and value in words else ABSENT


def _object(checks: Checks, value: Any) -> Any:
    if type(value) is not dict:
        return ABSENT
    found = {}
    for field, check in checks:
        each = value.get(field.name, ABSENT)
        if each is not ABSENT and (each is not None or field.default is not None):
            each = check(each)
        if each is ABSENT:
            if field.default is REQUIRED:
                return ABSENT
            each = field.default
        found[field.name] = each
    return found


def _objects(checks: Checks, value: Any) -> Any:
    if type(value) is not list:
        return ABSENT
    found = [_object(checks, each) for each in value]
    return ABSENT if ABSENT in found else found


def _rows(checks: Checks, value: Any) -> Any:
    """Arrays of an object's values, to which a newer schema may append, or the objects that they are read as."""
    if type(value) is not list:
        return ABSENT
    names = [field.name for field, _ in checks]
    return _objects(checks, [dict(zip(names, row, strict=False)) if type(row) is list else row for row in value])


_OF_VALUES: Final[dict[FieldType, Check]] = {
    FieldType.TEXT: _text,
    FieldType.MOMENT: _moment,
    FieldType.DIGEST: _digest,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.MILLISECONDS: _milliseconds,
    FieldType.FLAG: _flag,
}
_OF_NESTED: Final = {FieldType.OBJECT: _object, FieldType.OBJECTS: _objects, FieldType.ROWS: _rows}
