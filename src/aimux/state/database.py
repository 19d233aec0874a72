"""The SQLite file: entries, their versions and the log of changes, within one transaction at a time."""

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import Final, TypeVar

from aimux.state import folder as folders
from aimux.state.changelog import Bounds
from aimux.state.operating import PAGE
from aimux.state.operations import Operation, next_version, standing_at
from aimux.state.schema import connect
from aimux.state.store import Contents, StartOver, Stored, StoredChange

T = TypeVar("T")
_LOCK_WAIT: Final = 0.002
"""Seconds that SQLite itself waits for a lock; `Worker` tries again, and looks in between who still waits."""
_PIECE: Final = 500


class Database:
    """One connection to the file, used by one thread at a time. Every method may raise sqlite3.Error.

    `begin` or `begin_reading` opens a transaction, `commit` or `rollback` ends it; the methods between work within it.
    """

    def __init__(self, folder: Path, clock: Callable[[], float], watched: frozenset[str], bounds: Bounds) -> None:
        self._folder = folder
        self._clock = clock
        self._bounds = bounds
        self._version = self._before = 0
        self._now = 0.0
        self._logged: frozenset[str] = frozenset()
        self.told = False
        """Whether the transaction has changed a watched space."""
        self._connection = connect(folder / folders.DATABASE, _LOCK_WAIT)
        self._durable = False
        self._declare(watched)
        self._identities = folders.identities(folder)

    def begin(self, durable: bool) -> None:
        """Begin to change; `durable`: the commit waits for the disk. It fails as busy while another process changes."""
        if durable != self._durable:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self._connection.execute("BEGIN IMMEDIATE")
        self._start()

    def begin_reading(self) -> None:
        """Begin to read what is there at one moment."""
        self._connection.execute("BEGIN")
        self._start()

    def commit(self) -> None:
        """End the transaction and keep what it changed."""
        if self._version != self._before:
            self._connection.execute("UPDATE counters SET value = ? WHERE name = 'version'", (self._version,))
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """End the transaction, if there is one, and undo what it changed."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def files(self) -> str:
        """The files that are open, in a form to compare: the database and those beside it."""
        return folders.as_text(self._identities)

    def is_in_place(self) -> bool:
        """Whether the file, and those beside it, are still those that were opened. Raises OSError."""
        return folders.identities(self._folder) == self._identities

    def change_counter(self) -> int:
        """A number that differs once another connection has changed the file."""
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def apply(self, operation: Operation[T]) -> T:
        """Carry out one operation. Raises what its rule raises, and then has changed nothing."""
        space, key = operation.space, operation.key
        ruled = operation.rule(self.get(space, key), self._now)
        if ruled.setting is not None:
            self._put(space, key, ruled.setting.value, ruled.setting.expires)
        return ruled.answer(self._version)

    def get(self, space: str, key: str) -> Stored | None:
        """The entry, unless it has expired."""
        row = self._connection.execute(
            "SELECT key, value, version, expires FROM entries WHERE space = ? AND key = ?", (space, key)
        ).fetchone()
        return None if row is None else standing_at(Stored(*row), self._now)

    def entries(self, space: str) -> Contents:
        """All entries of a space that have not expired."""
        rows = self._connection.execute(
            "SELECT key, value, version, expires FROM entries WHERE space = ? ORDER BY key", (space,)
        ).fetchall()
        there = (Stored(*row) for row in rows)
        return Contents(self._version, tuple(entry for entry in there if standing_at(entry, self._now)))

    def changes(self, space: str, since: int) -> tuple[StoredChange, ...] | StartOver:
        """The next changes after a version, at most PAGE of them."""
        (floor,) = self._connection.execute("SELECT floor FROM watched WHERE space = ?", (space,)).fetchone()
        if not floor <= since <= self._version:
            return StartOver(self._version)
        rows = self._connection.execute(
            "SELECT key, value, version, expires FROM changes WHERE space = ? AND version > ? ORDER BY version LIMIT ?",
            (space, since, PAGE),
        ).fetchall()
        return tuple(StoredChange(*row) for row in rows)

    def has_expired(self) -> bool:
        """Whether there is something to sweep. Outside of a transaction."""
        row = self._connection.execute("SELECT 1 FROM entries WHERE expires <= ? LIMIT 1", (self._clock(),)).fetchone()
        return row is not None

    def sweep(self) -> int:
        """Remove some entries that have expired; how many were. It takes a transaction that changes."""
        rows = self._connection.execute(
            "SELECT space, key FROM entries WHERE expires <= ? ORDER BY expires LIMIT ?", (self._now, _PIECE)
        ).fetchall()
        for space, key in rows:
            self._put(space, key, None, None)
        return len(rows)

    def overdue(self) -> dict[str, int]:
        """The spaces whose logs of changes are too long, and the version up to which some of each are to go."""
        found = {space: self._overdue(space) for space in self._logged}
        return {space: version for space, version in found.items() if version is not None}

    def trim(self, space: str, version: int) -> None:
        """Forget the changes of a space up to a version: who has seen less starts over."""
        self._connection.execute("DELETE FROM changes WHERE space = ? AND version <= ?", (space, version))
        self._connection.execute("UPDATE watched SET floor = max(floor, ?) WHERE space = ?", (version, space))

    def touch(self) -> None:
        """Write something without a meaning, to see whether the disk takes it."""
        self._connection.execute("UPDATE counters SET value = value WHERE name = 'version'")

    def _overdue(self, space: str) -> int | None:
        now, bounds = self._clock(), self._bounds
        beyond = self._connection.execute(
            "SELECT version FROM changes WHERE space = ? ORDER BY version DESC LIMIT 1 OFFSET ?", (space, bounds.most)
        ).fetchone()
        most = -1 if beyond is None else beyond[0]
        rows = self._connection.execute(
            "SELECT version, at FROM changes WHERE space = ? ORDER BY version LIMIT ?", (space, _PIECE)
        ).fetchall()
        old = list(takewhile(lambda row: row[0] <= most or bounds.is_old(row[1], now, 0), rows))
        return int(old[-1][0]) if old else None

    def _start(self) -> None:
        (self._version,) = self._connection.execute("SELECT value FROM counters WHERE name = 'version'").fetchone()
        self._before = self._version
        self._now = self._clock()
        self.told = False

    def _put(self, space: str, key: str, value: bytes | None, expires: float | None) -> None:
        self._version = next_version(self._version, self._now)
        if value is None:
            self._connection.execute("DELETE FROM entries WHERE space = ? AND key = ?", (space, key))
        else:
            self._connection.execute(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", (space, key, value, self._version, expires)
            )
        if space in self._logged:
            self._connection.execute(
                "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?)", (self._version, space, key, value, expires, self._now)
            )
            self.told = True

    def _declare(self, watched: frozenset[str]) -> None:
        """Log the changes of these spaces from now on, and of those that were declared before.

        Nothing is written where that was done already: a worker that comes later needs neither space nor the lock.
        """
        self._connection.execute("PRAGMA busy_timeout = 5000")
        self._logged = self._declared()
        if not watched <= self._logged or None in folders.identities(self._folder):
            self._connection.execute("BEGIN IMMEDIATE")
            self._start()
            for space in sorted(watched):
                self._connection.execute("INSERT OR IGNORE INTO watched VALUES (?, ?)", (space, self._version))
            self._logged = self._declared()
            self.touch()  # so that what SQLite keeps beside the file is there
            self._connection.execute("COMMIT")
        self._connection.execute(f"PRAGMA busy_timeout = {int(_LOCK_WAIT * 1000)}")

    def _declared(self) -> frozenset[str]:
        return frozenset(space for (space,) in self._connection.execute("SELECT space FROM watched"))
