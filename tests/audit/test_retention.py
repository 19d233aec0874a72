"""How long segments are kept: by time that has passed, whatever the system's clock says, and never all at once."""

import asyncio
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import segments
from hypothesis import given
from hypothesis import strategies as st

from aimux.audit import age, checkpoints
from aimux.audit.age import CATCH_UP, AgeClock, Ages
from aimux.audit.inventory import Inventory
from aimux.audit.log import AuditLog
from aimux.audit.retention import Clocks, Due, Retention
from aimux.audit.segments import segments_in
from aimux.audit.settings import AuditSettings

DAY = 86400.0
NOW = 1_800_000_000.0


@given(
    st.floats(0, 4e9),
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 4e9)), max_size=20),
)
def test_the_clock_of_ages_never_goes_back_and_never_runs_fast(
    begin: float, steps: Sequence[tuple[float, float]]
) -> None:
    clock = AgeClock(begin)
    for elapsed, wall in steps:
        before = clock.now
        clock.advance(elapsed, wall)
        assert before + elapsed <= clock.now <= max(before + elapsed, before + CATCH_UP * elapsed)
    assert clock.now >= begin


@given(st.integers(1, 50), st.floats(0, 1e9))
def test_the_clock_of_ages_reaches_the_system_s_in_the_end(steps: int, ahead: float) -> None:
    clock, wall = AgeClock(NOW), NOW + ahead
    step = ahead / (CATCH_UP - 1) / steps
    for _ in range(steps + 1):
        wall += step
        clock.advance(step, wall)
    assert clock.now == pytest.approx(wall, abs=1e-3)


@pytest.fixture
def log(log: Path) -> Path:
    """A log of an earlier version, which knew no ages."""
    (log / "chain-1" / age.FILE).unlink()
    return log


class Time:
    """Both clocks, moved by the test."""

    def __init__(self) -> None:
        self.wall = NOW
        self.passed = 0.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.passed += seconds

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.wall, lambda: self.passed)


class Kept:
    """A log's first chain, as retention sees it: its ended segments, all of whose ends are signed."""

    def __init__(self, log: Path, time: Time, *, signed_at: float | None = NOW, **settings: Any) -> None:
        self.folder = log / "chain-1"
        self.inventory = Inventory(self.folder, segments_in(self.folder)[-1])
        settings = {"keep_seconds": 90 * DAY, **settings}
        self.retention = Retention(AuditSettings(log, **settings), self.folder, self.inventory, signed_at, time.clocks)

    def due(self) -> Due:
        return self.retention.due(checkpoints.read(self.folder / checkpoints.FILE)[0])

    def going(self) -> int:
        removal = self.due().removal
        return 0 if removal is None else len(removal.segments)

    def all_end_now(self) -> None:
        for each in self.inventory:
            self.retention.ages.ended(each.segment.first)


def test_what_is_old_goes_and_what_is_not_stays(log: Path) -> None:
    time = Time()
    kept = Kept(log, time, trim_share=1.0)
    kept.all_end_now()
    time.pass_by(89 * DAY)
    assert kept.going() == 0
    time.pass_by(2 * DAY)
    assert kept.going() == len(segments(log)) - 1


@pytest.mark.parametrize("jump", [400 * DAY, 1e10])
def test_a_jump_ahead_removes_nothing_for_days(log: Path, jump: float) -> None:
    time = Time()
    kept = Kept(log, time, trim_share=1.0)
    kept.all_end_now()
    time.wall += jump
    for _ in range(24):  # a day
        time.pass_by(3600)
        assert kept.going() == 0
    assert kept.retention.days_behind > 300
    time.wall -= jump
    time.pass_by(3600)
    assert kept.going() == 0


def test_a_jump_ahead_before_the_start_removes_nothing_for_days(log: Path) -> None:
    """The clock of ages goes on over a restart, and over the loss of its file from the last checkpoint."""
    time = Time()
    kept = Kept(log, time, trim_share=1.0)
    kept.all_end_now()
    assert kept.going() == 0
    time.wall += 400 * DAY
    again = Kept(log, time, trim_share=1.0, signed_at=time.wall)
    time.pass_by(DAY)
    assert again.going() == 0
    (log / "chain-1" / age.FILE).write_text("{")
    lost = Kept(log, time, trim_share=1.0, signed_at=1_700_000_000.0)
    time.pass_by(DAY)
    assert lost.going() == 0


def test_a_clock_that_is_ahead_from_the_start_is_not_believed_after_a_kill(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is killed at once has signed with the wrong time already."""
    monkeypatch.setattr("time.time", lambda: NOW * 2)

    async def main() -> None:
        opened = AuditLog(AuditSettings(log, checkpoint_interval=3600), 1, print, print)
        await asyncio.get_running_loop().run_in_executor(opened._disk, int)
        kept = json.loads((log / "chain-1" / age.FILE).read_text())
        assert kept["now"] < NOW * 1.5
        opened.close()

    asyncio.run(main())


@pytest.mark.parametrize("wall", [0.0, NOW - 400 * DAY])
def test_a_jump_back_keeps_and_removes_what_time_says(log: Path, wall: float) -> None:
    time = Time()
    kept = Kept(log, time, trim_share=1.0)
    kept.all_end_now()
    time.wall = wall
    time.pass_by(80 * DAY)
    assert kept.going() == 0
    again = Kept(log, time, trim_share=1.0)
    time.pass_by(11 * DAY)
    assert again.going() == len(segments(log)) - 1


def test_time_without_a_gateway_counts_in_the_end(log: Path) -> None:
    time = Time()
    kept = Kept(log, time, trim_share=1.0)
    kept.all_end_now()
    kept.due()
    time.wall += 96 * DAY
    again = Kept(log, time, trim_share=1.0)
    time.pass_by(3 * DAY)
    assert again.going() == 0
    time.pass_by(DAY)
    assert again.going() == len(segments(log)) - 1


def test_the_ages_of_older_logs_are_those_of_their_records(log: Path) -> None:
    ages = Ages(log / "chain-1", None, NOW * 2)
    inventory = Inventory(log / "chain-1", segments_in(log / "chain-1")[-1])
    found = ages.of({each.segment.first: each for each in inventory})
    assert min(found.values()) > NOW / 2
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_no_segment_is_older_than_one_before_it(log: Path) -> None:
    ages = Ages(log / "chain-1", None, NOW)
    inventory = Inventory(log / "chain-1", segments_in(log / "chain-1")[-1])
    firsts = [each.segment.first for each in inventory]
    kept = {"now": NOW, "ended": {str(first): NOW - 10 * number for number, first in enumerate(firsts)}}
    (log / "chain-1" / age.FILE).write_text(json.dumps(kept))
    ages = Ages(log / "chain-1", None, NOW)
    found = ages.of({each.segment.first: each for each in inventory})
    assert set(found.values()) == {0.0}


def test_for_their_age_only_few_go_at_once_and_for_their_size_as_many_as_must(log: Path) -> None:
    time = Time()
    count = len(segments(log)) - 1
    size = max(path.stat().st_size for path in segments(log))
    assert count >= 4
    kept = Kept(log, time, trim_share=0.0)
    kept.all_end_now()
    time.pass_by(91 * DAY)
    due = kept.due()
    assert due.removal is not None
    assert (len(due.removal.segments), due.later) == (1, count - 1)
    two = Kept(log, time, trim_share=2.5 * size / sum(path.stat().st_size for path in segments(log)))
    assert two.going() == 2
    small = Kept(log, time, trim_share=0.0, keep_bytes=1)
    assert small.going() == count


def test_what_was_never_signed_does_not_go(log: Path) -> None:
    time = Time()
    kept = Kept(log, time, trim_share=1.0)
    kept.all_end_now()
    time.pass_by(91 * DAY)
    due = kept.retention.due([])
    assert due.removal is None
    assert "never signed" in str(due.kept)


def test_each_round_leaves_a_record_and_a_line_and_the_rest_for_the_next(log: Path) -> None:
    notes: list[str] = []
    chain = log / "chain-1"
    (chain / age.FILE).write_text(json.dumps({"now": NOW, "ended": {str(int(p.stem)): 0.0 for p in segments(log)}}))

    async def main() -> None:
        opened = AuditLog(AuditSettings(log, trim_share=0.0, checkpoint_interval=3600), 1, print, print, notes.append)
        for expected in itertools.count(1):
            opened._upkeep._retained_at = -1e9
            opened._upkeep._tick()
            for _ in range(4):
                await asyncio.get_running_loop().run_in_executor(opened._disk, int)
                for _ in range(3):
                    await asyncio.sleep(0)
            if expected == 3:
                break
        opened.close()

    before = len(segments(log))
    asyncio.run(main())
    assert len(segments(log)) == before - 3
    assert len(notes) == 3
    assert "go later" in notes[0]
    kinds = [json.loads(line)["kind"] for path in segments(log) for line in path.read_bytes().splitlines()]
    assert kinds.count("trimmed") == 3


def test_a_segment_that_ends_now_is_new(log: Path) -> None:
    kept = Kept(log, Time(), keep_seconds=10.0)
    kept.all_end_now()
    assert kept.going() == 0


def test_ages_that_cannot_be_kept_do_not_keep_the_files(log: Path) -> None:
    time = Time()
    kept = Kept(log, time, keep_bytes=1)
    kept.all_end_now()
    (log / "chain-1" / f".{age.FILE}.new").mkdir()
    due = kept.due()
    assert due.removal is not None
    assert len(due.removal.segments) == len(segments(log)) - 1
    assert age.FILE in str(due.unsaved)


def test_what_stands_in_the_way_of_keeping_less_is_told_once(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def unreadable(*_: object) -> Due:
        raise PermissionError(13, "Permission denied")

    async def main() -> None:
        opened = AuditLog(AuditSettings(log, checkpoint_interval=3600), 1, print, said.append)
        with monkeypatch.context() as patched:
            patched.setattr("aimux.audit.retention.Retention.due", unreadable)
            for _ in range(2):
                opened._upkeep._retained_at = -1e9
                opened._upkeep._tick()
                for _ in range(4):
                    await asyncio.get_running_loop().run_in_executor(opened._disk, int)
                    for _ in range(3):
                        await asyncio.sleep(0)
        opened.close()

    asyncio.run(main())
    assert [line for line in said if "cannot be looked for" in line] == said != []
    assert len(said) == 1
