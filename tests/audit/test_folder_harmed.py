"""What others do to the folder of a running log: it waits for one that was moved, and makes one anew that is gone."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import is_whole, records, segments
from audit_support.harm import Make, Running, faults, kinds, run

from aimux.audit import locks
from aimux.audit.incidents import Harm, Outcome
from aimux.core.reason import Failure


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
        if not is_replaced:
            assert {each.stat().st_mode & 0o777 for each in (running.folder, running.folder.parent)} == {0o750}
        running.serve(1)

    run(tmp_path, made, body, segment_bytes=5000)
    log = tmp_path / "audit"
    (fault,) = faults(log)
    first = int(segments(log)[0].stem)
    told = next(each for each in records(log) if each["kind"] == "lost" and each["last"] == first - 1)
    assert f"the log begins with record {first}" in fault
    assert f"record {told['seq']} tells that they were lost" in fault
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
