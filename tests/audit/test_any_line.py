"""No line disappears: whatever a JSON object says, each reader has a place or a count for it, and none raises."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from audit_support.lines import DECISIONS, OBJECTS, OUTCOMES, body_of, log_of
from hypothesis import given, settings
from hypothesis import strategies as st

from aimux.admin.entry_models import AuditEntry
from aimux.audit.decisions import Decisions
from aimux.audit.entry import SHOWN, entry_of
from aimux.audit.export import FORMATS
from aimux.audit.filters import Filters
from aimux.audit.follow import Follower
from aimux.audit.format.reading import number_in, unclear, version_of
from aimux.audit.format.schema import VERSION
from aimux.audit.lag import catch_up
from aimux.audit.query import Missed, chains, entries, page
from aimux.audit.signing import PUBLIC_KEY, Verifier
from aimux.audit.sums import Span, stats
from aimux.audit.verify import verify
from aimux.cli import audit as commands

NEVER = Path("no-such-configuration.yaml")


@given(DECISIONS, st.none() | OUTCOMES)
def test_whatever_a_decision_says_it_is_a_request_that_can_be_shown(
    decision: dict[str, Any], outcome: dict[str, Any] | None
) -> None:
    entry = entry_of(1, {**decision, "seq": 7}, None if outcome is None else {**outcome, "seq": 8})
    assert list(entry) == [field.name for field in SHOWN]
    assert entry["position"] == {"chain": 1, "decision": 7, "outcome": None if outcome is None else 8}
    assert json.loads("".join(FORMATS["jsonl"]([entry]))) == entry
    for form in ("csv", "otlp"):
        assert "".join(FORMATS[form]([entry])).encode()
    if all(version_of(each) <= VERSION for each in (decision, outcome or {})):
        AuditEntry.model_validate(entry)


@given(st.lists(OBJECTS, max_size=8))
@settings(max_examples=50, deadline=None)
def test_every_line_has_its_place_or_its_count_with_every_reader(objects: list[dict[str, Any]]) -> None:
    # The chain gives each its number.
    lines = [{name: value for name, value in each.items() if name != "seq"} for each in objects]
    requests = sum(each["kind"] == "decision" for each in lines)
    homeless = sum(each["kind"] == "outcome" and number_in(each, "decision") is None for each in lines)
    unclear_ones = sum(unclear({**each, "seq": 1}) is not None for each in lines)
    with tempfile.TemporaryDirectory() as folder:
        log = log_of(Path(folder) / "log", *map(body_of, lines), body_of({"kind": "closed", "schema": VERSION}))
        catch_up(log)
        found, missed = page(log, Filters(), 100), Missed()
        assert (len(found.entries), found.unreadable) == (requests, 0)
        assert (len(list(entries(log, Filters(), missed=missed))), missed.count) == (requests, 0)
        latest, unreadable = Follower(log, Filters()).latest(100)
        assert (len(latest), unreadable) == (requests, homeless)
        assert len(list(decisions := Decisions(log, Filters()))) + decisions.faults == requests + sum(
            type(each["kind"]) is not str for each in lines
        )
        stats(log, Span(0.0, 4e9, 5))
        (verdict,) = verify(log, Verifier.at(log / PUBLIC_KEY))
        assert (verdict.faults, verdict.not_interpreted.total()) == ([], unclear_ones)
        (chain,) = chains(log)
        assert (chain["fault"], chain["verified"]) == (None, len(lines) + 1)
        assert chain["not_interpreted"] == unclear_ones
        for as_json in (False, True):
            assert commands.tail(NEVER, log, {}, 100, follow=False, as_json=as_json) == 0
            assert commands.query(NEVER, log, {}, 100, as_json=as_json) == 0
            assert commands.verify(NEVER, log, None, None, as_json=as_json) == 0


DEEP = '"kind":"decision","text":' + "[" * 100_000 + "]" * 100_000 + "}"


def test_lines_that_are_no_objects_are_counted_by_every_reader(tmp_path: Path, capsys: Any) -> None:
    request = body_of({"kind": "decision", "schema": VERSION, "request_id": "a" * 32})
    log = log_of(tmp_path / "log", request, '"kind":"decision",}', DEEP, '"kind":"decision","seq":"x"}')
    catch_up(log)
    assert [each["request_id"] for each in page(log, Filters(), 10).entries] == ["a" * 32]
    follower = Follower(log, Filters())
    assert follower.latest(10)[1] == 3
    assert commands.tail(NEVER, log, {}, 10, follow=False, as_json=True) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "3 lines of the log cannot be read as records" in err
    for command in (
        lambda: commands.query(NEVER, log, {}, 10, as_json=True),
        lambda: commands.export(NEVER, log, {}, "csv"),
        lambda: commands.stats(NEVER, log, {}, as_json=True),
    ):
        assert command() == 0
        assert "3 lines of the log are of another version, or no records" in " ".join(capsys.readouterr().err.split())
    assert commands.verify(NEVER, log, None, None, as_json=False) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "chain 1: 3 records were checked and could not be interpreted" in said
    assert "2 that are no JSON objects" in said
    assert "1 without a number" in said
    assert commands.verify(NEVER, log, None, None, as_json=True) == 0
    (chain,) = json.loads(capsys.readouterr().out)["chains"]
    assert (chain["not_interpreted"], chain["fault"]) == (3, None)


def test_what_the_index_knows_and_the_log_has_no_more_is_counted_by_an_export(tmp_path: Path, capsys: Any) -> None:
    bodies = [body_of({"kind": "decision", "schema": VERSION, "request_id": each * 32}) for each in "abc"]
    log = log_of(tmp_path / "log", *bodies)
    catch_up(log)
    (segment,) = (log / "chain-1").glob("*[0-9].jsonl")
    segment.write_bytes(segment.read_bytes().replace(b'"request_id":"bb', b'"request_id":bbb'))
    assert commands.export(NEVER, log, {}, "jsonl") == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["request_id"][0] for line in out.splitlines()] == ["a", "c"]
    assert "the records of 1 more requests are not in the log any more" in err


def test_half_of_a_surrogate_pair_breaks_no_reader(tmp_path: Path, capsys: Any) -> None:
    half = {"kind": "decision", "schema": VERSION, "request_id": "a" * 32, "text": "x\ud800y", "agent": "\udfff"}
    log = log_of(tmp_path / "log", body_of({**half, "identity": "claimed"}))
    catch_up(log)
    (entry,) = page(log, Filters(text="x"), 10).entries
    assert entry["text"] == half["text"]
    assert commands.query(NEVER, log, {}, 10, as_json=False) == 0
    for form in FORMATS:
        assert commands.export(NEVER, log, {}, form) == 0
        assert "a" * 32 in capsys.readouterr().out


def decision(**fields: Any) -> str:
    return body_of({"kind": "decision", "schema": VERSION, **fields})


def test_what_sqlite_cannot_hold_does_not_stop_the_index(tmp_path: Path) -> None:
    origin = body_of({"kind": "origin", "schema": VERSION, "origin": "\ud800", "chain": 1})
    endings = [
        body_of({"kind": "outcome", "schema": VERSION, "decision": 2, "verdict": "forward", "bytes": 2**53 - 1})
        for _ in range(1030)  # together more than 64 bits
    ]
    log = log_of(tmp_path / "log", origin, decision(request_id="a" * 32), *endings)
    assert catch_up(log) == 0
    assert [entry["request_id"] for entry in page(log, Filters(), 10).entries] == ["a" * 32]
    (link,) = stats(log, Span(0.0, 1.0, 1))["links"]
    assert (link["requests"], link["bytes"]) == (1030, 2**63 - 1)


def test_a_line_with_two_numbers_hides_no_other_request(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log", decision(request_id="a" * 32), decision(request_id="b" * 32, seq=1))
    catch_up(log)
    assert [entry["request_id"] for entry in page(log, Filters(), 10).entries] == ["a" * 32]
    latest, unreadable = Follower(log, Filters()).latest(10)
    assert ([entry["request_id"] for entry in latest], unreadable) == (["a" * 32], 1)
    (verdict,) = verify(log, Verifier.at(log / PUBLIC_KEY))
    assert verdict.not_interpreted == {"without a number": 1}


def test_every_page_leads_to_the_next_whatever_moments_lines_say(tmp_path: Path) -> None:
    # Without a zone, and so near the epoch, seconds have more places than microseconds do.
    moments = ["1970-01-01T00:00:03.562610", "1970-01-02T00:01:07.331353", "none", "9999-12-31T23:59:59.999999-23:59"]
    log = log_of(tmp_path / "log", *(decision(time=each) for each in moments))
    catch_up(log)
    seen, before = [], None
    for _ in moments:
        found = page(log, Filters(), 1, before)
        seen += [entry["position"]["decision"] for entry in found.entries]
        before = found.next
    assert (sorted(seen), before) == ([1, 2, 3, 4], None)


@pytest.mark.parametrize("verdict", [None, "forward", "route_forbidden", "client_left", "upstream_timeout", "internal"])
def test_index_and_follower_call_the_same_requests_refused(tmp_path: Path, verdict: str | None) -> None:
    log = log_of(tmp_path / "log", decision(verdict=verdict))
    catch_up(log)
    refused = Filters(verdict="refused")
    assert page(log, refused, 10).entries == Follower(log, refused).last(10)
    assert len(Follower(log, refused).last(10)) == (verdict == "route_forbidden")


def test_a_follower_goes_on_behind_the_longest_of_lines(tmp_path: Path) -> None:
    log = log_of(tmp_path / "log")
    follower = Follower(log, Filters())
    longer = log_of(tmp_path / "longer", decision(text="x" * (9 * 1024 * 1024)), decision(request_id="b" * 32))
    segment = f"chain-1/{1:020d}.jsonl"
    (log / segment).write_bytes((longer / segment).read_bytes())
    seen = [each.number for _ in range(3) for each in follower.look().seen]
    assert seen == [1, 2]
