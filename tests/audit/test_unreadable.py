"""Readers of a log while it is harmed: what cannot be read is an error in words, and little is held open."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from audit_support.commands import ASKED, NEVER
from audit_support.files import append, segments

from aimux.audit import indexing, records
from aimux.audit.errors import UnreadableError
from aimux.audit.filters import FilterError, Filters
from aimux.audit.follow import Follower
from aimux.audit.index import LOCK, Indexer
from aimux.audit.lag import behind, catch_up
from aimux.audit.query import chains, entries, page
from aimux.audit.segments import Segment
from aimux.audit.settings import AuditSettings
from aimux.audit.store import FILE
from aimux.audit.sums import Span, stats
from aimux.cli import audit as commands

Make = Callable[..., Any]
Harm = Callable[[Path], None]
SPAN = Span(0.0, 2e9)


# What cannot be read.


def removed(log: Path) -> None:
    (log / FILE).unlink()


def begun(log: Path) -> None:
    removed(log)
    (log / FILE).touch()


def overwritten(log: Path) -> None:
    (log / FILE).write_bytes(b"no database" * 500)


def spoiled_inside(log: Path) -> None:
    """All but the first page, which says what the tables are."""
    with closing(sqlite3.connect(log / FILE)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = database.execute("PRAGMA page_size").fetchone()[0]
    whole = (log / FILE).read_bytes()
    (log / FILE).write_bytes(whole[:size] + b"\xff" * (len(whole) - size))


HARMS: list[tuple[Harm, str]] = [
    (removed, "try again"),
    (begun, "try again"),
    (overwritten, "delete .*index.sqlite3"),
    (spoiled_inside, "delete .*index.sqlite3"),
]


@pytest.mark.parametrize(("harm", "advice"), HARMS)
def test_an_index_that_cannot_be_read_is_an_error_that_says_what_to_do(log: Path, harm: Harm, advice: str) -> None:
    catch_up(log)
    harm(log)
    for ask in (
        lambda: page(log, Filters(), 10),
        lambda: list(entries(log, Filters())),
        lambda: stats(log, SPAN),
    ):
        with pytest.raises(UnreadableError, match=advice):
            ask()
    assert behind(log) == sum(path.stat().st_size for path in segments(log))
    assert chains(log)[0]["checkpoint"]["count"] == 43


@pytest.mark.parametrize("harm", [harm for harm, _ in HARMS])
@pytest.mark.parametrize("command", ["query", "export", "stats"])
def test_commands_end_with_an_error_where_the_index_goes_while_they_read(
    command: str, log: Path, harm: Harm, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    catch_up(log)

    def catch_up_and_harm(log: Path) -> int:
        harm(log)
        return 0

    monkeypatch.setattr(commands, "catch_up", catch_up_and_harm)
    assert ASKED[command](log) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("aimux: the index of the audit log")


@pytest.mark.parametrize("harm", [removed, begun, spoiled_inside])
def test_an_index_that_went_while_it_was_kept_up_to_date_is_built_again(log: Path, harm: Harm) -> None:
    catch_up(log)
    whole = page(log, Filters(), 100)
    indexer = Indexer(log)
    indexer.catch_up()
    harm(log)
    append(log, [b"{}"])  # there is something to be read
    indexer.catch_up()
    indexer.close()
    assert page(log, Filters(), 100) == whole
    assert behind(log) == 0


def test_doing_as_one_is_told_helps_while_a_gateway_runs(log: Path) -> None:
    catch_up(log)
    whole = page(log, Filters(), 100)
    indexer = Indexer(log)
    indexer.catch_up()
    overwritten(log)
    with pytest.raises(UnreadableError, match="delete"):
        page(log, Filters(), 100)
    removed(log)
    indexer.catch_up()
    assert page(log, Filters(), 100) == whole
    indexer.close()


def test_whoever_lost_the_lock_of_the_index_writes_to_it_no_more(log: Path) -> None:
    indexer = Indexer(log)
    (log / LOCK).unlink()
    with pytest.raises(BlockingIOError):
        indexer.advance()
    Indexer(log).close()
    indexer.close()


def test_a_lock_is_not_kept_by_who_cannot_open_the_index(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("aimux.audit.index.begun_anew", full)
        with pytest.raises(sqlite3.OperationalError):
            Indexer(log)
    Indexer(log).close()


def test_the_process_that_indexes_goes_on_where_its_lock_was_removed(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[float] = []

    def ends(pause: float) -> bool:
        turns.append(pause)
        if len(turns) == 3:
            (log / LOCK).unlink()
            removed(log)
        return len(turns) > 40

    monkeypatch.setattr(indexing, "_ends_within", ends)
    monkeypatch.setattr(indexing, "_stand_back", lambda: None)
    monkeypatch.setattr(indexing, "begin_as_child", lambda ignored: None)  # the signals of this process are pytest's
    assert indexing.main([str(log)]) == 0
    assert len(page(log, Filters(), 100).entries) == 20
    Indexer(log).close()


def test_a_query_goes_on_where_segments_are_removed_meanwhile(log: Path) -> None:
    catch_up(log)
    found = entries(log, Filters())
    first = next(found)
    second = segments(log)[1]
    for path in segments(log)[:-1]:
        path.unlink()
    rest = list(found)
    assert first["position"]["decision"] < int(second.stem)
    assert rest
    assert all(entry["position"]["decision"] >= int(segments(log)[-1].stem) for entry in rest[3:])


def test_a_record_is_not_shown_in_the_place_of_another(log: Path) -> None:
    catch_up(log)
    first = segments(log)[0]
    lines = first.read_bytes().split(b"\n")
    assert len(lines[2]) == len(lines[4])
    lines[2], lines[4] = lines[4], lines[2]  # two decisions
    first.write_bytes(b"\n".join(lines))
    shown = page(log, Filters(), 100).entries
    assert len(shown) == 18
    assert not {entry["position"]["decision"] for entry in shown} & {3, 5}


def unreadable(*_: object, **__: object) -> Any:
    raise PermissionError(13, "Permission denied", "/somewhere")


def test_what_the_disk_refuses_is_said(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    catch_up(log)
    follower = Follower(log, Filters())
    append(log, [b"{}"])
    monkeypatch.setattr(records.os, "open", unreadable)
    monkeypatch.setattr(Path, "open", unreadable)
    for ask in (
        lambda: page(log, Filters(), 10),
        lambda: list(entries(log, Filters())),
        lambda: Follower(log, Filters()),
        lambda: follower.last(5),
        follower.look,
    ):
        with pytest.raises(UnreadableError, match="Permission denied"):
            ask()
    assert commands.tail(NEVER, log, {}, 5, follow=False, as_json=True) == 1
    assert "Permission denied" in capsys.readouterr().err


def test_a_segment_that_goes_while_a_log_is_verified_is_an_error_in_words(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: object) -> Any:
        raise FileNotFoundError(2, "No such file or directory", "chain-1/1.jsonl")

    monkeypatch.setattr(commands, "verify_log", gone)
    assert commands.verify(NEVER, log, None, None, as_json=False) == 1
    assert "removed while it was read: try again" in capsys.readouterr().err


def test_following_begins_where_the_last_segment_has_just_gone(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [Segment(1, log / "chain-1" / "gone")]
    monkeypatch.setattr("aimux.audit.follow.segments_in", lambda _: gone)
    monkeypatch.setattr(Segment, "size", 10)
    assert Follower(log, Filters()).look().seen == []


@pytest.mark.parametrize("before", ["1.5,1,99999999999999999999", "nan,1,1", "1e9,1,1", "1.5,99999999999999999999,1"])
def test_a_cursor_that_no_index_could_hold_is_refused(log: Path, before: str) -> None:
    catch_up(log)
    with pytest.raises(FilterError, match="begin again"):
        page(log, Filters(), 1, before)


# How much is held open, and for whom.


def test_few_segments_are_open_at_a_time_and_none_afterwards(
    tmp_path: Path, made: Make, written: Callable[..., list[str]]
) -> None:
    log = tmp_path / "audit"
    for chain in (1, 2, 3):
        settings = AuditSettings(log, segment_bytes=1500)
        written(settings, [made(n, began=1_700_000_000.0 + n) for n in range(40)], chain)
    catch_up(log)

    def open_now() -> int:
        shown = [each.readlink().name for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        return sum(name.endswith(".jsonl") for name in shown)

    most = 0
    found = entries(log, Filters())
    for _ in range(60):
        next(found)
        most = max(most, open_now())
    assert 1 <= most <= 4
    found.close()
    assert open_now() == 0
    assert len(list(entries(log, Filters()))) == 120
    assert open_now() == 0


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_reads_the_index(log: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        indexer = Indexer(log)
        indexer.catch_up()
        files = list(log.glob(f"{FILE}*"))
        assert len(files) == 3
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o640 & ~mask for path in files)
        indexer.close()
    finally:
        os.umask(before)


def test_an_index_that_others_could_read_is_closed_to_them(log: Path) -> None:
    catch_up(log)
    (log / FILE).chmod(0o644)
    catch_up(log)
    assert stat.S_IMODE((log / FILE).stat().st_mode) == 0o640
