"""Writing records by the table: its names, in its order, and secrets kept out as it says."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from time import gmtime, strftime
from typing import Any, Final

from aimux.audit.format.events import beginning
from aimux.audit.format.field import Field, Redaction, WrittenIn
from aimux.audit.format.schema import FIELDS

LONGEST_VALUE: Final = 512
"""So many characters of a value that a caller or an upstream chooses are recorded."""
encode: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":")).encode
"""A value as JSON, in ASCII."""


def fields_in(record: WrittenIn) -> tuple[Field, ...]:
    """The fields of a decision, or of an outcome, in the order of its line."""
    return tuple(field for field in FIELDS if field.is_in(record))


def template(record: WrittenIn, names: Iterable[str]) -> str:
    """What begins a record's body: these fields as `%(name)s`, in the table's order, each for its value as JSON.

    What stands for a field that may be left out is `member`, or nothing. The last comma is there.
    """
    wanted = [field for field in fields_in(record) if field.name in names]
    members = (f"%({each.name})s" if each.is_optional else f'"{each.name}":%({each.name})s,' for each in wanted)
    return beginning(record.value) + "".join(members)


def member(name: str, value: object) -> str:
    """A field of an object, with a comma behind it."""
    return f'"{name}":{encode(value)},'


def written(fields: Iterable[Field], values: Mapping[str, Any], clean: Callable[[str], str]) -> str:
    """Fields and their values as the rest of an object; optional ones without a value are left out.

    `clean` blots secrets out of a text.
    """
    shown: dict[str, Any] = {}
    for field in fields:
        value = values[field.name]
        if value is not None or not field.is_optional:
            shown[field.name] = redacted(field, value, clean)
    return encode(shown)[1:]


def redacted(field: Field, value: Any, clean: Callable[[str], str]) -> Any:
    """A value as the table lets it be recorded. Objects and the text itself are cleaned where they are made."""
    if not isinstance(value, str):
        return value
    if field.redaction is Redaction.BLOTTED:
        return shortened(clean(value[:LONGEST_VALUE]))
    return shortened(value) if field.redaction is Redaction.BOUNDED else value


def shortened(value: str) -> str:
    """A value cut at the length that is recorded."""
    return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "..."


def milliseconds(seconds: float | None) -> str:
    """A time as JSON, in milliseconds."""
    # Fixed places take a third of the time that the shortest form of a rounded number takes.
    return "null" if seconds is None else f"{seconds * 1000:.3f}"


def moment(seconds: float) -> str:
    """A moment since the epoch as RFC 3339 writes it, in UTC, with microseconds."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1_000_000):06d}Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
