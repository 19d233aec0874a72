"""What others do to the files beside the one that a running log writes: full ones, checkpoints, keys, the lock."""

import asyncio
import errno
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
    changed_later,
    cut_checkpoints,
    deleted,
    emptied,
    faults,
    overwritten,
    renamed,
    rotated,
    run,
)

from aimux.audit import locks
from aimux.audit.incidents import Harm, Outcome
from aimux.audit.settings import AuditSettings
from aimux.core.reason import Failure

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


@pytest.mark.parametrize("is_trimmed", [False, True])
@pytest.mark.parametrize("harm", [renamed, deleted, rotated, appended, emptied, cut_checkpoints, changed_later])
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
        assert after.startswith(before) is (harm not in {emptied, cut_checkpoints, changed_later})
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
        assert kept.stat().st_mode & 0o777 == 0o640
        os.close(other)

    run(tmp_path, made, body)
    assert is_whole(tmp_path / "audit")


def test_a_chain_that_another_gateway_had_is_left_alone_when_that_one_ends(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        (running.folder / locks.NAME).unlink()
        other = locks.take(running.folder / locks.NAME)
        assert other is not None
        await running.turn()
        with running.live.open("ab") as file:
            file.write(b"a record of the other gateway\n")
        left = {path: path.stat().st_mtime_ns for path in running.folder.iterdir()}
        os.close(other)
        await running.turn()
        await running.turn()
        assert not locks.is_held(running.folder)  # who takes the chain next may have it
        assert {path: path.stat().st_mtime_ns for path in running.folder.iterdir()} == left
        assert not running.log.writable

    run(tmp_path, made, body)


def test_records_that_can_be_kept_nowhere_do_not_keep_the_log_from_closing(tmp_path: Path, made: Make) -> None:
    async def body(running: Running) -> None:
        (running.folder / locks.NAME).unlink()
        other = locks.take(running.folder / locks.NAME)
        assert other is not None
        await running.turn()
        number = running.log.append('"kind":"x"}')
        (running.folder / f"unwritten-after-{number - 1:020d}.bin").mkdir()
        running.log.close()
        os.close(other)

    running = run(tmp_path, made, body)
    assert any("are lost" in warning for warning in running.warnings)
