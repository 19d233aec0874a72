"""The index's columns of a request, by the table of fields, and what stands in them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from aimux.audit.entry import NO_ROUTE, SHOWN, Entry, agent_of
from aimux.audit.format.checking import seconds_of
from aimux.audit.format.field import Field, Fields, FieldType, WrittenIn
from aimux.audit.format.reading import Reader, number_in

_TYPES: Final = {FieldType.INTEGER: "INTEGER", FieldType.MOMENT: "REAL", FieldType.NUMBER: "REAL"}
# What filters compare with, where that is not the value itself.
_MADE: Final[dict[str, Callable[[Entry], object]]] = {
    "time": lambda entry: seconds_of(entry["time"]),
    "agent": agent_of,
    "route": lambda entry: entry["route"] or NO_ROUTE,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its field; `at` names the object that the field is nested in."""

    name: str
    field: Field
    at: str | None = None

    @property
    def declaration(self) -> str:
        """The column as CREATE TABLE declares it."""
        return f"{self.name} {_TYPES.get(self.field.type, 'TEXT')}"


def _columns(fields: Iterable[Field], at: str | None = None) -> Iterator[Column]:
    for field in fields:
        if field.column is not None:
            yield Column(field.column, field, at)
        if field.type is FieldType.OBJECT and field.nested is not None:
            yield from _columns(field.nested.fields, field.name)


COLUMNS: Final = tuple(_columns(SHOWN))
CHANGING: Final = tuple(column for column in COLUMNS if column.field.written_in is WrittenIn.BOTH)
"""Those that keep what the decision says where the outcome does not say it."""
ENDING: Final = tuple(column for column in COLUMNS if column.field.is_in(WrittenIn.OUTCOME))
"""Those that an outcome fills, besides its number."""


_IN_DECISION: Final = tuple(field for field in SHOWN if field.is_in(WrittenIn.DECISION))
_DERIVES: Final = any(column.field.derive is not None for column in COLUMNS)
# Only what the columns need is read, unless a value is derived, which may need the rest.
_read: Final = Reader(
    field for field in _IN_DECISION if field.column is not None or field.name == "identity" or _DERIVES
).read
_LATER: Final = dict.fromkeys(field.name for field in SHOWN if field.written_in is WrittenIn.OUTCOME)


def values_of(chain: int, decision: Fields) -> dict[str, Any]:
    """The values of the columns for a request that has been decided and has not ended."""
    position = {"chain": chain, "decision": number_in(decision, "seq"), "outcome": None}
    found = {**_LATER, **_read(decision), "position": position}
    return {column.name: _stored(_value(column, found)) for column in COLUMNS}


def ending_of(outcome: Fields, read: Fields) -> dict[str, Any]:
    """The values that an outcome changes; None in `CHANGING` where it says none. `read` are all of its fields."""
    found = {column.name: _stored(read[column.field.name]) for column in ENDING}
    for column in CHANGING:
        if read[column.field.name] == column.field.default:
            found[column.name] = None
    return {"outcome": number_in(outcome, "seq"), **found}


def _value(column: Column, found: Entry) -> object:
    made = _MADE.get(column.name)
    if made is not None:
        return made(found)
    return (found if column.at is None else found[column.at])[column.field.name]


def _stored(value: object) -> object:
    """Half of a surrogate pair, which JSON may hold, is no text for SQLite."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value
