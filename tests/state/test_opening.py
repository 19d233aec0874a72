"""Opening the state: in its file, in memory with a reason, or not at all where a file may say who is to be stopped."""

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from state_support.opened import files_in, kept, opened, refused

from aimux.state import folder as folders
from aimux.state.opening import open_state
from aimux.state.store import SetDone, StateError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_folder_and_files_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "above" / "state"
    before = os.umask(0)
    try:
        state = opened(folder)
        assert isinstance(await state.store.compare_and_set("space", "k", b"x", None), SetDone)
        assert (state.made, state.only_memory, state.store.is_lasting, state.store.trouble) == (True, None, True, None)
        assert mode(folder) == 0o700
        files = {path.name: mode(path) for path in folder.iterdir()}
    finally:
        os.umask(before)
    assert set(files) >= {"state.db", "state.db-wal", "state.db-shm"}
    assert set(files.values()) == {0o600}
    await state.store.close()


async def test_what_was_set_is_there_after_a_restart_and_no_version_comes_twice(tmp_path: Path) -> None:
    clock = [2_000_000_000.0]
    versions = []
    for moment in (2_000_000_000.0, 1_000_000_000.0, 2_000_000_100.0):  # the clock was wrong meanwhile
        clock[0] = moment
        state = open_state(tmp_path, lambda: clock[0], network=lambda _: None)
        for _ in range(3):
            counter = await state.store.add("counts", "n", 1)
            versions.append(counter.version)
        await state.store.close()
        assert state.made == (moment == 2_000_000_000.0)
    assert counter.value == 9
    assert versions == sorted(set(versions))


async def test_an_older_copy_that_is_restored_gives_no_version_twice(tmp_path: Path) -> None:
    await kept(tmp_path)
    copy = (tmp_path / "state.db").read_bytes()
    state = opened(tmp_path)
    later = await state.store.add("counts", "n", 1)
    await state.store.close()
    (tmp_path / "state.db").write_bytes(copy)
    state = opened(tmp_path)
    assert (await state.store.add("counts", "n", 1)).version > later.version
    await state.store.close()


async def test_files_that_others_could_read_are_closed_to_them(tmp_path: Path) -> None:
    await kept(tmp_path)
    (tmp_path / "state.db").chmod(0o644)
    state = opened(tmp_path)
    assert mode(tmp_path / "state.db") == 0o600
    await state.store.close()


@pytest.mark.parametrize("bits", [0o770, 0o702, 0o777, 0o1777])
async def test_a_folder_that_others_can_write_is_refused(tmp_path: Path, bits: int) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(bits)
    await refused(folder, "others can write", "chmod 700")
    with pytest.raises(StateError, match="others can write"):
        folders.claim(folder)


async def test_a_file_that_others_can_write_is_refused(tmp_path: Path) -> None:
    await kept(tmp_path)
    (tmp_path / "state.db").chmod(0o620)
    await refused(tmp_path, "others can write", "chmod 600")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
async def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    await kept(tmp_path / "state")
    os.chown(tmp_path / "state", 12345, -1)
    await refused(tmp_path / "state", "belongs to user 12345", "chown")


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def no_database(file: Path) -> None:
    file.write_bytes(b"no database " * 1000)


def damaged(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    file.write_bytes(data)


def inconsistent(file: Path) -> None:
    """Pages that SQLite reads, whose own count of free bytes is wrong."""
    data = bytearray(file.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page + 7] = 60  # the bytes that are said to be lost between the cells
    file.write_bytes(data)


def truncated(file: Path) -> None:
    os.truncate(file, 4096)


def newer(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 2")
    connection.close()


def older(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 0")
    connection.close()


def of_another(file: Path) -> None:
    file.unlink()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE entries (x)")
    connection.close()


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def a_link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to(file.with_name("elsewhere"))


def only_newest(file: Path) -> None:
    file.rename(file.with_name("state.db-wal"))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        *((emptied, "not the state"), (no_database, "SQLITE_NOTADB"), (damaged, "moved"), (truncated, "moved")),
        (inconsistent, "is damaged"),
        *((newer, "schema 2"), (older, "schema 0"), (of_another, "not the state"), (a_folder, "not a regular file")),
        *((a_link, "not a regular file"), (only_newest, "is gone")),
    ],
    ids=lambda given: getattr(given, "__name__", ""),
)
async def test_a_file_that_cannot_be_used_stops_the_start(
    tmp_path: Path, harm: Callable[[Path], None], words: str
) -> None:
    await kept(tmp_path)
    harm(tmp_path / "state.db")
    before = files_in(tmp_path)
    await refused(tmp_path, "state.db" if words in ("moved", "SQLITE_NOTADB") else words)
    after = files_in(tmp_path)
    assert {name: after.get(name) for name in before} == before, "nothing is lost by a refusal"


async def test_a_file_that_is_locked_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aimux.state.schema._PATIENCE", 0.05)
    await kept(tmp_path)
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("UPDATE counters SET value = value")
    await refused(tmp_path, "locked by another process")
    other.close()
