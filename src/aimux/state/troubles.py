"""SQLite's errors as the state takes them: passing or final, and in words for operators."""

import sqlite3
from typing import Final

GONE: Final = "the state file was removed or replaced while the gateway ran"

_NAMES: Final = {
    sqlite3.SQLITE_FULL: "the disk of the state is full",
    sqlite3.SQLITE_BUSY: "another process has locked the state file for too long",
    sqlite3.SQLITE_LOCKED: "another process has locked the state file for too long",
    sqlite3.SQLITE_READONLY: "the state file can no longer be written",
    sqlite3.SQLITE_CORRUPT: "the state file is damaged",
    sqlite3.SQLITE_NOTADB: "the state file is damaged",
    sqlite3.SQLITE_IOERR: "the disk of the state has failed",
}
_FINAL: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR})
_SPACE_WANTED: Final = frozenset({sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_NOMEM})
"""Errors of input and output by their names, of space or memory in fact."""
_PRIMARY: Final = 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another process holds the lock."""
    return _code(error) & _PRIMARY in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_final(error: sqlite3.Error) -> bool:
    """Whether it is unknown from now on what the file holds."""
    code = _code(error)
    if code in _SPACE_WANTED:
        return False
    return code & _PRIMARY in _FINAL or code == sqlite3.SQLITE_READONLY_DBMOVED


def words_of(error: sqlite3.Error) -> str:
    """An error in words for operators, with SQLite's own."""
    code = _code(error)
    if code in _SPACE_WANTED:
        code = sqlite3.SQLITE_FULL
    words = _NAMES.get(code & _PRIMARY, "the state file cannot be used")
    return f"{words} ({getattr(error, 'sqlite_errorname', None) or error})"


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0))
