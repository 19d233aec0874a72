"""A field that is added to the table, and nowhere else, is written, read, indexed, exported, described and shown."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aimux.audit.format.schema import VERSION

ROOT = Path(__file__).parents[2]
ADDED = """
from aimux.audit.format import schema
from aimux.audit.format.field import Field, FieldType, WrittenIn

NOW = schema.VERSION = schema.VERSION + 1
schema.FIELDS += (
    Field("scoring_began", FieldType.NUMBER, "Began", "When its text was scored.", since=NOW, column="began"),
    Field("audited", FieldType.INTEGER, "Audited", "Its number.", since=NOW, written_in=WrittenIn.OUTCOME),
)

import json, sqlite3, sys
from aimux.audit import store
from aimux.audit.entry import entry_of
from aimux.audit.export import FORMATS
from aimux.audit.format.typescript import typescript
from aimux.audit.lines import Scribe
from aimux.audit.recorded_text import TextPolicy
from aimux.audit.redact import Redactor
from aimux.core.headers import Trace
from aimux.core.record import Record
from aimux.admin.openapi import description
from checks.audit_tables import PAGE, with_tables

record = Record("a" * 32, Trace("b" * 32, "c" * 16), "192.0.2.7", scoring_began=0.25, audited=7)
scribe = Scribe(TextPolicy(), Redactor())
bodies = scribe.decision(record), scribe.outcome(record, 7, 0.0)
decision, outcome = (json.loads(f'{{"seq":{number},{body}') for number, body in enumerate(bodies, 7))
entry, old = entry_of(1, decision, outcome), entry_of(1, {"seq": 7}, {})
told = {
    "decision": decision, "entry": entry, "old": old, "csv": "".join(FORMATS["csv"]([entry])),
    "otlp": "".join(FORMATS["otlp"]([entry])), "typescript": typescript(), "tables": store._TABLES,
    "api": description()["components"]["schemas"]["AuditEntry"], "page": with_tables(PAGE.read_text()),
}
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What all that goes by the table says with two fields more."""
    done = subprocess.run([sys.executable, "-c", ADDED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_is_written_and_read(told: dict[str, Any]) -> None:
    assert told["decision"]["scoring_began"] == 0.25
    assert (told["entry"]["scoring_began"], told["entry"]["audited"], told["entry"]["schema"]) == (0.25, 7, VERSION + 1)
    assert (told["old"]["scoring_began"], told["old"]["audited"]) == (None, None)


def test_it_is_exported(told: dict[str, Any]) -> None:
    headings, row = told["csv"].splitlines()
    assert headings.split(",")[-2:] == ["scoring_began", "audited"]
    assert row.split(",")[-2:] == ["0.25", "7"]
    assert '{"key":"aimux.scoring_began","value":{"doubleValue":0.25}}' in told["otlp"]


def test_it_is_indexed(told: dict[str, Any]) -> None:
    assert "began REAL" in told["tables"]


def test_it_is_described(told: dict[str, Any]) -> None:
    assert told["api"]["properties"]["scoring_began"]["description"] == "When its text was scored."
    assert "scoring_began" in told["api"]["required"]
    about = f'{{"label": "Began", "doc": "When its text was scored.", "since": {VERSION + 1}}}'
    assert f"\n  scoring_began: {about},\n" in told["typescript"]
    assert f"\n| `scoring_began` | {VERSION + 1} | When its text was scored. |\n" in told["page"]
