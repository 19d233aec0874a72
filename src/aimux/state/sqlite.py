"""A store in one SQLite file that all workers share. A thread uses it; the event loop never waits for the disk."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from aimux.state.changelog import Bounds
from aimux.state.database import Database
from aimux.state.operating import OperatingStore, unavailable
from aimux.state.operations import Operation, check_names
from aimux.state.store import Contents, Durability, StartOver, Stored, StoredChange
from aimux.state.turns import StoreJob, StoreTurn
from aimux.state.worker import StoreWorker

T = TypeVar("T")
PATIENCE: Final = 0.1
"""Seconds within which an operation is answered."""
_SHARE_FOR_LOCKS: Final = 0.8
"""Share of that time for which the thread waits until another process lets go of the file."""
_LAST_WAIT: Final = 2.0


class SqliteStore(OperatingStore):
    """See `StateStore`. It belongs to the event loop on which it is first used. `open_state` makes one."""

    def __init__(self, database: Database, folder: Path, watched: frozenset[str], patience: float) -> None:
        super().__init__(watched)
        self._patience = patience
        self._worker = StoreWorker(database, folder, self._answered, patience * _SHARE_FOR_LOCKS)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn: StoreTurn | None = None
        self._closed = False
        self._worker.start()

    @classmethod
    def open(
        cls,
        folder: Path,
        clock: Callable[[], float],
        watched: frozenset[str],
        bounds: Bounds | None = None,
        patience: float = PATIENCE,
    ) -> "SqliteStore":
        """Open the file that is in a folder, which was checked before. Raises sqlite3.Error, OSError."""
        return cls(Database(folder, clock, watched, bounds or Bounds()), folder, watched, patience)

    @property
    def is_lasting(self) -> bool:
        """See `StateStore`."""
        return True

    @property
    def trouble(self) -> str | None:
        """See `StateStore`."""
        return self._worker.trouble

    async def get(self, space: str, key: str) -> Stored | None:
        """See `StateStore`."""
        check_names(space, key)
        found: Stored | None = await self._ask(lambda database: database.get(space, key), None)
        return found

    async def entries(self, space: str) -> Contents:
        """See `StateStore`."""
        check_names(space)
        found: Contents = await self._ask(lambda database: database.entries(space), None)
        return found

    async def close(self) -> None:
        """See `StateStore`. A thread that hangs in the kernel is left behind after 2 s."""
        if self._closed:
            return
        self._closed = True
        self._hand_out()
        self._worker.turns.put(None)
        self._tell_watchers()
        await asyncio.get_running_loop().run_in_executor(None, self._worker.join, _LAST_WAIT)

    async def _change(self, operation: Operation[T], durability: Durability) -> T:
        answer: T = await self._ask(lambda database: database.apply(operation), durability)
        return answer

    async def _changes(self, space: str, since: int) -> tuple[StoredChange, ...] | StartOver:
        page: tuple[StoredChange, ...] | StartOver = await self._ask(
            lambda database: database.changes(space, since), None
        )
        return page

    def _ask(self, run: Callable[[Database], Any], durability: Durability | None) -> "asyncio.Future[Any]":
        """Put an operation into this turn of the event loop. Raises Failure."""
        if self._closed:
            raise unavailable("the state store is closed")
        if self._worker.is_lost:
            raise unavailable(self._worker.trouble or "the state file is lost")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._turn is None:
            self._turn = StoreTurn()
            self._loop.call_soon(self._hand_out)
        self._turn.jobs.append(StoreJob(run, future, durability))
        return future

    def _hand_out(self) -> None:
        """Give the thread what was asked for in this turn, and take it back where it is not begun in time."""
        turn, self._turn = self._turn, None
        if turn is not None and self._loop is not None:
            self._worker.turns.put(turn)
            self._loop.call_later(self._patience, self._give_up, turn)

    def _give_up(self, turn: StoreTurn) -> None:
        if turn.give_up():
            turn.fail(lambda: unavailable(f"it did not begin within {self._patience:g} s, and was not carried out"))
        elif turn.is_done:
            turn.hand_over()
        else:
            turn.fail(lambda: unavailable(f"it did not end within {self._patience:g} s, and may have taken effect"))

    def _answered(self, turns: Sequence[StoreTurn], told: bool) -> None:
        """In the thread: have the event loop hand over what is done."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._hand_over, turns, told)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    def _hand_over(self, turns: Sequence[StoreTurn], told: bool) -> None:
        for turn in turns:
            turn.hand_over()
        if told:
            self._tell_watchers()
