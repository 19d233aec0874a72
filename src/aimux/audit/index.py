"""The index, built from the segments; where it is deleted, it is built again.

It knows where each request's records are, and of each chain how far it has been read and verified.
"""

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from aimux.audit import checkpoints, locks, rollups
from aimux.audit.batch import Batch
from aimux.audit.chain import GENESIS
from aimux.audit.segments import Segment, chain_folder, chains_in, lines_of, segments_in
from aimux.audit.store import (
    FILE,
    Place,
    begun_anew,
    connected,
    is_current,
    is_spoiled,
    place_of,
    places_in,
    put,
)

LOCK: Final = "index.lock"
_AT_ONCE: Final = 1000
_FORGET_SECONDS: Final = 600.0


class Indexer:
    """Brings the index up to date. One process at a time does: it holds the index's lock."""

    def __init__(self, log: Path) -> None:
        """Raises OSError, sqlite3.Error, and BlockingIOError where another process does it."""
        self._log = log
        self._path = log / FILE
        self._renewed = False
        self._forgot_at = 0.0
        lock = locks.take(log / LOCK)
        if lock is None:
            raise BlockingIOError("another process builds the index")
        self._lock = lock
        try:
            self._database = self._connect()
            self._file = _identity(self._path)
        except BaseException:
            os.close(lock)
            raise

    def catch_up(self) -> None:
        """Read what has been written since."""
        while self.advance():
            pass

    def advance(self, most: int = _AT_ONCE) -> int:
        """Read some of what has been written since, `most` records of each chain; 0 where there was nothing.

        Raises OSError and sqlite3.Error, and BlockingIOError where the lock is no longer this one's.
        """
        if _identity(self._log / LOCK) != _identity(self._lock):
            raise BlockingIOError("the lock of the index was removed: another process may build it")
        if _identity(self._path) != self._file:
            self._begin_anew()  # it was deleted
        try:
            return self._advance_all(most)
        except sqlite3.DatabaseError as error:
            if self._renewed or not is_spoiled(error):
                raise
            self._renewed = True
            self._begin_anew()
            return 1

    def _advance_all(self, most: int) -> int:
        total = sum(self._advance(chain, most) for chain in chains_in(self._log))
        if not total:
            self._renewed = False
            if time.monotonic() - self._forgot_at > _FORGET_SECONDS:
                self._forgot_at = time.monotonic()
                with self._database:
                    rollups.forget_old(self._database)
        return total

    @property
    def log_bytes(self) -> int:
        """The size of the log."""
        log = self._log
        return sum(segment.size for chain in chains_in(log) for segment in segments_in(chain_folder(log, chain)))

    def close(self) -> None:
        """Let somebody else do it."""
        self._database.close()
        os.close(self._lock)

    def _connect(self) -> sqlite3.Connection:
        database: sqlite3.Connection | None = None
        with suppress(sqlite3.DatabaseError):
            database = connected(self._path)
            if is_current(database) and all(map(self._is_of_this_log, places_in(database))):
                return database
        if database is not None:
            database.close()
        return begun_anew(self._path)

    def _begin_anew(self) -> None:
        self._database.close()
        self._database = begun_anew(self._path)
        self._file = _identity(self._path)

    def _is_of_this_log(self, place: Place) -> bool:
        """Whether what was read is still what is there: another log may have been put in its place."""
        segments = segments_in(chain_folder(self._log, place.chain))
        if not segments or segments[-1].first < place.segment:
            return False
        signed, _ = checkpoints.read(chain_folder(self._log, place.chain) / checkpoints.FILE)
        if place.origin is not None and signed and signed[0].origin != place.origin:
            return False
        here = next((segment for segment in segments if segment.first == place.segment), None)
        return here is None or here.size >= place.offset

    def _advance(self, chain: int, most: int) -> int:
        place = place_of(self._database, chain)
        segments = segments_in(chain_folder(self._log, chain))
        at = _next_segment(place, segments)
        if at is None:
            return 0
        if at.first != place.segment:
            # What lies between was too old before it was read: here the chain is taken up anew.
            place.segment, place.offset, place.head = at.first, 0, GENESIS
        batch = Batch(self._database, place)
        try:
            for offset, line, ended in lines_of(at.path, place.offset):
                if not ended or batch.records >= most:
                    break
                batch.take(offset, line)
        except FileNotFoundError:
            return 0  # removed meanwhile, since it was too old
        with self._database:
            batch.write()
            self._database.execute("DELETE FROM requests WHERE chain=? AND decision<?", (chain, segments[0].first))
        # A segment that is read to its end gives way to the next one.
        return batch.records or int(at is not segments[-1] and self._skip_to_next(place, segments))

    def _skip_to_next(self, place: Place, segments: list[Segment]) -> bool:
        following = next((each for each in segments if each.first > place.segment), None)
        if following is None:
            return False
        place.segment, place.offset = following.first, 0
        with self._database:
            put(self._database, place)
        return True


def _next_segment(place: Place, segments: list[Segment]) -> Segment | None:
    return next((segment for segment in segments if segment.first >= place.segment), None)


def _identity(file: Path | int) -> tuple[int, int] | None:
    """Which file this is, whatever its name; None where there is none."""
    try:
        found = os.fstat(file) if isinstance(file, int) else file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
