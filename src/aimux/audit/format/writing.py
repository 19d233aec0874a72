"""Writing records by the table: its names, in its order, and secrets kept out as it says."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from time import gmtime, strftime
from typing import Any, Final

from aimux.audit.format.events import beginning
from aimux.audit.format.field import Field, FieldType, Redaction, WrittenIn
from aimux.audit.format.schema import FIELDS

LONGEST_VALUE: Final = 512
"""So many characters of a value that a caller or an upstream chooses are recorded."""
encode: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode
"""A value as JSON, in ASCII."""


def fields_in(record: WrittenIn) -> tuple[Field, ...]:
    """The fields of a decision, or of an outcome, in the order of its line."""
    return tuple(field for field in FIELDS if field.is_in(record))


def openings(record: WrittenIn, *names: str) -> tuple[str, ...]:
    """The text before the value of each of these fields, which follow each other at the beginning of a body.

    Quotes around texts are part of it, but for one behind the last value. Raises KeyError for a field that the record
    has not.
    """
    known = {field.name: field for field in fields_in(record)}
    found, before = [], beginning(record.value)
    for name in names:
        quote = '"' if known[name].type in _QUOTED else ""
        found.append(f'{before}"{name}":{quote}')
        before = f"{quote},"
    return tuple(found)


_QUOTED: Final = frozenset({FieldType.TEXT, FieldType.WORD, FieldType.MOMENT})


def member(name: str, value: object) -> str:
    """A field of an object, behind a comma."""
    return f',"{name}":{encode(value)}'


class Members:
    """Writes fields as the last ones of an object. Secrets are kept out as the table says."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.names = tuple(field.name for field in fields)
        self._optional = tuple(field.name for field in fields if field.is_optional)
        self._bounded = tuple(field.name for field in fields if field.redaction in _CUT and field.nested is None)
        self._blotted = frozenset(field.name for field in fields if field.redaction is Redaction.BLOTTED)

    def written(self, values: Mapping[str, Any], clean: Callable[[str], str]) -> str:
        """The rest of the object, for a value of each field; optional ones that are None are left out.

        `clean` blots secrets out of a text. The text itself, and objects, are cleaned already.
        """
        shown = {name: values[name] for name in self.names}
        for name in self._bounded:
            value = shown[name]
            if value is not None:
                shown[name] = blotted(value, clean) if name in self._blotted else shortened(value)
        for name in self._optional:
            if shown[name] is None:
                del shown[name]
        return encode(shown)[1:]


_CUT: Final = frozenset({Redaction.BOUNDED, Redaction.BLOTTED})


def shortened(value: str) -> str:
    """A value cut at the length that is recorded."""
    return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "..."


def blotted(value: str, clean: Callable[[str], str]) -> str:
    """A value without its secrets, cut at the same length. `clean` sees more of it: a secret may lie across the cut."""
    seen = clean(value[: 2 * LONGEST_VALUE])
    is_whole = len(value) <= 2 * LONGEST_VALUE and len(seen) <= LONGEST_VALUE
    return seen if is_whole else seen[:LONGEST_VALUE] + "..."


def milliseconds(seconds: float | None) -> str:
    """A time as JSON, in milliseconds."""
    # Fixed places take a third of the time that the shortest form of a rounded number takes.
    return "null" if seconds is None else f"{seconds * 1000:.3f}"


def moment(seconds: float) -> str:
    """A moment since the epoch as RFC 3339 writes it, in UTC, to the nearest microsecond."""
    second, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_second(second)}.{microseconds:06d}Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
