"""What a store's own faults and its upkeep do to others: nothing is held back, and no trouble is told that is none."""

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest
from state_support.stores import in_file

from aimux.core.reason import Failure
from aimux.state.database import Database
from aimux.state.opening import WATCHED, hold_state, open_state
from aimux.state.operations import Operation
from aimux.state.store import SetDone, StateError


async def test_a_fault_in_a_change_leaves_the_file_to_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = in_file(time.time, tmp_path, patience=0.2), in_file(time.time, tmp_path)
    apply = Database.apply

    def fails(database: Database, operation: Operation[object]) -> object:
        apply(database, operation)
        raise TypeError("nobody expects it")

    monkeypatch.setattr(Database, "apply", fails)
    with pytest.raises(Failure):
        await store.add("counts", "n", 1)
    monkeypatch.undo()
    assert "nobody expects it" in (store.trouble or "")
    assert (await other.add("counts", "n", 1)).value == 1, "what was begun with the fault is undone"
    await store.close()
    await other.close()


async def test_upkeep_that_waits_for_another_process_is_no_trouble(tmp_path: Path) -> None:
    store = in_file(time.time, tmp_path)
    said: list[str] = []
    store._worker._database._connection.set_trace_callback(said.append)
    await store.add("counts", "ends", 1, ttl=0.001)
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    said.clear()
    end = time.monotonic() + 30
    while said.count("BEGIN IMMEDIATE") < 2:
        assert time.monotonic() < end, "the upkeep was never tried"
        await asyncio.sleep(0.01)
    assert store.trouble is None
    other.close()
    assert (await store.add("counts", "later", 1)).value == 1
    await store.close()


async def test_a_process_that_comes_later_needs_neither_the_lock_nor_space(tmp_path: Path) -> None:
    state = hold_state(tmp_path, time.time, network=lambda _: None)
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = state.place.open(tmp_path, time.time, WATCHED)
    assert (await store.entries("standing")).entries == ()
    other.close()
    assert isinstance(await store.compare_and_set("space", "k", b"x", None), SetDone)
    await store.close()
    state.close()


async def test_a_path_of_links_in_a_circle_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    with pytest.raises(StateError, match="cannot be used"):
        open_state(tmp_path / "one", time.time)
