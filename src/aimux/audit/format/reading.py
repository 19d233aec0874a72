"""Reading records by the table: what a line lacks, or holds something else for, has the field's default.

Nothing here raises for what a line says. Of a line of a newer schema the fields that are known are read.
"""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from aimux.audit.chain import number_of
from aimux.audit.format.checking import ABSENT, Check, check_of, is_integer
from aimux.audit.format.events import KINDS
from aimux.audit.format.field import Field, Fields, FieldType, WrittenIn
from aimux.audit.format.schema import FIELDS, VERSION

_LONGEST_WORD: Final = 64


def parse(line: bytes) -> dict[str, Any] | None:
    """A line's JSON object; None where it holds none. One that says two numbers has none: it could hide another's."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    number = number_of(line)
    if number is not None and found.get("seq") != number:
        found["seq"] = None
    return found


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
    """The reason for which a record cannot be interpreted in full, as words behind a count of such records, or None.

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


class Reader:
    """Reads some fields of a decision or an outcome. What stands in each is looked at by a check made beforehand."""

    def __init__(self, fields: Iterable[Field]) -> None:
        chosen = tuple(fields)
        self._rows = tuple(map(_row, chosen))
        self._derived = tuple(field for field in chosen if field.derive is not None)

    def read(self, fields: Fields) -> dict[str, Any]:
        """The fields by their names, those that a record lacks, or has something else for, with their defaults."""
        version = version_of(fields)
        found: dict[str, Any] = {}
        for name, plain, check, default, lists in self._rows:
            value = fields.get(name, ABSENT)
            if type(value) is plain or (value is None and default is None):
                found[name] = value
                continue
            if value is not ABSENT:
                checked = check(value)
                value = _word_to_come(value) if checked is _NO_WORD and version > VERSION else checked
            found[name] = value if value is not ABSENT and value is not _NO_WORD else [] if lists else default
        for field in self._derived:
            if field.derive is not None and 0 < version < field.since and field.name not in fields:
                found[field.name] = field.derive(found)
        return found


def default_of(field: Field) -> Any:
    """The value of a field that a line lacks."""
    return [] if field.type in _LISTS else field.default


def _row(field: Field) -> tuple[str, type | None, Check, Any, bool]:
    """Of a field: its name, the type whose values need no check, the check, the default, and whether it is a list."""
    check = check_of(field)
    if field.type is FieldType.WORD:
        check = partial(_known_word, check)
    return field.name, _PLAIN.get(field.type), check, field.default, field.type in _LISTS


def _known_word(check: Check, value: Any) -> Any:
    found = check(value)
    return _NO_WORD if found is ABSENT else found


def _word_to_come(value: object) -> object:
    """A word that only a newer schema has."""
    return value if type(value) is str and len(value) <= _LONGEST_WORD else ABSENT


_LISTS: Final = frozenset({FieldType.ROWS, FieldType.OBJECTS})
_PLAIN: Final[dict[FieldType, type]] = {FieldType.TEXT: str, FieldType.FLAG: bool}
_NO_WORD: Final = object()

read_decision: Final = Reader(field for field in FIELDS if field.is_in(WrittenIn.DECISION)).read
"""All fields of a decision by their names."""
read_outcome: Final = Reader(field for field in FIELDS if field.is_in(WrittenIn.OUTCOME)).read
"""All fields of an outcome by their names."""
