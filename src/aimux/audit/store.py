"""The index's file: a SQLite database beside the log. How it is laid out, made, and opened by readers."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

from aimux.audit import rollups
from aimux.audit.chain import GENESIS, Head
from aimux.audit.columns import COLUMNS
from aimux.audit.errors import UnreadableError, reading

FILE: Final = "index.sqlite3"
_READING: Final = 2
"""Counts how lines are read: with another number an index is built again, as where its columns are others."""
_BUSY_SECONDS: Final = 10.0
_BUSY_WRITING_SECONDS: Final = 2.0
_MODE: Final = 0o640
_TABLES: Final = f"""
CREATE TABLE chains(
    chain INTEGER PRIMARY KEY, origin TEXT, segment INTEGER, offset INTEGER, count INTEGER, digest TEXT,
    verified INTEGER, fault TEXT, not_interpreted INTEGER
);
CREATE TABLE requests(
    {", ".join(column.declaration for column in COLUMNS)}, segment INTEGER, offset INTEGER, length INTEGER,
    end_segment INTEGER, end_offset INTEGER, end_length INTEGER, PRIMARY KEY(chain, decision)
) WITHOUT ROWID;
CREATE INDEX by_time ON requests(time, chain, decision);
CREATE INDEX by_agent ON requests(agent, time);
CREATE INDEX by_verdict ON requests(verdict, time);
CREATE INDEX by_request ON requests(request_id);
CREATE INDEX by_trace ON requests(trace_id);
{rollups.SCHEMA}
"""
_VERSION: Final = crc32(f"{_READING} {_TABLES}".encode()) & 0x7FFFFFFF
_SCHEMA: Final = f"{_TABLES}PRAGMA user_version={_VERSION};"


@dataclass(slots=True)
class Place:
    """How far a chain has been read. `verified` stays behind at the first record that does not follow.

    `not_interpreted` counts the records that this build does not know, or not all of.
    """

    chain: int
    origin: str | None = None
    segment: int = 1
    offset: int = 0
    head: Head = GENESIS
    verified: int = 0
    fault: str | None = None
    not_interpreted: int = 0


@contextmanager
def opened(log: Path) -> Iterator[sqlite3.Connection]:
    """The index, to be read. Raises UnreadableError where none has been built yet, or what is asked of it fails.

    That of another version is not read: it may lack requests that this one shows.
    """
    path = log / FILE
    try:
        with reading(log), closing(_reader(path)) as database:
            if not is_current(database):
                raise UnreadableError(
                    "the index of the audit log is another version's, or is being built: try again in a moment; "
                    "while a gateway of that version runs, it keeps its own"
                )
            yield database
    except sqlite3.OperationalError as error:
        raise UnreadableError(
            f"the index of the audit log is being built, or cannot be read now ({error}): try again in a moment"
        ) from error
    except sqlite3.DatabaseError as error:
        if not is_spoiled(error):
            raise
        raise UnreadableError(
            f"the index of the audit log is spoiled ({error}): delete {path}, and it is built again from the log"
        ) from error


def _reader(path: Path) -> sqlite3.Connection:
    if not path.exists():
        raise UnreadableError("the index of the audit log is being built: try again in a moment")
    where = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(where, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)


def connected(path: Path) -> sqlite3.Connection:
    """The index, to be written; an empty one where there is none. Raises OSError and sqlite3.Error."""
    _keep_private(path)
    database = sqlite3.connect(path, timeout=_BUSY_WRITING_SECONDS)
    # Whatever a crash takes of it is built again.
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    return database


def is_spoiled(error: sqlite3.Error) -> bool:
    """Whether the file is no index, or a broken one. The kinds derived from this error have other reasons."""
    return type(error) is sqlite3.DatabaseError


def is_current(database: sqlite3.Connection) -> bool:
    """Whether an index is laid out as this version does it."""
    return bool(database.execute("PRAGMA user_version").fetchone()[0] == _VERSION)


def begun_anew(path: Path) -> sqlite3.Connection:
    """An empty index in place of whatever is there. Raises OSError and sqlite3.Error."""
    for each in files_of(path):
        each.unlink(missing_ok=True)
    database = connected(path)
    database.executescript(_SCHEMA)
    return database


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that SQLite makes of one database: itself, its log and the shared memory."""
    return path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _keep_private(path: Path) -> None:
    """It holds texts, like the segments. SQLite would make it readable by all, and its other files like it."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE))
    for each in files_of(path):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # gone, or another user's
            mode = each.stat().st_mode & 0o777
            if mode & ~_MODE:
                each.chmod(mode & _MODE)


def places_in(database: sqlite3.Connection) -> list[Place]:
    """How far each chain has been read."""
    rows = database.execute(
        "SELECT chain, origin, segment, offset, count, digest, verified, fault, not_interpreted FROM chains"
    )
    return [
        Place(chain, origin, at, offset, Head(n, hash_), *rest) for chain, origin, at, offset, n, hash_, *rest in rows
    ]


def place_of(database: sqlite3.Connection, chain: int) -> Place:
    """How far a chain has been read: to where it begins, if it is not known yet."""
    return next((place for place in places_in(database) if place.chain == chain), Place(chain))


def put(database: sqlite3.Connection, place: Place) -> None:
    """Note how far a chain has been read."""
    head = place.head
    database.execute(
        "INSERT OR REPLACE INTO chains VALUES(?,?,?,?,?,?,?,?,?)",
        (
            *(place.chain, place.origin, place.segment, place.offset, head.count, head.digest, place.verified),
            *(place.fault, place.not_interpreted),
        ),
    )
