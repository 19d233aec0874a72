"""What is on the disk before anything is forwarded, and who is refused where the disk does not keep it."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import is_whole

from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings
from aimux.core.reason import Failure

Make = Callable[..., Any]


def test_always_waits_for_the_disk_and_those_who_come_together_share_the_wait(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = 0
    real = os.fdatasync

    def counted(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1
        real(descriptor)

    async def main() -> None:
        nonlocal syncs
        log = AuditLog(AuditSettings(tmp_path, always=True, checkpoint_interval=60), 1, print, print)
        await asyncio.get_running_loop().run_in_executor(log._disk, int)
        monkeypatch.setattr("os.fdatasync", counted)
        waits = [log.decided(made(n)) for n in range(50)]
        assert not any(wait.done() for wait in waits if isinstance(wait, asyncio.Future))
        for wait in waits:
            assert wait is not None
            await wait
        assert 1 <= syncs <= 3
        log.close()

    asyncio.run(main())


def test_what_the_disk_did_not_keep_is_not_served_until_a_restart(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    troubles: list[str | None] = []

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, always=True, checkpoint_interval=60), 1, troubles.append, print)
        await asyncio.get_running_loop().run_in_executor(log._disk, int)
        monkeypatch.setattr("os.fdatasync", fail)
        wait = log.decided(made(1))
        assert wait is not None
        with pytest.raises(Failure, match="audit log"):
            await wait
        monkeypatch.undo()
        log._retry()
        with pytest.raises(Failure, match="audit log"):
            log.decided(made(2))
        log.close()

    asyncio.run(main())
    assert len(troubles) == 1
    assert "restart" in str(troubles[0])


def test_those_who_wait_behind_a_failed_sync_are_refused_too(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = os.fdatasync, [OSError(errno.EIO, "no")]

    def once(descriptor: int) -> None:
        if failures:
            raise failures.pop()
        real(descriptor)

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, always=True, checkpoint_interval=60), 1, lambda _: None, print)
        await asyncio.get_running_loop().run_in_executor(log._disk, int)
        monkeypatch.setattr("os.fdatasync", once)
        for wait in [log.decided(made(1)), log.decided(made(2))]:
            assert wait is not None
            with pytest.raises(Failure, match="audit log"):
                await wait
        log.close()

    asyncio.run(main())


def test_who_waits_for_the_disk_when_the_log_is_closed_is_not_left_waiting(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, always=True, checkpoint_interval=60), 1, print, print)
        first, second = log.decided(made(1)), log.decided(made(2))
        log.close()
        assert first is not None
        assert second is not None
        await first
        with pytest.raises(Failure, match="audit log"):
            await second

    asyncio.run(main())


def test_a_record_at_the_end_of_a_segment_waits_for_that_segment_too(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synced = os.fdatasync, []

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    async def main() -> None:
        settings = AuditSettings(tmp_path, always=True, checkpoint_interval=60, segment_bytes=1000)
        log = AuditLog(settings, 1, print, print)
        await asyncio.get_running_loop().run_in_executor(log._disk, int)
        monkeypatch.setattr("os.fdatasync", noted)
        waits = [log.decided(made(number)) for number in range(6)]
        files = {path.name for path in (tmp_path / "chain-1").glob("*[0-9].jsonl")}
        assert len(files) > 1
        for wait in waits:
            assert wait is not None
            await wait
        assert set(synced) == files
        log.close()

    asyncio.run(main())


def test_segments_that_have_ended_are_on_the_disk_whatever_else_fails(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `audit.sync: always`, whoever waits is answered after the file that is being written alone."""
    real, synced = os.fdatasync, set()

    def noted(descriptor: int) -> None:
        synced.add(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    def no_room(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, checkpoint_interval=3600, segment_bytes=1000), 1, print, print)
        await asyncio.get_running_loop().run_in_executor(log._disk, int)
        for number in range(6):
            log.decided(made(number))
        ended = {each.segment.path.name for each in log.writer.retired}
        assert len(ended) > 1
        monkeypatch.setattr("os.fdatasync", noted)
        monkeypatch.setattr("aimux.audit.sealing.put_back", no_room)
        log._upkeep.seal_now()
        await asyncio.get_running_loop().run_in_executor(log._disk, int)
        assert synced == ended
        monkeypatch.undo()
        log.close()

    asyncio.run(main())
    assert is_whole(tmp_path)
