"""Stores to test: in memory, and in a file that is made for the test."""

from collections.abc import Callable
from pathlib import Path

from aimux.state import folder as folders
from aimux.state import schema
from aimux.state.changelog import Bounds
from aimux.state.memory import MemoryStore
from aimux.state.sqlite import SqliteStore

WATCHED = frozenset({"standing"})
PATIENT = 30.0
"""Seconds for operations whose time is not what is tested: the machine may be busy."""


def in_memory(clock: Callable[[], float], _: Path, bounds: Bounds | None = None) -> MemoryStore:
    """A store in memory."""
    return MemoryStore(clock, WATCHED, bounds=bounds)


def in_file(
    clock: Callable[[], float], folder: Path, bounds: Bounds | None = None, patience: float = PATIENT
) -> SqliteStore:
    """A store in the file of a folder; both are made where they are missing."""
    folders.prepare(folder)
    if not (folder / folders.DATABASE).exists():
        schema.make(folder / folders.DATABASE)
    return SqliteStore.open(folder, clock, WATCHED, bounds, patience)
