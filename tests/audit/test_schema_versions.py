"""Records of each schema version: older ones have defaults, newer ones show what is known."""

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from audit_support.lines import body_of, log_of
from hypothesis import given
from hypothesis import strategies as st

from aimux.audit import store
from aimux.audit.decisions import Decisions
from aimux.audit.entry import SHOWN, entry_of
from aimux.audit.errors import UnreadableError
from aimux.audit.export import FORMATS
from aimux.audit.filters import Filters
from aimux.audit.format.events import EVENTS, event
from aimux.audit.format.field import REQUIRED, WrittenIn
from aimux.audit.format.schema import FIELDS, VERSION
from aimux.audit.index import Indexer
from aimux.audit.lag import behind, catch_up
from aimux.audit.lines import Scribe
from aimux.audit.query import entries, page
from aimux.audit.recorded_text import TextPolicy
from aimux.audit.redact import Redactor
from aimux.core.identity import Assurance, Claim, Place, Principal, Proof
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.request import Action, ChosenBy, Protocol
from aimux.core.routing import match
from aimux.core.scores import Scores
from aimux.core.standing import INITIAL
from aimux.gateway.decided import is_known

Make = Callable[..., Any]
OLD: dict[str, Any] = {
    "kind": "decision",
    "time": "2026-01-31T12:00:00.000000Z",
    "request_id": "a" * 32,
    "trace_id": "b" * 32,
    "agent": "ant",
    "identity": "claimed",
    "route": "finance",
    "verdict": "route_forbidden",
    "rule": "route 'finance' is restricted and does not allow agent 'ant'",
    "config": "d" * 64,
    "model": "e" * 64,
    "conflicts": [{"place": "body", "field": "agent", "name": "bee"}],
    "chosen_by": "text",
    "peer": "192.0.2.7",
    "method": "POST",
    "path": "/v1/x",
    "dialect": "json",
    "text": "hello",
    "text_digest": "c" * 64,
    "score": 0.5,
    "runner_up": None,
    "margin": None,
    "ambiguity_threshold": 0.05,
    "scores": [["finance", 0.5, 0.4]],
    "cached": True,
    "decided_ms": None,
}
ENDED: dict[str, Any] = {
    "kind": "outcome",
    "seq": 8,
    "decision": 7,
    "verdict": "route_forbidden",
    "status": 403,
    "bytes": 10,
    "model_ms": None,
    "upstream_ms": None,
    "total_ms": 3.0,
    "ended": "completed",
}
FOLLOWING = {
    "identity": {"assurance", "proof"},
    "rule": {"rule_id"},
    "verdict": {"rule_id"},
    "scores": {"best", "best_score"},
}
"""What readers make of a field."""


def test_an_older_record_has_the_defaults_of_newer_fields() -> None:
    entry = entry_of(1, {**OLD, "seq": 7}, ENDED)
    new = {field.name: entry[field.name] for field in SHOWN if field.since > 1}
    assert new == {
        **dict.fromkeys(("guard", "protocol", "action", "target", "standing")),
        "schema": 1,
        "rule_id": "access.not_listed",
        "assurance": "claimed",
        "proof": "claim",
    }


@pytest.mark.parametrize(
    ("changed", "rule_id", "assurance", "proof"),
    [
        (
            {"agent": None, "identity": None, "rule": "a claimed name must be a registered agent"},
            "identity.unknown_agent",
            None,
            None,
        ),
        ({"agent": None, "identity": "none", "rule": "route 'a' is open"}, "access.open", "none", None),
        ({"rule": "a rule that nobody knows"}, None, "claimed", "claim"),
    ],
)
def test_what_an_older_record_tells_of_newer_fields(
    changed: dict[str, Any], rule_id: str | None, assurance: str | None, proof: str | None
) -> None:
    entry = entry_of(1, {**OLD, **changed, "seq": 7}, None)
    assert (entry["rule_id"], entry["assurance"], entry["proof"]) == (rule_id, assurance, proof)
    # A record of this schema says it itself, or it is not known.
    entry = entry_of(1, {**OLD, **changed, "seq": 7, "schema": 2}, None)
    assert (entry["rule_id"], entry["assurance"], entry["proof"]) == (None, None, None)


@given(st.sets(st.sampled_from(sorted(OLD.keys() - {"kind"}))))
def test_a_record_with_any_of_its_fields_shows_those(kept: set[str]) -> None:
    whole = entry_of(1, {**OLD, "seq": 7}, ENDED)
    found = entry_of(1, {"kind": "decision", "seq": 7, **{name: OLD[name] for name in kept}}, ENDED)
    lacking = OLD.keys() - kept
    may_differ = lacking.union(*(FOLLOWING.get(name, set()) for name in lacking))
    assert {name for name in whole if found[name] != whole[name]} <= may_differ


def test_a_newer_record_shows_what_is_known_and_is_never_judged(tmp_path: Path) -> None:
    newer = {**OLD, "schema": VERSION + 1, "rule_id": "of.tomorrow", "ended": "x", "chosen_by": "stars", "moon": "full"}
    newer |= {"assurance": "witnessed", "scores": [["finance", 0.5, 0.4, "more"]]}
    log = log_of(tmp_path / "log", body_of(newer), body_of({**OLD, "schema": VERSION, "rule_id": "access.not_listed"}))
    catch_up(log)
    entry, known = page(log, Filters(), 10).entries[::-1]
    assert (entry["schema"], known["schema"]) == (VERSION + 1, VERSION)
    assert (entry["rule_id"], entry["chosen_by"], entry["assurance"]) == ("of.tomorrow", "stars", "witnessed")
    assert entry["scores"] == known["scores"]
    assert "moon" not in entry
    for source in (log, exported(log)):
        decided = list(Decisions(source, Filters()))
        assert [each.schema for each in decided] == [VERSION + 1, VERSION]
        assert list(map(is_known, decided)) == [False, True]


@pytest.mark.parametrize("schema", ["2", 0, -1, None, True, 2.0, [2]])
def test_a_record_with_a_schema_that_cannot_be_is_shown_and_never_judged(tmp_path: Path, schema: object) -> None:
    log = log_of(tmp_path / "log", body_of({**OLD, "schema": schema}))
    catch_up(log)
    (entry,) = page(log, Filters(), 10).entries
    assert (entry["schema"], entry["text"]) == (0, "hello")
    (decided,) = Decisions(log, Filters())
    assert not is_known(decided)


def exported(log: Path) -> Path:
    file = log.with_name("export.jsonl")
    file.write_text("".join(FORMATS["jsonl"](entries(log, Filters()))))
    return file


# What is written is read.

UPSTREAM = Upstream("http://a", secure=False, host="a", port=80, base_path="")
ROUTES = tuple(Route(f"r{n}", UPSTREAM, Access.OPEN, intents=("x",)) for n in range(3))
POLICY = Policy.of(ROUTES, digest="c" * 64)
SCORES = Scores((0.2, 0.7, 0.6))
TEXTS = st.text(st.characters(codec=None), max_size=30)


@given(st.data())
def test_what_the_writer_writes_the_reader_reads(made: Make, data: st.DataObject) -> None:
    record = made(7, text=data.draw(st.none() | TEXTS.filter(bool)))
    record.principal = data.draw(
        st.none()
        | st.builds(
            Principal,
            st.just("ant"),
            st.sampled_from(Assurance),
            st.none() | st.sampled_from(Proof),
            st.lists(st.builds(Claim, st.sampled_from(Place), TEXTS, st.none() | TEXTS), max_size=2).map(tuple),
        )
    )
    record.action = data.draw(st.none() | st.builds(Action, st.sampled_from(Protocol), TEXTS, st.none() | TEXTS))
    record.standing = data.draw(st.sampled_from((None, INITIAL)))
    record.chosen_by, record.turn = data.draw(st.sampled_from((None, *ChosenBy))), data.draw(st.integers(0, 3))
    record.guard, record.cached = data.draw(st.none() | TEXTS), data.draw(st.sampled_from((None, True, False)))
    record.client_request_id = record.upstream_request_id = data.draw(st.none() | st.just("id-7"))
    record.path, record.peer, record.method = data.draw(TEXTS), data.draw(TEXTS), data.draw(TEXTS)
    if data.draw(st.booleans()):
        record.policy, record.scored, record.match = POLICY, (POLICY, SCORES), match(POLICY, SCORES)
    scribe = Scribe(TextPolicy("full"), Redactor())
    decision, outcome = (
        json.loads(f'{{"seq":{number},{body}')
        for number, body in ((7, scribe.decision(record)), (8, scribe.outcome(record, 7, 1.7e9)))
    )
    entry = entry_of(1, decision, outcome)
    for field in SHOWN:
        written = (outcome if field.is_in(WrittenIn.OUTCOME) else decision).get(field.name)
        if field.written_in is not WrittenIn.NEITHER and field.name != "scores":
            assert entry[field.name] == written, field.name
    assert [list(each.values()) for each in entry["scores"]] == decision["scores"]
    assert entry["schema"] == VERSION
    assert entry["action"] == (None if record.action is None else Redactor().clean(record.action.method))


def test_events_have_the_fields_of_the_table() -> None:
    for kind, (_, fields) in EVENTS.items():
        found = json.loads("{" + event(kind, "2026-01-31T12:00:00Z", **dict.fromkeys(fields, 1)))
        assert list(found) == ["kind", "schema", "time", *fields]
        with pytest.raises(ValueError, match=kind):
            event(kind, "2026-01-31T12:00:00Z", **dict.fromkeys(fields, 1), more=1)


def test_every_record_of_a_log_says_its_schema_behind_its_kind(log: Path) -> None:
    for path in sorted((log / "chain-1").glob("*[0-9].jsonl")):
        for line in path.read_text().splitlines():
            assert list(json.loads(line))[:4] == ["seq", "prev", "kind", "schema"]


# What derives from the table.

CSV_OF_SCHEMA_1 = [
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
    *("upstream_ms", "total_ms", "ended", "config", "model", "chain", "decision", "outcome", "conflicts", "chosen_by"),
    *("turn", "listed", "client_request_id", "upstream_request_id", "best", "best_score"),
    *("part_route", "part_start", "part_end", "part_text", "part_score"),
]
ATTRIBUTES_OF_SCHEMA_1 = {
    *("http.request.method", "url.path", "http.response.status_code", "client.address", "gen_ai.agent.name"),
    *(f"aimux.audit.{name}" for name in ("chain", "decision", "outcome")),
    *(f"aimux.part.{name}" for name in ("route", "start", "end", "text", "score")),
    *(
        f"aimux.{name}"
        for name in (
            *(
                "request_id",
                "identity",
                "dialect",
                "text",
                "text_digest",
                "route",
                "score",
                "runner_up",
                "margin",
                "best",
            ),
            *(
                "best_score",
                "verdict",
                "rule",
                "config",
                "model",
                "bytes",
                "model_ms",
                "upstream_ms",
                "total_ms",
                "ended",
            ),
            *("chosen_by", "turn", "client_request_id", "upstream_request_id"),
        )
    ),
}


def test_exports_keep_the_names_that_they_had_and_new_columns_stand_at_the_end() -> None:
    part = {"route": "a", "start": 1, "end": 2, "text": "b", "score": 0.5}
    whole = {
        **OLD,
        "seq": 7,
        "runner_up": "b",
        "margin": 0.1,
        "turn": 1,
        "listed": 2,
        "client_request_id": "c",
        "part": part,
    }
    outcome = {**ENDED, "model_ms": 1.0, "upstream_ms": 1.0, "upstream_request_id": "u"}
    entry = entry_of(1, whole, outcome)
    headings = next(csv.reader(io.StringIO("".join(FORMATS["csv"]([entry])), newline="")))
    new = [field.name for field in FIELDS if field.since > 1]
    assert headings == [*CSV_OF_SCHEMA_1, *new]
    (record,) = json.loads("".join(FORMATS["otlp"]([entry])))["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    attributes = {each["key"] for each in record["attributes"]}
    assert attributes - {f"aimux.{name}" for name in new} == ATTRIBUTES_OF_SCHEMA_1


def test_every_field_has_one_name_in_its_record_and_a_sentence() -> None:
    names = [(field.name, record) for field in FIELDS for record in WrittenIn if field.is_in(record)]
    assert len(set(names)) == len(names)
    assert len({field.name for field in SHOWN}) == len(SHOWN)
    for field in FIELDS:
        assert field.doc.endswith("."), field.name
        assert field.label
        assert 1 <= field.since <= VERSION
        assert field.default is not REQUIRED


def test_an_index_with_other_columns_is_built_anew(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catch_up(log)
    whole = page(log, Filters(), 100).entries
    with closing(sqlite3.connect(log / store.FILE)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (store._VERSION,)
        database.execute("PRAGMA user_version=1")  # as before the table
        database.execute("DELETE FROM requests")
        database.commit()
    with pytest.raises(UnreadableError, match="another version"):  # it may lack requests
        page(log, Filters(), 100)
    assert behind(log) > 0
    Indexer(log).close()
    catch_up(log)
    assert page(log, Filters(), 100).entries == whole
    assert len(whole) == 20
