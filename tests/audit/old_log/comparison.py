"""Whether one answer is another with fields added, and exports in a form in which that can be told."""

import csv
import io
import json
from typing import Any

Value = Any
"""A JSON value."""


def differences(old: Value, new: Value, at: str = "") -> list[str]:
    """Where `new` does not extend `old`, a line each, with its place.

    Objects may have more keys. Lists have the same length, and all else has the same type and value.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        lost = [f"{at}.{key}: {old[key]!r} is gone" for key in old if key not in new]
        kept = (differences(old[key], new[key], f"{at}.{key}") for key in old if key in new)
        return [*lost, *(line for found in kept for line in found)]
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return [f"{at}: {len(old)} items are {len(new)}"]
        pairs = enumerate(zip(old, new, strict=True))
        return [line for number, (one, other) in pairs for line in differences(one, other, f"{at}[{number}]")]
    return [] if type(old) is type(new) and old == new else [f"{at}: {old!r} is {new!r}"]


def read_csv(text: str) -> list[dict[str, str]]:
    """The rows of a table, each by its headings. No heading stands twice, and each row has a cell for every one."""
    headings, *rows = csv.reader(io.StringIO(text, newline=""))
    assert len(headings) == len(set(headings)), headings
    return [dict(zip(headings, row, strict=True)) for row in rows]


def read_jsonl(text: str) -> list[Value]:
    """The values of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def read_otlp(text: str) -> list[Value]:
    """Log records of an OTLP export, their attributes by key. No key stands twice."""
    records = []
    for request in read_jsonl(text):
        for resource in request["resourceLogs"]:
            assert resource["resource"]["attributes"] == [{"key": "service.name", "value": {"stringValue": "aimux"}}]
            for scope in resource["scopeLogs"]:
                assert scope["scope"]["name"] == "aimux.audit"
                records += [_by_key(record) for record in scope["logRecords"]]
    return records


def _by_key(record: dict[str, Value]) -> dict[str, Value]:
    attributes = {each["key"]: each["value"] for each in record["attributes"]}
    assert len(attributes) == len(record["attributes"]), record
    return {**record, "attributes": attributes}
