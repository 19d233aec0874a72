"""Decisions read again: all of a log or of its export, of the time that is asked for, and what is wrong on the way."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.audit.decisions import Decided, Decisions, decided
from aimux.audit.errors import UnreadableError
from aimux.audit.export import jsonl
from aimux.audit.filters import Filters
from aimux.audit.lag import catch_up
from aimux.audit.query import entries
from aimux.audit.redact import Redactor
from aimux.audit.settings import AuditSettings
from aimux.core.rules import Rule

T0 = 1_700_000_000.0
Make = Callable[..., Any]
ALL = Filters()


def ids(decisions: Decisions) -> list[int]:
    return [int(found.request_id, 16) for found in decisions]


def exported(log: Path) -> Path:
    file = log.with_name("export.jsonl")
    catch_up(log)
    file.write_text("".join(jsonl(entries(log, ALL))))
    return file


def segments(log: Path) -> list[Path]:
    return sorted((log / "chain-1").glob("*[0-9].jsonl"))


def test_every_decision_of_every_chain_and_segment(log: Path, made: Make, written: Callable[..., list[str]]) -> None:
    written(AuditSettings(log), [made(n) for n in range(20, 23)], 2)
    decisions = Decisions(log, ALL)
    assert ids(decisions) == list(range(23))
    assert (decisions.faults, decisions.said) == (0, [])
    assert len(segments(log)) > 2


def test_an_export_says_the_same(tmp_path: Path, made: Make, written: Callable[..., list[str]]) -> None:
    records = [made(0), made(1, verdict="route_forbidden"), made(2, agent=None, text=None, route=None)]
    # What was permitted and failed afterwards: an export has the end, and not what was decided.
    failed, fallen = made(3), made(4, route="fallback", verdict="fallback")
    for each in (records[0], failed, fallen):
        each.decided_seconds = 0.001
    log = tmp_path / "audit"
    written(AuditSettings(log), [*records, failed, fallen])
    file = exported(log)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines[3:]:
        line["verdict"] = "upstream_timeout"
    file.write_text("\n\n".join(map(json.dumps, lines)))
    found = list(Decisions(log, ALL))
    assert [each.verdict for each in found] == ["forward", "route_forbidden", "forward", "forward", "fallback"]
    assert list(Decisions(file, ALL)) == found


def test_only_of_the_time_that_is_asked_for(tmp_path: Path, made: Make, written: Callable[..., list[str]]) -> None:
    log = tmp_path / "audit"
    written(AuditSettings(log), [made(n, began=T0 + n) for n in range(6)])
    for source in (log, exported(log)):
        assert ids(Decisions(source, Filters(since=T0 + 2, until=T0 + 4))) == [2, 3]


def test_what_cannot_be_read_is_counted_and_the_rest_is_read(log: Path) -> None:
    first, second, *_ = segments(log)
    lines = first.read_bytes().splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if b'"kind":"decision"' in line)
    spoilt = lines[place].replace(b'"verdict":"forward"', b'"verdict":7')
    first.write_bytes(b"".join([*lines[:place], spoilt, *lines[place + 1 :]]))
    second.write_bytes(b"nonsense\n" + second.read_bytes())
    last = segments(log)[-1]
    last.write_bytes(last.read_bytes() + b'{"seq":')
    decisions = Decisions(log, ALL)
    assert ids(decisions) == list(range(1, 20))
    name = f"chain-1/{first.name}"
    assert decisions.said == [
        f"{name}:{place + 1}: the line is no record that can be read",
        f"{name}:{place + 2}: it does not follow the record before it",
        f"chain-1/{second.name}:1: it does not follow the record before it",
        f"chain-1/{second.name}:1: the line is no record that can be read",
        f"chain-1/{last.name}:{last.read_bytes().count(bytes([10])) + 1}: the line was cut short",
    ]
    assert decisions.faults == 5


def test_records_that_are_missing_show(log: Path) -> None:
    removed = segments(log)[1]
    removed.unlink()
    decisions = Decisions(log, ALL)
    assert 0 < len(ids(decisions)) < 20
    assert decisions.said == [f"chain-1/{segments(log)[1].name}:1: it does not follow the record before it"]


def test_the_oldest_may_have_been_removed_for_their_age(log: Path) -> None:
    segments(log)[0].unlink()
    decisions = Decisions(log, ALL)
    assert ids(decisions)[-1] == 19
    assert decisions.faults == 0


@pytest.mark.parametrize(
    "line",
    [
        *("nope", "[]", "{}", "7", "[" * 100_000, '{"position": {}}', "\xff"),
        *('{"time": "x"}', "9" * 5000),
    ],
)
def test_lines_that_are_no_requests_are_counted(log: Path, line: str) -> None:
    file = exported(log)
    good = file.read_bytes()
    file.write_bytes(line.encode("latin-1") + b"\n" + good)
    decisions = Decisions(file, ALL)
    assert ids(decisions) == list(range(20))
    assert decisions.said == ["export.jsonl:1: the line is no request that can be read"]


@pytest.mark.parametrize(
    "changed",
    [
        {"scores": [{"route": "a", "score": float("nan"), "min_score": 0.4}]},
        {"scores": [{"route": "a", "score": 0.5, "min_score": 0.4}] * 2},
        *({"score": 2}, {"score": True}, {"agent": 7}, {"rule": None}, {"time": "yesterday"}, {"time": 7}),
        *({"scores": None}, {"time": "0001-01-01T00:00:00+14:00"}),
    ],
    ids=str,
)
def test_a_request_with_a_field_that_cannot_be_is_left_out(log: Path, changed: dict[str, object]) -> None:
    file = exported(log)
    first, *others = file.read_text().splitlines()
    file.write_text("\n".join([json.dumps({**json.loads(first), **changed}), *others]))
    decisions = Decisions(file, ALL)
    assert ids(decisions) == list(range(1, 20))
    assert decisions.faults == 1


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"rule_id": "access.public"}, Rule.ACCESS_PUBLIC),
        ({"rule_id": "access.of_a_later_version"}, None),
        ({"rule_id": None}, Rule.ACCESS_OPEN),
        ({}, Rule.ACCESS_OPEN),
    ],
)
def test_the_id_of_a_rule_counts_and_not_its_sentence(log: Path, said: dict[str, object], rule: Rule | None) -> None:
    line = json.loads(exported(log).read_text().splitlines()[0])
    line.pop("rule_id", None)
    found = decided({**line, "scores": [], **said, "rule": "route 'a' is open"})
    assert (found.rule, found.says) == (rule, "route 'a' is open")


def test_where_there_is_no_log_nothing_is_read(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(UnreadableError, match="there is no audit log in"):
            Decisions(source, ALL)


WHOLE = Decided(
    *(1.0, "a", "ant", "claimed", "query", "said", hashlib.sha256(b"said").hexdigest(), None, None, ()),
    *("no_text", None, "", "0" * 64, None),
)


def test_a_text_is_whole_where_the_digest_proves_it() -> None:
    assert WHOLE.is_whole
    assert not replace(WHOLE, text="sai...").is_whole
    assert not replace(WHOLE, text=None).is_whole
    assert not replace(WHOLE, text_digest=None).is_whole
    # The digest is that of the text without its secrets.
    left = "password: ***"
    assert not replace(WHOLE, text=left, text_digest=hashlib.sha256(left.encode()).hexdigest()).is_whole


PIECES = ("password", "token", ": ", "=", "hunter2", "://u:p@h", "sk-", "a" * 20, '"', " ", "Bearer ", "x", "\n")


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_where_anything_was_blotted_out_the_text_shows_it(text: str) -> None:
    cleaned = Redactor().clean(text)
    assert cleaned == text or "***" in cleaned
