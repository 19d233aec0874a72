"""States that are opened in a folder: as they should be, or refused."""

import time
from pathlib import Path

import pytest

from aimux.state.opening import OpenedState, open_state
from aimux.state.store import SetDone, StateError


def opened(folder: Path) -> OpenedState:
    return open_state(folder, time.time, network=lambda _: None)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def kept(folder: Path) -> None:
    """A state that somebody wrote and closed."""
    state = opened(folder)
    assert isinstance(await state.store.compare_and_set("space", "k", b"kept", None), SetDone)
    await state.store.close()


async def refused(folder: Path, *words: str) -> None:
    with pytest.raises(StateError) as caught:
        opened(folder)
    for word in (*words, str(folder)):
        assert word in str(caught.value)
