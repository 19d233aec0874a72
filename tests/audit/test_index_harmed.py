"""The index and the segments under it harmed in place: noticed, and read or built again each record counted once."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import append, records, segments

from aimux.audit import indexing, locks, rollups
from aimux.audit.filters import Filters
from aimux.audit.index import LOCK, Indexer
from aimux.audit.index_watch import IndexWatch
from aimux.audit.lag import behind
from aimux.audit.query import page
from aimux.audit.store import FILE, connected
from aimux.audit.sums import Span, stats

Harm = Callable[[Path], None]
SPAN = Span(0.0, 2e9)


@pytest.fixture
def indexer(log: Path) -> Iterator[Indexer]:
    """What a gateway runs, up to date and with nothing to do."""
    indexer = Indexer(log)
    indexer.catch_up()
    yield indexer
    indexer.close()


def emptied(log: Path) -> None:
    os.truncate(log / FILE, 0)


def shortened(log: Path) -> None:
    with closing(sqlite3.connect(log / FILE)) as database:
        database.execute("PRAGMA wal_checkpoint")
    os.truncate(log / FILE, 8192)


def overwritten(log: Path) -> None:
    (log / FILE).write_bytes(b"garbage" * 1000)


def without_rows(log: Path) -> None:
    with closing(sqlite3.connect(log / FILE)) as database, database:
        database.execute("DELETE FROM requests")


def without_its_log(log: Path) -> None:
    (log / f"{FILE}-wal").unlink()


def without_its_memory(log: Path) -> None:
    (log / f"{FILE}-shm").unlink()


def replaced(log: Path) -> None:
    other = log / "other"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE x(y)")
    other.replace(log / FILE)


@pytest.mark.parametrize(
    "harm", [emptied, shortened, overwritten, without_rows, without_its_log, without_its_memory, replaced]
)
def test_an_index_that_is_harmed_while_nothing_happens_is_built_again(log: Path, indexer: Indexer, harm: Harm) -> None:
    whole, sums = page(log, Filters(), 100), stats(log, SPAN)
    harm(log)
    indexer.catch_up()
    assert page(log, Filters(), 100) == whole
    assert stats(log, SPAN)["links"] == sums["links"]
    assert behind(log) == 0


def test_an_index_that_nobody_touches_is_not_built_again(
    log: Path, indexer: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> Any:
        raise AssertionError("it was built again")

    monkeypatch.setattr("aimux.audit.index.begun_anew", never)
    for number in range(3):
        assert len(page(log, Filters(), 100).entries) == 20
        append(log, [b"{%d}" % number])
        indexer.catch_up()


def test_what_stands_in_a_segment_that_was_cut_is_indexed_and_counted_once(log: Path, indexer: Indexer) -> None:
    last = segments(log)[-1]
    lines = last.read_bytes().splitlines(keepends=True)
    before = stats(log, SPAN)["links"][0]["requests"]
    kept = next(line for line in lines if b'"kind":"decision"' in line)
    new = {**json.loads(kept), "seq": 44, "request_id": "f" * 32}
    last.write_bytes(kept + json.dumps(new, separators=(",", ":")).encode() + b"\n")
    indexer.catch_up()
    assert behind(log) == 0
    found = page(log, Filters(), 100)
    assert "f" * 32 in {entry["request_id"] for entry in found.entries}
    assert found.unreadable > 0
    assert stats(log, SPAN)["links"][0]["requests"] == before


@pytest.fixture
def gateway(log: Path) -> Iterator[None]:
    """A gateway that writes the log, and puts back what others have done to it."""
    held = locks.take(log / "chain-1" / locks.NAME)
    assert held is not None
    yield
    os.close(held)


def test_what_others_have_written_between_records_is_waited_for_until_it_is_gone(
    log: Path, indexer: Indexer, gateway: None
) -> None:
    """As where the gateway writes on behind it, and then puts the file back with its own records only."""
    last = segments(log)[-1]
    whole = last.read_bytes()
    *before, decision, outcome = whole.splitlines(keepends=True)[:3]
    last.write_bytes(b"".join([*before, decision]))
    (log / FILE).unlink()
    indexer.catch_up()
    last.write_bytes(
        b"".join([*before, decision, b"what others wrote\n", outcome, *whole.splitlines(keepends=True)[3:]])
    )
    assert indexer.advance() == 0
    last.write_bytes(whole)
    indexer.catch_up()
    found = page(log, Filters(), 100)
    assert (len(found.entries), found.unreadable) == (20, 0)
    assert behind(log) == 0
    with closing(sqlite3.connect(log / FILE)) as database:
        assert database.execute("SELECT fault FROM chains").fetchall() == [(None,)]


@pytest.mark.parametrize("is_old", [False, True])
def test_what_nobody_puts_back_is_not_waited_for(log: Path, request: pytest.FixtureRequest, *, is_old: bool) -> None:
    """A log without a gateway, and one with a gateway that has looked at the file since it was changed."""
    victim = segments(log)[1]
    victim.write_bytes(victim.read_bytes().replace(b"revenue", b"nothing"))
    if is_old:
        request.getfixturevalue("gateway")
        for path in segments(log):
            os.utime(path, (1e9, 1e9))
    else:
        segments(log)[2].unlink()
    indexer = Indexer(log)
    indexer.catch_up()
    indexer.close()
    assert behind(log) == 0
    with closing(sqlite3.connect(log / FILE)) as database:
        ((fault,),) = database.execute("SELECT fault FROM chains").fetchall()
    assert "does not follow" in fault


def test_a_segment_that_is_missing_for_a_moment_is_waited_for(log: Path, gateway: None) -> None:
    indexer = Indexer(log)
    indexer.advance(5)
    first = segments(log)[0]
    aside = first.with_suffix(".aside")
    first.rename(aside)
    assert indexer.advance() == 0
    aside.rename(first)
    indexer.catch_up()
    assert len(page(log, Filters(), 100).entries) == 20
    indexer.close()


def test_a_segment_that_stays_away_is_passed_over_in_the_end(
    log: Path, monkeypatch: pytest.MonkeyPatch, gateway: None
) -> None:
    indexer = Indexer(log)
    indexer.advance(5)
    segments(log)[0].unlink()
    assert indexer.advance() == 0
    monkeypatch.setattr("aimux.audit.index._PUT_BACK_SECONDS", 0.0)
    indexer.catch_up()
    indexer.close()
    assert behind(log) == 0
    assert 0 < len(page(log, Filters(), 100).entries) < 20


def test_a_clock_that_jumps_ahead_takes_no_fine_steps_along(log: Path, indexer: Indexer) -> None:
    with closing(connected(log / FILE)) as database:
        count = "SELECT COUNT(*) FROM rollups WHERE width=10 AND requests"
        before = database.execute(count).fetchone()[0]
        key = (10, 10**9, "a", "r", "v")
        rollups.merge(database, {key: rollups.Sums(requests=1)})
        rollups.forget_old(database)
        assert database.execute(count).fetchone()[0] == before + 1 > 1
        for slot in range(17_280):
            database.execute(
                "INSERT INTO rollups(width, slot, agent, route, verdict) VALUES(10,?,'','','')", (slot + 1,)
            )
        rollups.forget_old(database)
        assert database.execute("SELECT COUNT(*) FROM rollups WHERE slot=1").fetchone()[0] == 0
        assert database.execute("SELECT COUNT(*) FROM rollups WHERE width=10").fetchone()[0] == 17_280


# Seen from outside.


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_index_that_is_locked_out_or_spoiled_is_a_problem_after_some_time(log: Path) -> None:
    clock = Clock()
    indexer = Indexer(log)
    indexer.advance(5)
    watch = IndexWatch(log, 20.0, clock)
    watch.look()
    assert (watch.problem, watch.behind > 0) == (None, True)
    for clock.now in (10.0, 19.0):
        watch.look()
        assert watch.problem is None
    clock.now = 30.0
    watch.look()
    assert "does not go on" in str(watch.problem)
    indexer.advance(5)
    watch.look()
    assert watch.problem is None
    indexer.close()
    overwritten(log)
    watch.look()
    assert watch.problem is None
    clock.now = 60.0
    watch.look()
    assert "spoiled" in str(watch.problem)
    Indexer(log).close()
    (log / FILE).unlink()
    watch.look()
    assert "built" in str(watch.problem)


def test_what_stands_in_the_way_is_said_once_and_so_is_its_end(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = 0

    def ends(_: float) -> bool:
        nonlocal turns
        turns += 1
        return turns > 20

    class Full(Indexer):
        def advance(self, most: int = 1000) -> int:
            if turns < 8:
                raise sqlite3.OperationalError("database or disk is full")
            return super().advance(most)

    monkeypatch.setattr(indexing, "_ends_within", ends)
    monkeypatch.setattr(indexing, "_stand_back", lambda: None)
    monkeypatch.setattr(indexing, "begin_as_child", lambda ignored: None)  # the signals of this process are pytest's
    monkeypatch.setattr(indexing, "Indexer", Full)
    assert indexing.main([str(log)]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("database or disk is full\n\n", "")
    assert len(page(log, Filters(), 100).entries) == 20


def test_an_indexer_that_is_locked_out_takes_no_harm(log: Path) -> None:
    held = locks.take(log / LOCK)
    assert held is not None
    with pytest.raises(BlockingIOError):
        Indexer(log)
    os.close(held)
    Indexer(log).close()
    assert records(log)[0]["kind"] == "origin"
