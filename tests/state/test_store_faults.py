"""What a store answers while its file cannot be used: a refusal in words, and nothing that is carried out later."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from state_support.stores import PATIENT, in_file

from aimux.core.reason import Failure, Reason
from aimux.state.database import Database
from aimux.state.memory import MemoryStore
from aimux.state.sqlite import SqliteStore
from aimux.state.store import Durability, SetDone

DEADLINE = 30.0


async def until(probe: Callable[[], bool], what: str) -> None:
    """Wait for a condition on the event loop."""
    end = time.monotonic() + DEADLINE
    while not probe():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        await asyncio.sleep(0.005)


async def refused(
    store: SqliteStore, key: str = "k", durability: Durability = Durability.PROCESS, value: bytes = b"x"
) -> str:
    """The detail with which a change is refused."""
    with pytest.raises(Failure) as caught:
        await store.compare_and_set("space", key, value, None, durability=durability)
    assert caught.value.reason is Reason.STATE_UNAVAILABLE
    assert caught.value.reason.status == 503
    return caught.value.detail


async def refused_for_good(store: SqliteStore, words: str) -> None:
    """Wait until the trouble is noticed; then reading is refused as well."""
    await until(lambda: words in (store.trouble or ""), f"trouble with {words!r}")
    assert "until the gateway is restarted" in await refused(store)
    with pytest.raises(Failure):
        await store.get("space", "there")
    with pytest.raises(Failure):
        await store.entries("space")


@pytest.fixture(params=["tmpfs", "pages"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A small disk. Only root may mount one; else SQLite is told that a file may not grow."""
    place = tmp_path / "small"
    place.mkdir()
    if request.param == "pages":
        yield place
        return
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "aimux-test", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here; a limit on the pages of the file is tried instead")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def limit_pages(store: SqliteStore, pages: int) -> None:
    store._worker._database._connection.execute(f"PRAGMA max_page_count = {pages}")


def has_mount(place: Path) -> bool:
    return place.is_mount()


async def fill(store: SqliteStore) -> list[str]:
    """Set entries until there is no room; the keys of those that were acknowledged."""
    kept: list[str] = []
    while True:
        try:
            done = await store.compare_and_set("space", f"n{len(kept)}", os.urandom(50_000), None)
        except Failure:
            return kept
        assert isinstance(done, SetDone)
        kept.append(f"n{len(kept)}")
        assert len(kept) < 1000


async def test_a_full_disk_refuses_changes_until_there_is_room(disk: Path) -> None:
    store = in_file(time.time, disk / "state")
    is_mounted = has_mount(disk)
    if not is_mounted:
        limit_pages(store, 40)
    filler = disk / "filler"
    if is_mounted:
        with filler.open("wb") as file:
            file.write(b"\0" * 1_000_000)
    kept = await fill(store)
    assert kept
    assert store.trouble is not None
    assert "full" in store.trouble
    assert "full" in await refused(store, "more", Durability.POWER, os.urandom(50_000))
    assert await store.get("space", kept[0]) is not None
    if is_mounted:
        filler.unlink()
    else:
        limit_pages(store, 1_000_000)
    await until(lambda: store.trouble is None, "the trouble to pass by itself")
    assert isinstance(await store.compare_and_set("space", "more", b"x", None), SetDone)
    await store.close()
    again = in_file(time.time, disk / "state")
    there = {entry.key for entry in (await again.entries("space")).entries}
    assert there == {*kept, "more"}
    await again.close()


async def test_a_locked_file_refuses_changes_and_is_read_meanwhile(tmp_path: Path) -> None:
    store = in_file(time.time, tmp_path, patience=0.1)
    await until_done(store, "there")
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Failure) as caught:
        await store.compare_and_set("space", "k", b"x", None)
    assert "lock" in caught.value.detail or "not carried out" in caught.value.detail
    await until_read(store, "there")
    other.execute("ROLLBACK")
    await until_done(store, "later")
    await until(lambda: store.trouble is None, "the trouble to pass")
    await until_read(store, "later")
    other.close()
    await store.close()
    again = in_file(time.time, tmp_path)
    assert await again.get("space", "k") is None, "what was refused before it began was carried out later"
    await again.close()


async def until_done(store: SqliteStore, key: str) -> None:
    """Set an entry, however busy the machine is."""
    for _ in range(100):
        try:
            await store.compare_and_set("space", key, b"x", None)
        except Failure:
            continue
        return
    pytest.fail(f"{key} could not be set")


async def until_read(store: SqliteStore, key: str) -> None:
    for _ in range(100):
        try:
            assert await store.get("space", key) is not None
        except Failure:
            continue
        return
    pytest.fail(f"{key} could not be read")


async def test_the_loop_goes_on_while_a_disk_hangs_and_what_had_begun_may_have_taken_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = in_file(time.time, tmp_path, patience=0.1)
    hanging, goes_on, commit = threading.Event(), threading.Event(), Database.commit

    def hang(database: Database) -> None:
        hanging.set()
        goes_on.wait(DEADLINE)
        commit(database)

    monkeypatch.setattr(Database, "commit", hang)
    begun = asyncio.create_task(store.compare_and_set("space", "begun", b"x", None))
    await until(hanging.is_set, "the thread to hang")
    behind = asyncio.create_task(store.compare_and_set("space", "behind", b"x", None))
    with pytest.raises(Failure, match="did not answer") as caught:
        await begun
    assert "may have taken effect" in caught.value.detail
    with pytest.raises(Failure) as caught:
        await behind
    assert "was not carried out" in caught.value.detail
    monkeypatch.setattr(Database, "commit", commit)
    goes_on.set()
    await until_read(store, "begun")
    await store.close()
    again = in_file(time.time, tmp_path)
    assert await again.get("space", "behind") is None
    await again.close()


def remove(folder: Path) -> None:
    (folder / "state.db").unlink()


def replace(folder: Path) -> None:
    shutil.copy(folder / "state.db", folder / "copy")
    (folder / "copy").rename(folder / "state.db")


def remove_newest(folder: Path) -> None:
    (folder / "state.db-wal").unlink()


def move_folder(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


@pytest.mark.parametrize("harm", [remove, replace, remove_newest, move_folder])
async def test_a_file_that_is_removed_or_replaced_is_noticed_and_used_no_more(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    store = in_file(time.time, tmp_path / "state")
    assert isinstance(await store.compare_and_set("space", "there", b"x", None), SetDone)
    harm(tmp_path / "state")
    await refused_for_good(store, "removed or replaced")
    await store.close()


async def test_what_must_survive_a_loss_of_power_is_never_acknowledged_on_a_file_that_is_gone(tmp_path: Path) -> None:
    store = in_file(time.time, tmp_path)
    assert isinstance(await store.compare_and_set("space", "there", b"x", None), SetDone)
    remove(tmp_path)
    assert "removed or replaced" in await refused(store, durability=Durability.POWER)
    await store.close()


@pytest.mark.parametrize("name", ["SQLITE_IOERR_FSYNC", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_READONLY_DBMOVED"])
async def test_a_disk_that_fails_is_used_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    store = in_file(time.time, tmp_path)

    def fail(_: Database) -> None:
        error = sqlite3.OperationalError("what SQLite says")
        error.sqlite_errorcode, error.sqlite_errorname = getattr(sqlite3, name), name
        raise error

    monkeypatch.setattr(Database, "commit", fail)
    assert name in await refused(store)
    monkeypatch.undo()
    await refused_for_good(store, name)
    await store.close()


async def test_a_fault_of_our_own_in_the_thread_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = in_file(time.time, tmp_path, patience=1.0)
    monkeypatch.setattr(Database, "commit", lambda _: {}["missing"])
    with pytest.raises(Failure):
        await store.compare_and_set("space", "k", b"x", None)
    await refused_for_good(store, "a fault in the state store (KeyError")
    await store.close()


async def test_memory_refuses_what_must_survive_and_says_why() -> None:
    store = MemoryStore(time.time, why="no file here")
    assert not store.is_lasting
    assert store.trouble == "no file here"
    for durability in (Durability.PROCESS, Durability.POWER):
        with pytest.raises(Failure) as caught:
            await store.compare_and_set("space", "k", b"x", None, durability=durability)
        assert (caught.value.reason, caught.value.detail) == (Reason.STATE_UNAVAILABLE, "no file here")
    assert await store.get("space", "k") is None


async def test_the_newest_changes_are_brought_into_the_file_while_it_is_used(tmp_path: Path) -> None:
    store = in_file(time.time, tmp_path)
    for number in range(20):
        await store.compare_and_set("space", str(number), os.urandom(500_000), None)
    await until(lambda: size_of(tmp_path / "state.db") > 9_000_000, "the file to grow")
    await store.close()


def size_of(file: Path) -> int:
    return file.stat().st_size


async def test_a_closed_store_refuses(tmp_path: Path) -> None:
    for store in (in_file(time.time, tmp_path), MemoryStore(time.time)):
        pending = asyncio.create_task(store.add("counts", "n", 1))
        await asyncio.sleep(0)
        await store.close()
        assert (await pending).value == 1, "what was asked before is answered"
        with pytest.raises(Failure, match="did not answer"):
            await store.get("counts", "n")
        await store.close()


async def test_what_comes_in_one_turn_is_committed_once_and_waits_for_the_disk_only_where_asked(tmp_path: Path) -> None:
    store = in_file(time.time, tmp_path, patience=PATIENT)
    said: list[str] = []
    store._worker._database._connection.set_trace_callback(said.append)
    await asyncio.gather(*(store.add("counts", str(number), 1) for number in range(16)))
    assert said.count("BEGIN IMMEDIATE") == said.count("COMMIT") == 1
    assert "PRAGMA synchronous = FULL" not in said
    said.clear()
    await store.compare_and_set("space", "k", b"x", None, durability=Durability.POWER)
    assert said.index("PRAGMA synchronous = FULL") < said.index("BEGIN IMMEDIATE")
    said.clear()
    await store.add("counts", "0", 1)
    assert said.index("PRAGMA synchronous = NORMAL") < said.index("BEGIN IMMEDIATE")
    await store.close()
