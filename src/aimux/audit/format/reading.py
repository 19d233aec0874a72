"""Reading records by the table: what a line lacks, or holds something else for, has the field's default.

Nothing here raises for what a line says. Of a line of a newer schema the fields that are known are read.
"""

import json
from typing import Any, Final

from aimux.audit.format.checking import ABSENT, Checks, check_of, is_integer
from aimux.audit.format.events import KINDS
from aimux.audit.format.field import Field, Fields, FieldType, WrittenIn
from aimux.audit.format.schema import FIELDS, VERSION

_LONGEST_WORD: Final = 64


def parse(line: bytes) -> dict[str, Any] | None:
    """A line's JSON object; None where it holds none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def number_in(fields: Fields, name: str) -> int | None:
    """The number of a record that a field says; None where it says none."""
    found = fields.get(name)
    return found if type(found) is int and 0 <= found < 10**18 else None


def version_of(fields: Fields) -> int:
    """The schema version of a record; 0 where it says one that cannot be."""
    found = fields.get("schema", 1)
    return int(found) if is_integer(found) else 0


def is_understood(version: int) -> bool:
    """Whether this build knows all that a record of this schema version may say."""
    return 1 <= version <= VERSION


def unclear(fields: Fields | None) -> str | None:
    """Which records those are, in words, that this one cannot be interpreted with, or not all of it; None where it can.

    `fields` is None for what is no JSON object.
    """
    if fields is None:
        return "that are no JSON objects"
    version, kind = version_of(fields), fields.get("kind")
    if not is_understood(version):
        return f"of schema {version}" if version else "of no schema that can be"
    if type(kind) is not str or kind not in KINDS:
        return "of an unknown kind"
    return None if are_numbered(fields) else "without a number"


def are_numbered(fields: Fields) -> bool:
    """Whether a record says its number, and an outcome that of its decision."""
    names = ("seq", "decision") if fields.get("kind") == "outcome" else ("seq",)
    return all(number_in(fields, name) is not None for name in names)


def read_decision(fields: Fields) -> dict[str, Any]:
    """The fields of a decision by their names."""
    return _read(fields, _DECISION, version_of(fields))


def read_outcome(fields: Fields) -> dict[str, Any]:
    """The fields of an outcome by their names."""
    return _read(fields, _OUTCOME, version_of(fields))


def default_of(field: Field) -> Any:
    """What readers give where a line does not say it."""
    return list(field.default) if field.type in _LISTS else field.default


def _read(fields: Fields, wanted: Checks, version: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field, check in wanted:
        value = fields.get(field.name, ABSENT)
        if value is not ABSENT and (value is not None or field.default is not None):
            checked = check(value)
            if checked is ABSENT and field.type is FieldType.WORD and version > VERSION:
                checked = _word_to_come(value)
            value = checked
        found[field.name] = default_of(field) if value is ABSENT else value
    for field, _ in wanted:
        if field.derive is not None and 0 < version < field.since and field.name not in fields:
            found[field.name] = field.derive(found)
    return found


def _word_to_come(value: object) -> object:
    """A word that only a newer schema has."""
    return value if type(value) is str and len(value) <= _LONGEST_WORD else ABSENT


def _checks_in(record: WrittenIn) -> Checks:
    return tuple((field, check_of(field)) for field in FIELDS if field.is_in(record))


_LISTS: Final = frozenset({FieldType.ROWS, FieldType.OBJECTS})
_DECISION: Final = _checks_in(WrittenIn.DECISION)
_OUTCOME: Final = _checks_in(WrittenIn.OUTCOME)
