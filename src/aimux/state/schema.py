"""The file of the state: its tables, how it is made whole or not at all, and what is looked at before it is used."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from aimux.state.store import StateError

APPLICATION: Final = 0x41494D58
"""Says that a database is the state of this gateway: "AIMX"."""
SCHEMA: Final = 1
_PATIENCE: Final = 5.0
_TABLES: Final = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    space TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL, expires REAL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE INDEX entries_that_expire ON entries (expires) WHERE expires IS NOT NULL;
CREATE TABLE changes (
    version INTEGER PRIMARY KEY, space TEXT NOT NULL, key TEXT NOT NULL, value BLOB, expires REAL, at REAL NOT NULL
);
CREATE INDEX changes_of_a_space ON changes (space, version);
CREATE TABLE watched (space TEXT PRIMARY KEY, floor INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('version', 0);
"""


def make(path: Path) -> None:
    """Make the file. It is there whole, or not at all. Raises OSError, sqlite3.Error."""
    new = path.with_name(path.name + ".new")
    for left in (new, new.with_name(new.name + "-wal"), new.with_name(new.name + "-shm")):
        left.unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(new, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(_TABLES)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
    finally:
        connection.close()
    new.rename(path)
    _sync(path.parent)


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """A connection to the file that is there, which waits so many seconds for a lock. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, timeout=patience
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 10000")  # who asks would wait: `CheckpointThread` is first
    connection.execute(f"PRAGMA journal_size_limit = {16 * 1024 * 1024}")
    return connection


def check(path: Path) -> None:
    """Look whether the file is a state that this build reads. Raises StateError."""
    try:
        connection = connect(path, _PATIENCE)
        try:
            _check(connection, path)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StateError(unusable(path, error)) from error


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application, schema = _number(connection, "application_id"), _number(connection, "user_version")
    if application != APPLICATION:
        raise StateError(f"{path} is not the state of a gateway: {_RESTORE}")
    if schema > SCHEMA:
        raise StateError(
            f"the state file {path} has schema {schema}, and this build reads {SCHEMA}: start the newer version that "
            "wrote it, or restore the backup that was made before the upgrade"
        )
    if schema < SCHEMA:
        raise StateError(f"the state file {path} has the unknown schema {schema}: {_RESTORE}")
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise StateError(f"the state file {path} is damaged: {_RESTORE}")
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise StateError(f"the state file {path} cannot be shared by processes here: set state.path to a local disk")


_RESTORE: Final = (
    "it may say who is to be stopped, so no gateway starts without it; restore it from a backup, or move the folder "
    "aside to begin with nothing"
)


def unusable(path: Path, error: sqlite3.Error) -> str:
    """The obstacle to using the file, and the remedy, in words for operators."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            f"the state file {path} is locked by another process: end that one (a backup or `sqlite3`, perhaps), and "
            "start again"
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_FULL", "SQLITE_IOERR")):
        return (
            f"the state file {path} is there and cannot be read and written ({error}): give user {os.geteuid()} the "
            "right to, make its disk writable, or free space on it"
        )
    return f"the state file {path} cannot be read ({error}): {_RESTORE}"


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
