"""The second place of checkpoints: what it is told, and that nothing else waits for it."""

import asyncio
import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimux.audit import checkpoints
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.errors import AuditError
from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import PUBLIC_KEY, Verifier
from aimux.audit.verify import verify

Written = Callable[..., list[str]]
Make = Callable[..., Any]


def test_a_second_place_that_cannot_be_written_is_warned_of_and_gets_all_later(
    tmp_path: Path, written: Written, made: Make
) -> None:
    far = tmp_path / "far" / "checkpoints.jsonl"
    warnings: list[str] = []
    warned = asyncio.Event()

    def warn(why: str) -> None:
        warnings.append(why)
        warned.set()

    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path / "audit", checkpoint_to=far), 1, print, warn)
        await warned.wait()
        assert log.counts.checkpoint_failures == 1
        assert log.writable
        far.parent.mkdir()
        log.request(made(1))
        log.close()

    asyncio.run(main())
    assert "checkpoint_to" in warnings[0]
    own = (tmp_path / "audit" / "chain-1" / "checkpoints.jsonl").read_text()
    assert far.read_text() == own
    assert len(own.splitlines()) == 2


def test_a_second_place_that_hangs_holds_nothing_else_up(
    tmp_path: Path, made: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = tmp_path / "far.jsonl"
    warnings: list[str] = []
    release, real = threading.Event(), checkpoints.append

    def append(path: Path, signed: list[Checkpoint]) -> None:
        if path == far:
            release.wait()
        real(path, signed)

    monkeypatch.setattr("aimux.audit.checkpoints.append", append)
    monkeypatch.setattr("aimux.audit.log._PATIENCE_SECONDS", 0.01)

    async def main() -> None:
        settings = AuditSettings(tmp_path / "audit", always=True, checkpoint_to=far)
        log = AuditLog(settings, 1, print, warnings.append)
        wait = log.decided(made(1))
        assert wait is not None
        await wait
        log.close()

    asyncio.run(main())
    release.set()
    assert warnings == ["the last checkpoint could not be written to audit.checkpoint_to: it does not answer"]
    assert verify(tmp_path / "audit", Verifier.at(tmp_path / "audit" / PUBLIC_KEY))[0].fault is None


def test_a_second_place_that_is_not_there_is_no_agreement(log: Path, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="second file of checkpoints"):
        verify(log, Verifier.at(log / PUBLIC_KEY), tmp_path / "nowhere.jsonl")


def test_a_second_place_that_knows_nothing_of_a_chain_is_told(log: Path, tmp_path: Path, written: Written) -> None:
    far = tmp_path / "far.jsonl"
    far.write_text("")
    (verdict,) = verify(log, Verifier.at(log / PUBLIC_KEY), far)
    assert verdict.notes == [f"{far} holds no checkpoint of it"]
    written(AuditSettings(log, checkpoint_to=far), [])
    assert verify(log, Verifier.at(log / PUBLIC_KEY), far)[0].notes == []


def test_what_another_key_has_signed_there_is_no_chain_that_was_lost(
    log: Path, tmp_path: Path, written: Written
) -> None:
    far = tmp_path / "far.jsonl"
    written(AuditSettings(tmp_path / "other", checkpoint_to=far), [])
    written(AuditSettings(log, checkpoint_to=far), [])
    assert [verdict.fault for verdict in verify(log, Verifier.at(log / PUBLIC_KEY), far)] == [None]


def checkpoint(count: int) -> Checkpoint:
    return Checkpoint("a" * 32, 1, count, "b" * 64, "now", b"c" * 64)


def test_a_checkpoint_that_was_written_short_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = tmp_path / "checkpoints.jsonl", os.write
    checkpoints.append(path, [checkpoint(1)])
    monkeypatch.setattr("os.write", lambda descriptor, data: real(descriptor, data[:50]))
    with pytest.raises(OSError, match="No space left"):
        checkpoints.append(path, [checkpoint(2)])
    monkeypatch.undo()
    assert path.read_bytes() == checkpoint(1).line


@pytest.mark.parametrize("torn", [b"{", b'{"origin":"ab', b'{"origin":"abc","chain":1,"count":2,"hea'])
def test_a_torn_checkpoint_is_taken_back_before_the_next_one(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "checkpoints.jsonl"
    checkpoints.append(path, [checkpoint(1)])
    with path.open("ab") as file:
        file.write(torn)
    checkpoints.append(path, [checkpoint(2)])
    assert checkpoints.read(path) == ([checkpoint(1), checkpoint(2)], [])


def test_a_file_that_only_grows_gets_the_next_checkpoint_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    path = tmp_path / "checkpoints.jsonl"
    path.write_bytes(b'{"origin":"ab')
    monkeypatch.setattr("os.ftruncate", refuse)
    checkpoints.append(path, [checkpoint(2)])
    assert checkpoints.read(path) == ([checkpoint(2)], [1])


@pytest.mark.parametrize("found", [b"somebody's notes", b"first\nsecond", b'{"origin":"' * 1024 + b"long"])
def test_nothing_but_a_torn_checkpoint_is_ever_taken_back(tmp_path: Path, found: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(found)
    checkpoints.append(path, [checkpoint(1)])
    assert path.read_bytes() == found + b"\n" + checkpoint(1).line


def test_the_log_is_not_gone_on_with_by_another_key(tmp_path: Path, written: Written, made: Make) -> None:
    log = tmp_path / "audit"
    written(AuditSettings(log), [made(1)])
    before = {path: path.read_bytes() for path in log.rglob("*") if path.is_file()}
    (log / "signing-key.pem").rename(tmp_path / "kept.pem")
    with pytest.raises(AuditError, match=r"signing-key\.pem, is gone: put it back"):
        written(AuditSettings(log), [])
    written(AuditSettings(tmp_path / "other"), [])
    with pytest.raises(AuditError, match="signed with another key"):
        written(AuditSettings(log, signing_key=tmp_path / "other" / "signing-key.pem"), [])
    (tmp_path / "kept.pem").rename(log / "signing-key.pem")
    assert {path: path.read_bytes() for path in log.rglob("*") if path.is_file()} == before
    written(AuditSettings(log), [made(2)])
    assert [json.loads(line)["kind"] for line in lines(log)].count("opened") == 2


def lines(log: Path) -> list[str]:
    return [line for path in sorted((log / "chain-1").glob("*[0-9].jsonl")) for line in path.read_text().splitlines()]
