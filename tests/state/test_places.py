"""The processes of one gateway keep its state at one place: none begins another, whatever became of the first."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from state_support.opened import files_in, kept

from aimux.state import folder as folders
from aimux.state.opening import WATCHED, hold_state, open_state
from aimux.state.places import HeldState
from aimux.state.store import Durability, SetDone, StateError, StateStore


def held(folder: Path) -> HeldState:
    return hold_state(folder, time.time, network=lambda _: None)


def store_at(state: HeldState, folder: Path) -> StateStore:
    return state.place.open(folder, time.time, WATCHED)


async def test_processes_share_what_is_held_and_keep_its_files_though_all_of_them_end(tmp_path: Path) -> None:
    state = held(tmp_path)
    assert (state.made, state.place.only_memory) == (True, None)
    for expected in (None, b"x"):
        store = store_at(state, tmp_path)
        found = await store.get("space", "k")
        assert (found and found.value) == expected
        if found is None:
            assert isinstance(await store.compare_and_set("space", "k", b"x", None), SetDone)
        await store.close()
    state.close()
    again = held(tmp_path)
    assert not again.made
    again.close()


def removed(folder: Path) -> None:
    shutil.rmtree(folder)


def emptied(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def replaced(folder: Path) -> None:
    shutil.copy(folder / "state.db", folder / "copy")
    (folder / "copy").rename(folder / "state.db")


def without_the_newest(folder: Path) -> None:
    (folder / "state.db-wal").unlink()


@pytest.mark.parametrize("harm", [removed, emptied, replaced, without_the_newest])
async def test_a_process_that_comes_later_takes_no_other_state(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    folder = tmp_path / "state"
    await kept(folder)
    state = held(folder)
    harm(folder)
    before = files_in(folder) if folder.exists() else None
    with pytest.raises(StateError, match="removed or replaced") as caught:
        store_at(state, folder)
    assert str(folder / "state.db") in str(caught.value)
    assert (files_in(folder) if folder.exists() else None) == before, "nothing is begun anew"
    state.close()


async def test_a_process_that_comes_later_stays_in_memory_as_the_others_do(tmp_path: Path) -> None:
    (tmp_path / "above").touch()
    folder = tmp_path / "above" / "state"
    state = held(folder)
    (tmp_path / "above").unlink()
    store = store_at(state, folder)
    assert not store.is_lasting
    assert store.trouble == state.place.only_memory
    assert "Not a directory" in (store.trouble or "")
    assert not folder.exists()
    await store.close()
    state.close()


async def test_a_folder_that_cannot_be_claimed_is_not_used(tmp_path: Path) -> None:
    folders.prepare(tmp_path / "state")
    (tmp_path / "state" / "lock").mkdir()
    claim = folders.claim(tmp_path / "state")
    assert claim.descriptor is None
    opened = open_state(tmp_path / "state", time.time, network=lambda _: None, unclaimed=claim.missing)
    assert "Is a directory" in (opened.only_memory or "")
    with pytest.raises(Exception, match="did not answer"):
        await opened.store.add("counts", "n", 1, durability=Durability.PROCESS)
    await opened.store.close()
    await kept(tmp_path / "state")
    for opening in (open_state, hold_state):
        with pytest.raises(StateError, match="cannot be used"):
            opening(tmp_path / "state", time.time, network=lambda _: None, unclaimed=claim.missing)
