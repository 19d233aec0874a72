"""The place of a gateway's state, found out once when it starts: later processes take the same, or none."""

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aimux.state import folder as folders
from aimux.state.changelog import Bounds
from aimux.state.database import Database
from aimux.state.memory import MemoryStore
from aimux.state.schema import unusable
from aimux.state.sqlite import PATIENCE, SqliteStore
from aimux.state.store import StateError, StateStore
from aimux.state.troubles import GONE


@dataclass(frozen=True, slots=True)
class StatePlace:
    """The files that hold the state (see `Database.files`); None where it is in memory, and `only_memory` says why."""

    files: str | None
    only_memory: str | None = None

    def open(self, folder: Path, clock: Callable[[], float], watched: frozenset[str]) -> StateStore:
        """The store of one process. Nothing is made. Raises StateError where other files are there now, or none."""
        if self.files is None:
            return MemoryStore(clock, watched, self.only_memory)
        file = folder / folders.DATABASE
        try:
            self._check(folder, folders.as_text(folders.identities(folder)))
            database = Database(folder, clock, watched, Bounds())
        except OSError as error:
            raise StateError(
                f"the state file {file} cannot be looked at ({error.strerror}): see that it can"
            ) from error
        except sqlite3.Error as error:
            raise StateError(unusable(file, error)) from error
        try:
            self._check(folder, database.files)
        except StateError:
            database.close()
            raise
        return SqliteStore(database, folder, watched, PATIENCE)

    def _check(self, folder: Path, found: str) -> None:
        if found != self.files:
            raise StateError(
                f"{GONE} ({folder / folders.DATABASE}), and may have said who is to be stopped: put the state back and "
                "restart the gateway"
            )


@dataclass(slots=True)
class HeldState:
    """The main process's hold on the files: while it lasts, SQLite keeps them. `made` says whether they are new."""

    place: StatePlace
    made: bool
    database: Database | None

    def close(self) -> None:
        """Let go, after all other processes have ended."""
        database, self.database = self.database, None
        if database is not None:
            with contextlib.suppress(sqlite3.Error):  # what was acknowledged is in the files
                database.close()
