"""What others do to the file that a running log writes: noticed, told, and put back where it can be read."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import is_whole, records, segments
from audit_support.harm import (
    Make,
    Running,
    appended,
    changed_in_place,
    compressed,
    deleted,
    edited,
    emptied,
    faults,
    kinds,
    overwritten,
    renamed,
    rotated,
    run,
    shortened,
)

from aimux.audit.incidents import Harm, Outcome
from aimux.core.reason import Failure


@pytest.mark.parametrize("is_written_meanwhile", [False, True])
@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (renamed, Harm.RENAMED),
        (deleted, Harm.DELETED),
        (compressed, Harm.DELETED),
        (rotated, Harm.REPLACED),
        (edited, Harm.REPLACED),
        (appended, Harm.WRITTEN),
    ],
)
def test_what_is_written_is_put_back_and_nothing_is_lost(
    tmp_path: Path, made: Make, harm: Callable[[Path], None], told: Harm, *, is_written_meanwhile: bool
) -> None:
    async def body(running: Running) -> None:
        path, before = running.live, running.live.read_bytes()
        harm(path)
        if is_written_meanwhile:
            running.serve()
        await running.turn()
        assert path.read_bytes().startswith(before)
        assert running.incidents == {(Outcome.RESTORED, told): 1}
        assert running.log.writable
        assert running.log.intact
        running.serve()
        await running.turn()
        assert running.incidents == {(Outcome.RESTORED, told): 1}

    running = run(tmp_path, made, body)
    log = tmp_path / "audit"
    assert is_whole(log), faults(log)
    (told_record,) = [each for each in records(log) if each["kind"] == "restored"]
    assert (told_record["harm"], told_record["first"], told_record["file"]) == (told, 1, f"{1:020d}.jsonl")
    assert kinds(log).count("decision") == (9 if is_written_meanwhile else 6)
    assert running.troubles == []
    assert any("put back" in warning for warning in running.warnings)
    if harm in {edited, appended}:
        assert (log / "chain-1" / told_record["kept"]).stat().st_size > 0


@pytest.mark.parametrize("harm", [renamed, deleted, appended])
def test_what_happens_just_before_the_end_is_put_back_too(
    tmp_path: Path, made: Make, harm: Callable[[Path], None]
) -> None:
    async def body(running: Running) -> None:
        harm(running.live)

    run(tmp_path, made, body)
    log = tmp_path / "audit"
    assert is_whole(log), faults(log)
    assert kinds(log)[-2:] == ["restored", "closed"]
    run(tmp_path, made, lambda running: running.turn())
    assert is_whole(log), faults(log)


def test_a_segment_that_is_harmed_before_it_is_full_is_put_back(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        running.live.unlink()
        running.serve(30)
        assert len(running.log.writer.begun) > 2
        await running.turn()
        assert (Outcome.RESTORED, Harm.DELETED) in running.incidents

    run(tmp_path, made, body, segment_bytes=5000)
    assert is_whole(tmp_path / "audit"), faults(tmp_path / "audit")


@pytest.mark.parametrize("is_written_meanwhile", [False, True])
@pytest.mark.parametrize("harm", [emptied, shortened, overwritten])
def test_where_records_are_lost_nothing_is_served_and_what_is_lost_is_named(
    tmp_path: Path, made: Make, harm: Callable[[Path], None], *, is_written_meanwhile: bool
) -> None:
    async def body(running: Running) -> None:
        open_request = made(90)
        running.log.decided(open_request)
        running.log.flush()
        last = records(tmp_path / "audit")[-1]["seq"]
        harm(running.live)
        if is_written_meanwhile:
            running.serve()
        await running.turn()
        assert not running.log.writable
        with pytest.raises(Failure, match="records are missing"):
            running.log.decided(made(91))
        running.log.request(open_request)  # what is under way still leaves its records
        await running.turn()
        assert len(running.troubles) == 1
        (told,) = [each for each in seen(running) if each["kind"] == "lost"]
        assert (told["first"] <= last) & (told["last"] >= last)
        assert is_written_meanwhile or told["last"] == last

    run(tmp_path, made, body)
    log = tmp_path / "audit"
    (fault,) = faults(log)
    (told,) = [each for each in last_records(log) if each["kind"] == "lost"]
    assert harm is overwritten or f"records {told['first']} to {told['last']} are missing" in fault
    assert any(each["kind"] == "outcome" and each["request_id"] == f"{90:032x}" for each in last_records(log))
    # A restart is what ends it, and the chain goes on.
    again = run(tmp_path, made, lambda running: running.turn())
    assert again.troubles == []
    assert faults(log) == [fault]


def last_records(log: Path) -> list[dict[str, Any]]:
    """The records of all segments but the first, in which others have written."""
    return [json.loads(line) for path in segments(log)[1:] for line in path.read_bytes().splitlines()]


def seen(running: Running) -> list[dict[str, Any]]:
    return last_records(running.folder.parent)


def test_a_last_record_that_is_changed_in_place_is_lost(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        changed_in_place(running.live)
        await running.turn()
        assert running.incidents == {(Outcome.LOST, Harm.WRITTEN): 1}
        assert not running.log.writable

    run(tmp_path, made, body)
    assert len(faults(tmp_path / "audit")) == 1


def test_what_copytruncate_has_torn_apart_can_be_put_together_again(tmp_path: Path, made: Make) -> None:
    found: list[Path] = []

    async def body(running: Running) -> None:
        found.append(running.live)
        shutil.copy(running.live, tmp_path / "copy")
        os.truncate(running.live, 0)
        running.serve()
        await running.turn()
        assert not running.log.writable

    run(tmp_path, made, body)
    assert faults(tmp_path / "audit") != []
    found[0].write_bytes((tmp_path / "copy").read_bytes() + found[0].read_bytes())
    assert is_whole(tmp_path / "audit"), faults(tmp_path / "audit")
