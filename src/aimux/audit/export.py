"""A log in the formats that others read: JSON lines, CSV, and OpenTelemetry's JSON."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from aimux import __version__
from aimux.audit.entry import SHOWN, Entry, is_failure, is_refusal
from aimux.audit.format.field import Field, FieldType

# A spreadsheet takes a cell that begins so for a formula, which could send what stands beside it elsewhere.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_OTLP_AT_ONCE: Final = 100
_WRITTEN_AS_JSON: Final = frozenset({FieldType.OBJECTS, FieldType.ROWS})
_SEVERITY: Final = {"INFO": 9, "WARN": 13, "ERROR": 17}


def jsonl(entries: Iterable[Entry]) -> Iterator[str]:
    """One JSON object a line."""
    for entry in entries:
        yield json.dumps(entry, separators=(",", ":")) + "\n"


def as_csv(entries: Iterable[Entry]) -> Iterator[str]:
    """A table with a line of headings (RFC 4180). Texts that a spreadsheet would take for formulas begin with '."""
    for cells in chain([_HEADINGS], map(_cells, entries)):
        line = io.StringIO()
        csv.writer(line).writerow(cells)
        yield line.getvalue()


def _cells(entry: Entry) -> list[object]:
    return [_harmless(field, _value_at(entry, at, field)) for at, field in _COLUMNS]


def _value_at(entry: Entry, at: str | None, field: Field) -> Any:
    """The value of a field; `at` names the object that it is nested in."""
    found = entry if at is None else entry[at]
    return None if found is None else found[field.name]


def _harmless(field: Field, value: Any) -> object:
    if field.type in _WRITTEN_AS_JSON:
        return json.dumps(value) if value else None
    if not isinstance(value, str):
        return value
    text = value.encode("utf-8", "replace").decode()  # half of a surrogate pair is no text
    return f"'{text}" if text.startswith(_FORMULA) else text


def otlp(entries: Iterable[Entry]) -> Iterator[str]:
    """Log records as OTLP's JSON encoding has them, a request for a hundred of them on each line."""
    left = iter(entries)
    while some := list(islice(left, _OTLP_AT_ONCE)):
        scope = {"scope": {"name": "aimux.audit", "version": __version__}, "logRecords": [_log_record(e) for e in some]}
        service = {"attributes": [_attribute("service.name", "aimux")]}
        yield json.dumps({"resourceLogs": [{"resource": service, "scopeLogs": [scope]}]}, separators=(",", ":")) + "\n"


def _log_record(entry: Entry) -> dict[str, Any]:
    verdict = entry["verdict"]
    severity = "ERROR" if is_failure(verdict, entry["ended"]) else "WARN" if is_refusal(verdict) else "INFO"
    moment = datetime.fromisoformat(entry["time"])
    nanoseconds = int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
    return {
        "timeUnixNano": str(nanoseconds),
        "severityNumber": _SEVERITY[severity],
        "severityText": severity,
        "eventName": "aimux.audit.request",
        "body": {"stringValue": f"{entry['method']} {entry['path']} {verdict}"},
        "traceId": entry["trace_id"],
        "attributes": [
            _attribute(name, value)
            for at, field in _FLAT
            if (name := field.attribute) is not None and (value := _value_at(entry, at, field)) is not None
        ],
    }


def _attribute(name: str, value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"key": name, "value": {"boolValue": value}}
        case int():
            return {"key": name, "value": {"intValue": str(value)}}
        case float():
            return {"key": name, "value": {"doubleValue": value}}
        case _:
            return {"key": name, "value": {"stringValue": str(value)}}


def _flat(fields: Iterable[Field]) -> Iterator[tuple[str | None, Field]]:
    """Fields without objects: those of an object in its place, with its name."""
    for field in fields:
        if field.type is FieldType.OBJECT and field.nested is not None:
            yield from ((field.name, each) for each in field.nested.fields)
        else:
            yield None, field


_FLAT: Final = tuple(_flat(SHOWN))
_COLUMNS: Final = tuple((at, field) for at, field in _FLAT if field.heading is not None)
_HEADINGS: Final = tuple(field.heading for _, field in _COLUMNS)
FORMATS: Final[dict[str, Callable[[Iterable[Entry]], Iterator[str]]]] = {"jsonl": jsonl, "csv": as_csv, "otlp": otlp}
