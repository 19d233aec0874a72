"""A log in the formats that others read: JSON lines, CSV, and OpenTelemetry's JSON."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from aimux import __version__
from aimux.audit.entry import OF_A_PART, Entry, is_failure, is_refusal

_COLUMNS: Final = (
    *(
        "time",
        "request_id",
        "trace_id",
        "agent",
        "identity",
        "peer",
        "method",
        "path",
        "dialect",
        "text",
        "text_digest",
    ),
    *("route", "score", "runner_up", "margin", "verdict", "rule", "status", "bytes", "decided_ms", "model_ms"),
    *("upstream_ms", "total_ms", "ended", "config", "model", "chain", "decision", "outcome", "conflicts"),
    *("chosen_by", "turn", "listed"),
    *("client_request_id", "upstream_request_id"),
    *("best", "best_score", "part_route", "part_start", "part_end", "part_text", "part_score"),
)
# A spreadsheet takes a cell that begins so for a formula, which could send what stands beside it elsewhere.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_OTLP_AT_ONCE: Final = 100
_SEVERITY: Final = {"INFO": 9, "WARN": 13, "ERROR": 17}


def jsonl(entries: Iterable[Entry]) -> Iterator[str]:
    """One JSON object a line."""
    for entry in entries:
        yield json.dumps(entry, separators=(",", ":")) + "\n"


def as_csv(entries: Iterable[Entry]) -> Iterator[str]:
    """A table with a line of headings (RFC 4180). Texts that a spreadsheet would take for formulas begin with '."""
    for cells in chain([_COLUMNS], map(_cells, entries)):
        line = io.StringIO()
        csv.writer(line).writerow(cells)
        yield line.getvalue()


def _cells(entry: Entry) -> list[object]:
    conflicts = json.dumps(entry["conflicts"]) if entry["conflicts"] else None
    flat = {**entry, **entry["position"], "conflicts": conflicts, **dict(_part(entry, "_"))}
    return [_harmless(flat[name]) for name in _COLUMNS]


def _part(entry: Entry, between: str) -> Iterator[tuple[str, object]]:
    """What is known of the part that decided, null where none did. The sign stands between `part` and each name."""
    part = entry["part"] or dict.fromkeys(OF_A_PART)
    return ((f"part{between}{name}", part[name]) for name in OF_A_PART)


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


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
        "attributes": [_attribute(name, value) for name, value in _attributes(entry) if value is not None],
    }


def _attributes(entry: Entry) -> Iterator[tuple[str, object]]:
    yield "http.request.method", entry["method"]
    yield "url.path", entry["path"]
    yield "http.response.status_code", entry["status"]
    yield "client.address", entry["peer"]
    yield "gen_ai.agent.name", entry["agent"]
    for name in ("request_id", "identity", "dialect", "text", "text_digest", "route", "score", "runner_up", "margin"):
        yield f"aimux.{name}", entry[name]
    for name in (
        *("best", "best_score"),
        *("verdict", "rule", "config", "model", "bytes", "model_ms", "upstream_ms", "total_ms", "ended"),
        *("chosen_by", "turn", "client_request_id", "upstream_request_id"),
    ):
        yield f"aimux.{name}", entry[name]
    for name, value in _part(entry, "."):
        yield f"aimux.{name}", value
    for name, value in entry["position"].items():
        yield f"aimux.audit.{name}", value


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


FORMATS: Final[dict[str, Callable[[Iterable[Entry]], Iterator[str]]]] = {"jsonl": jsonl, "csv": as_csv, "otlp": otlp}
