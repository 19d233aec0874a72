"""A disk that is full or fails, and whoever waits for it: nothing is forwarded unrecorded, nothing written is lost."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import is_whole, records

from aimux.audit.log import AuditLog
from aimux.audit.opening import open_chain, open_key
from aimux.audit.settings import AuditSettings
from aimux.audit.writer import ChainWriter
from aimux.core.reason import Failure

Make = Callable[..., Any]


class Disk:
    """Stands between the writer and the kernel: `room` is how many more bytes it takes, None for any number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None
        self._write = os.write
        monkeypatch.setattr("aimux.audit.writer.os.write", self.write)

    def write(self, descriptor: int, data: bytes) -> int:
        if self.room is None:
            return self._write(descriptor, data)
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._write(descriptor, bytes(data)[: self.room])
        self.room -= written
        return written


@pytest.mark.parametrize("room", [0, 1, 300])
def test_while_it_cannot_be_written_nothing_may_be_forwarded_and_nothing_is_lost(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    troubles: list[str | None] = []
    disk = Disk(monkeypatch)

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path), 1, troubles.append, print)
        served, unlucky, refused = made(1), made(2), made(3)
        log.decided(served)
        disk.room = room
        with pytest.raises(Failure, match="audit log"):
            log.decided(unlucky)
        with pytest.raises(Failure, match="audit log"):
            log.decided(refused)
        for each in (served, unlucky, refused):
            log.request(each)
        assert not log.writable
        assert (log.counts.unrecorded, len(troubles)) == (1, 1)
        whole = (tmp_path / "chain-1").glob("*[0-9].jsonl")
        assert all(path.read_bytes().endswith(b"}\n") for path in whole)
        disk.room = None
        log._retry()
        assert log.writable
        log.close()

    asyncio.run(main())
    assert troubles == ["No space left on device", None]
    kinds = [each["kind"] for each in records(tmp_path)[2:]]
    assert kinds == ["decision", "decision", "outcome", "outcome", "gap", "closed"]
    assert next(each for each in records(tmp_path) if each["kind"] == "gap")["unrecorded"] == 1
    assert is_whole(tmp_path)


def test_a_disk_that_hangs_is_told_of_once_and_so_is_its_end(tmp_path: Path) -> None:
    said: list[str] = []

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, checkpoint_interval=3600), 1, print, said.append, said.append)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(log._disk, int)
        hanging = threading.Event()
        loop.run_in_executor(log._disk, hanging.wait)
        for _ in range(3):
            log._upkeep._tick()
        assert said == []
        log._upkeep._looking_since -= 31
        for _ in range(2):
            log._upkeep._tick()
        assert [line for line in said if "has not answered" in line] == said != []
        hanging.set()
        await loop.run_in_executor(log._disk, int)
        await asyncio.sleep(0)
        assert "answers again" in said[-1]
        log.close()

    asyncio.run(main())


def test_the_log_is_closed_although_its_disk_hangs(tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aimux.audit.log._PATIENCE_SECONDS", 0.05)
    said: list[str] = []
    hanging = threading.Event()

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, checkpoint_interval=3600), 1, print, said.append)
        log.decided(made(1))
        log._loop.run_in_executor(log._disk, hanging.wait)
        log.close()
        assert not hanging.is_set()
        hanging.set()
        log._disk.shutdown()
        for each in (log.writer, log._seal, log._watch):  # what the end of the process does otherwise
            each.close()

    asyncio.run(main())
    assert any("has not answered" in line for line in said)
    assert records(tmp_path)[-1]["kind"] == "decision"


def test_a_disk_that_stays_full_is_tried_once_a_second_however_long_it_lasts(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, checkpoint_interval=3600), 1, lambda _: None, print)
        planned = 0
        real = log._loop.call_later

        def call_later(seconds: float, callback: Callable[..., object], *arguments: Any) -> asyncio.TimerHandle:
            nonlocal planned
            planned += callback == log._retry
            return real(seconds, callback, *arguments)

        monkeypatch.setattr(log._loop, "call_later", call_later)
        disk.room = 0
        with pytest.raises(Failure):
            log.decided(made(1))
        for _ in range(5):
            log._upkeep.seal_now()  # as every look at the files does
        assert planned == 1
        log._retry()
        assert planned == 2
        disk.room = None
        log.close()

    asyncio.run(main())


def test_the_writer_is_not_fooled_by_what_a_failed_attempt_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_chain(tmp_path, open_key(AuditSettings(tmp_path)).verifier)
    writer = ChainWriter(tmp_path, opened, 10_000)
    disk = Disk(monkeypatch)
    real = os.ftruncate
    monkeypatch.setattr("aimux.audit.writer.os.ftruncate", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "no")))
    disk.room = 5
    writer.append('"kind":"x"}')
    with pytest.raises(OSError, match="no"):
        writer.flush()
    disk.room = None
    with pytest.raises(OSError, match="no"):
        writer.flush()
    monkeypatch.setattr("aimux.audit.writer.os.ftruncate", real)
    writer.flush()
    assert writer.segment.path.read_bytes().count(b'{"seq":1,') == 1
    writer.close()


def test_what_went_unrecorded_is_told_even_where_the_log_is_closed_before_it_works_again(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path), 1, lambda _: None, print)
        disk.room = 0
        log.configuration("c", None)
        with pytest.raises(Failure):
            log.decided(made(1))
        log.request(made(2))
        disk.room = None
        log.close()

    asyncio.run(main())
    kinds = [(each["kind"], each.get("unrecorded")) for each in records(tmp_path)[-2:]]
    assert kinds == [("gap", 1), ("closed", None)]
    assert is_whole(tmp_path)
