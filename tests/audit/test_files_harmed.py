"""What others do to the files of a running log: noticed, told, and put back where the records can still be read."""

import asyncio
import errno
import gzip
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import is_whole, records, segments

from aimux.audit import locks
from aimux.audit.incidents import Harm, Outcome
from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import PUBLIC_KEY, Verifier
from aimux.audit.verify import verify
from aimux.core.reason import Failure

Make = Callable[..., Any]
Body = Callable[["Running"], Awaitable[None]]


class Running:
    """A log that is open, with what it told; `turn` has it look after its files once."""

    def __init__(self, settings: AuditSettings, made: Make) -> None:
        self.troubles: list[str | None] = []
        self.warnings: list[str] = []
        self.log = AuditLog(settings, 1, self.troubles.append, self.warnings.append)
        self.folder = settings.path / "chain-1"
        self._made = made
        self._number = 0

    def serve(self, count: int = 3) -> None:
        for _ in range(count):
            self._number += 1
            record = self._made(self._number)
            self.log.decided(record)
            self.log.request(record)
        self.log.flush()

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        self.log._upkeep._tick()
        for _ in range(3):  # looking, sealing, and what follows from both
            await loop.run_in_executor(self.log._disk, int)
            for _ in range(3):
                await asyncio.sleep(0)

    @property
    def live(self) -> Path:
        return self.log.writer.segment.path

    @property
    def incidents(self) -> dict[tuple[Outcome, Harm], int]:
        return dict(self.log.counts.incidents)


def run(tmp_path: Path, made: Make, body: Body, **settings: Any) -> Running:
    """Open a log of its own, do something with it, and close it."""
    found: list[Running] = []

    async def main() -> None:
        running = Running(AuditSettings(tmp_path / "audit", checkpoint_interval=3600, **settings), made)
        found.append(running)
        running.serve()
        await running.turn()
        await body(running)
        running.log.close()

    asyncio.run(main())
    return found[0]


def kinds(log: Path) -> list[str]:
    return [each["kind"] for each in records(log)]


def faults(log: Path) -> list[str]:
    return [str(verdict.fault) for verdict in verify(log, Verifier.at(log / PUBLIC_KEY)) if verdict.fault is not None]


# The segment that is being written.


def renamed(path: Path) -> None:
    path.rename(path.with_suffix(".1"))


def deleted(path: Path) -> None:
    path.unlink()


def compressed(path: Path) -> None:
    path.with_suffix(".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def rotated(path: Path) -> None:
    """As logrotate does with `create`."""
    renamed(path)
    path.touch()


def edited(path: Path) -> None:
    """As `sed -i` does."""
    other = path.with_name("edited")
    other.write_bytes(path.read_bytes().replace(b"revenue", b"nothing"))
    other.replace(path)


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"what somebody else says, without an end")


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


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def shortened(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def overwritten(path: Path) -> None:
    path.write_bytes(b"x" * 50_000)


def changed_in_place(path: Path) -> None:
    """Without a change of its size."""
    with path.open("r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"x" * 50)


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


# The folder.


def test_a_folder_that_is_moved_stops_it_until_it_is_back(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        moved = running.folder.with_name("moved")
        running.folder.rename(moved)
        running.folder.mkdir()
        await running.turn()
        with pytest.raises(Failure, match="folder"):
            running.log.decided(made(90))
        running.log.request(made(90))
        assert list(running.folder.iterdir()) == []
        running.folder.rmdir()
        await running.turn()
        assert not running.log.writable
        moved.rename(running.folder)
        await running.turn()
        assert running.log.writable
        running.serve()

    running = run(tmp_path, made, body)
    assert is_whole(tmp_path / "audit"), faults(tmp_path / "audit")
    assert running.troubles[-1] is None
    assert "gap" in kinds(tmp_path / "audit")


def test_a_folder_that_is_moved_for_good_gets_its_last_records(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        running.folder.parent.rename(tmp_path / "moved")
        running.serve()

    running = run(tmp_path, made, body)
    assert not (tmp_path / "audit").exists()
    assert kinds(tmp_path / "moved")[-1] == "closed"
    assert is_whole(tmp_path / "moved"), faults(tmp_path / "moved")
    assert any("put it back" in warning for warning in running.warnings)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_of_a_folder_that_is_deleted_what_was_open_is_put_back(
    tmp_path: Path, made: Make, *, is_replaced: bool
) -> None:
    async def body(running: Running) -> None:
        running.serve(30)
        await running.turn()
        gone = segments(tmp_path / "audit")[:-1]
        shutil.rmtree(tmp_path / "audit")
        if is_replaced:
            running.folder.mkdir(parents=True)
        running.serve(1)
        await running.turn()
        assert running.log.writable
        assert locks.is_held(running.folder)
        assert running.incidents[Outcome.LOST, Harm.DELETED] == len(gone)
        running.serve(1)

    run(tmp_path, made, body, segment_bytes=5000)
    log = tmp_path / "audit"
    (fault,) = faults(log)
    first = int(segments(log)[0].stem)
    assert f"the log begins with record {first}" in fault
    assert (log / "signing-key.pem").exists()
    assert not is_trimmed(log)
    assert run(tmp_path, made, lambda running: running.turn()).troubles == []


def is_trimmed(log: Path) -> bool:
    return "trimmed" in kinds(log)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_folder_that_is_deleted_just_before_the_end_is_put_back(
    tmp_path: Path, made: Make, *, is_replaced: bool
) -> None:
    async def body(running: Running) -> None:
        running.serve(2)
        shutil.rmtree(tmp_path / "audit")
        if is_replaced:
            (tmp_path / "audit").mkdir()

    run(tmp_path, made, body)
    assert kinds(tmp_path / "audit").count("decision") == 5
    assert is_whole(tmp_path / "audit"), faults(tmp_path / "audit")


def test_a_folder_that_cannot_be_looked_at_stops_it(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(running: Running) -> None:
        def stale(*_: object, **__: object) -> Any:
            raise OSError(116, "Stale file handle")

        with monkeypatch.context() as patched:
            patched.setattr(Path, "stat", stale)
            await running.turn()
        assert not running.log.writable
        await running.turn()
        assert running.log.writable

    running = run(tmp_path, made, body)
    assert "Stale file handle" in str(running.troubles[0])
    assert is_whole(tmp_path / "audit")


# Ended segments.


def test_ended_segments_that_go_are_told_and_named_and_may_come_back(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        running.serve(30)
        await running.turn()
        victim = segments(tmp_path / "audit")[1]
        aside = tmp_path / "aside"
        victim.rename(aside)
        await running.turn()
        assert running.incidents == {(Outcome.LOST, Harm.DELETED): 1}
        assert running.log.writable
        assert not running.log.intact
        assert running.log.standing == [f"{victim.name} is not as it was left"]
        (fault,) = faults(tmp_path / "audit")
        (told,) = [each for each in records(tmp_path / "audit") if each["kind"] == "lost"]
        assert f"records {told['first']} to {told['last']} are missing" in fault
        await running.turn()
        assert running.incidents == {(Outcome.LOST, Harm.DELETED): 1}
        shutil.copy(aside, victim)
        await running.turn()
        assert running.log.intact
        assert (Outcome.NOTED, Harm.CHANGED) in running.incidents

    run(tmp_path, made, body, segment_bytes=5000)
    assert is_whole(tmp_path / "audit"), faults(tmp_path / "audit")


def test_an_ended_segment_is_only_told_of_where_its_records_change(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        running.serve(30)
        await running.turn()
        first, second = segments(tmp_path / "audit")[:2]
        first.touch()
        await running.turn()
        assert running.incidents == {}
        second.write_bytes(second.read_bytes().replace(b"revenue", b"nothing"))
        await running.turn()
        assert running.incidents == {(Outcome.LOST, Harm.CHANGED): 1}

    running = run(tmp_path, made, body, segment_bytes=5000)
    assert faults(tmp_path / "audit") != []
    assert running.troubles == []


def test_a_file_that_is_no_segment_of_the_chain_is_told_of(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        shutil.copy(running.live, running.folder / f"{10**6:020d}.jsonl")
        await running.turn()
        await running.turn()
        assert running.incidents == {(Outcome.NOTED, Harm.WRITTEN): 1}

    running = run(tmp_path, made, body)
    assert any("move it out" in warning for warning in running.warnings)


def test_what_stands_where_the_next_segment_belongs_is_set_aside(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        running.serve(1)
        strange = running.folder / f"{running.log.writer.written.count + 1:020d}.jsonl"
        strange.write_bytes(b"strange\n")
        running.live.unlink()
        await running.turn()
        running.serve(1)
        kept = list(running.folder.glob(f"foreign-{strange.stem}*"))
        assert [each.read_bytes() for each in kept] == [b"strange\n"]

    run(tmp_path, made, body)
    assert is_whole(tmp_path / "audit"), faults(tmp_path / "audit")


# The other files.


def cut_checkpoints(path: Path) -> None:
    os.truncate(path, 10)


@pytest.mark.parametrize("is_trimmed", [False, True])
@pytest.mark.parametrize("harm", [renamed, deleted, rotated, appended, emptied, cut_checkpoints])
def test_checkpoints_are_put_back_or_signed_anew(
    tmp_path: Path, made: Make, harm: Callable[[Path], None], *, is_trimmed: bool
) -> None:
    async def body(running: Running) -> None:
        running.serve(30)
        await running.turn()
        if is_trimmed:
            due = running.log._seal.outlived(running.log.writer.segment)
            assert due.removal is not None
            running.log.append(f'"kind":"trimmed","first":{due.removal.head.count + 1}}}')
            running.log.flush()
            running.log._seal.remove(due.removal, running.log.writer.descriptor)
        before = (running.folder / "checkpoints.jsonl").read_bytes()
        harm(running.folder / "checkpoints.jsonl")
        running.serve(1)
        await running.turn()
        after = (running.folder / "checkpoints.jsonl").read_bytes()
        assert after.startswith(before) is (harm not in {emptied, cut_checkpoints})
        assert sum(running.incidents.values()) == 1
        assert running.log.intact
        assert faults(tmp_path / "audit") == []

    run(tmp_path, made, body, segment_bytes=5000, keep_bytes=20_000 if is_trimmed else 10**9)
    assert is_whole(tmp_path / "audit"), faults(tmp_path / "audit")
    assert is_trimmed is (records(tmp_path / "audit")[0]["seq"] > 1)


def test_checkpoints_that_go_just_before_files_are_removed_are_put_back(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        running.serve(30)
        await running.turn()
        due = running.log._seal.outlived(running.log.writer.segment)
        assert due.removal is not None
        running.log.append(f'"kind":"trimmed","first":{due.removal.head.count + 1}}}')
        running.log.flush()
        (running.folder / "checkpoints.jsonl").unlink()
        running.log._seal.remove(due.removal, running.log.writer.descriptor)
        assert faults(tmp_path / "audit") == []

    run(tmp_path, made, body, segment_bytes=5000, keep_bytes=20_000)


@pytest.mark.parametrize("room", [0, 100])
def test_checkpoints_that_could_not_be_written_are_nobody_else_s_doing(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    class Full:
        """The module `os` on a disk that is full."""

        def __getattr__(self, name: str) -> Any:
            return getattr(os, name)

        def write(self, descriptor: int, data: bytes) -> int:
            if not room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return os.write(descriptor, bytes(data)[:room])

    async def main() -> None:
        with monkeypatch.context() as patched:
            patched.setattr("aimux.audit.checkpoints.os", Full())
            running = Running(AuditSettings(tmp_path / "audit", checkpoint_interval=3600), made)
            await asyncio.get_running_loop().run_in_executor(running.log._disk, int)
        await running.turn()
        await running.turn()
        assert running.incidents == {}
        running.log.close()

    asyncio.run(main())
    assert is_whole(tmp_path / "audit"), faults(tmp_path / "audit")


@pytest.mark.parametrize("name", ["signing-key.pem", "signing-key.pub.pem"])
@pytest.mark.parametrize("harm", [deleted, overwritten])
def test_the_keys_of_the_log_are_put_back(tmp_path: Path, made: Make, harm: Callable[[Path], None], name: str) -> None:
    async def body(running: Running) -> None:
        path = tmp_path / "audit" / name
        before, mode = path.read_bytes(), path.stat().st_mode
        harm(path)
        await running.turn()
        assert (path.read_bytes(), path.stat().st_mode) == (before, mode)
        assert sum(running.incidents.values()) == 1
        await running.turn()
        assert sum(running.incidents.values()) == 1

    run(tmp_path, made, body)
    run(tmp_path, made, lambda running: running.turn())  # it starts again
    assert is_whole(tmp_path / "audit")


def test_a_key_that_was_configured_is_never_written_and_its_loss_is_told(tmp_path: Path, made: Make) -> None:
    run(tmp_path, made, lambda running: running.turn())
    key = tmp_path / "key.pem"
    (tmp_path / "audit" / "signing-key.pem").rename(key)

    async def body(running: Running) -> None:
        content = key.read_bytes()
        key.unlink()
        await running.turn()
        await running.turn()
        assert not key.exists()
        assert running.incidents == {(Outcome.NOTED, Harm.DELETED): 1}
        assert not running.log.intact
        assert running.log.writable
        key.write_bytes(content)
        await running.turn()
        assert running.log.intact

    run(tmp_path, made, body, signing_key=key)
    assert is_whole(tmp_path / "audit")


def test_a_lock_that_is_removed_is_taken_again(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        (running.folder / locks.NAME).unlink()
        assert not locks.is_held(running.folder)
        await running.turn()
        assert locks.is_held(running.folder)
        assert running.incidents == {(Outcome.RESTORED, Harm.DELETED): 1}
        running.serve()

    run(tmp_path, made, body)
    assert is_whole(tmp_path / "audit")
    assert not locks.is_held(tmp_path / "audit" / "chain-1")


def test_nothing_is_written_once_another_gateway_has_the_chain(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        (running.folder / locks.NAME).unlink()
        other = locks.take(running.folder / locks.NAME)
        assert other is not None
        await running.turn()
        under_way = made(90)
        running.log.append('"kind":"x"}')
        before = running.live.read_bytes()
        with pytest.raises(Failure, match="another gateway"):
            running.log.decided(under_way)
        running.log.close()
        assert running.live.read_bytes() == before
        (kept,) = running.folder.glob("unwritten-after-*")
        assert b'"kind":"x"' in kept.read_bytes()
        os.close(other)

    run(tmp_path, made, body)
    assert is_whole(tmp_path / "audit")
