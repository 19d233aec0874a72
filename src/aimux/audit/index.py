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
from aimux.audit.chain import GENESIS, number_of
from aimux.audit.segments import Segment, chain_folder, chains_in, lines_of, segments_in
from aimux.audit.store import (
    FILE,
    Place,
    begun_anew,
    connected,
    files_of,
    is_current,
    is_spoiled,
    place_of,
    places_in,
    put,
)

LOCK: Final = "index.lock"
_AT_ONCE: Final = 1000
_FORGET_SECONDS: Final = 600.0
_PUT_BACK_SECONDS: Final = 60.0


class Indexer:
    """Brings the index up to date. One process at a time does: it holds the index's lock."""

    def __init__(self, log: Path) -> None:
        """Raises OSError, sqlite3.Error, and BlockingIOError where another process does it."""
        self._log = log
        self._path = log / FILE
        self._renewed = False
        self._forgot_at = 0.0
        self._harmed: dict[int, tuple[int, float]] = {}
        lock = locks.take(log / LOCK)
        if lock is None:
            raise BlockingIOError("another process builds the index")
        self._lock = lock
        try:
            self._database = self._connect()
            self._left = self._state()
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
        try:
            if self._is_changed():
                self._begin_anew()  # others have deleted, cut or changed it
            total = self._advance_all(most)
            self._left = self._state()
        except sqlite3.DatabaseError as error:
            if self._renewed or not is_spoiled(error):
                raise
            self._renewed = True
            self._begin_anew()
            return 1
        return total

    def _is_changed(self) -> bool:
        # The other two files may not have been there yet.
        return any(left is not None and left != now for left, now in zip(self._left, self._state(), strict=True))

    def _state(self) -> tuple[object, ...]:
        """What no other process may change: which files these are, the database's size and time, and its commits."""
        main, *others = (_stat(path) for path in files_of(self._path))
        version = self._database.execute("PRAGMA data_version").fetchone()[0]
        found = None if main is None else (main.st_dev, main.st_ino, main.st_size, main.st_mtime_ns)
        return found, version, *(None if each is None else (each.st_dev, each.st_ino) for each in others)

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
        self._left = self._state()

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
            is_new = place.segment == 1 and not place.head.count  # nothing of the chain was read yet
            if at.first > place.head.count + 1 and not is_new and self._may_be_mended(chain, place.segment):
                return 0
            # What lies between was too old before it was read: here the chain is taken up anew.
            place.segment, place.offset, place.head = at.first, 0, GENESIS
        batch = Batch(self._database, place)
        try:
            if at.size < place.offset:
                place.offset = _behind(at.path, place.head.count)  # it was cut: what stands there now came later
            for offset, line, ended in lines_of(at.path, place.offset):
                if not ended or batch.records >= most:
                    break
                if not batch.continues(line) and self._is_fresh(at) and self._may_be_mended(chain, at.first):
                    break  # what others wrote is gone from the file when it is put back
                batch.take(offset, line)
        except FileNotFoundError:
            return 0  # removed meanwhile, since it was too old
        with self._database:
            batch.write()
            self._database.execute("DELETE FROM requests WHERE chain=? AND decision<?", (chain, segments[0].first))
        # A segment that is read to its end gives way to the next one.
        return batch.records or int(at is not segments[-1] and self._skip_to_next(place, segments))

    def _may_be_mended(self, chain: int, first: int) -> bool:
        """Whether the gateway that writes a chain may still put a segment back: it has time for that."""
        if self._harmed.get(chain, (0, 0.0))[0] != first:
            self._harmed[chain] = first, time.monotonic()
        has_time = time.monotonic() - self._harmed[chain][1] < _PUT_BACK_SECONDS
        return has_time and locks.is_held(chain_folder(self._log, chain))

    @staticmethod
    def _is_fresh(segment: Segment) -> bool:
        """Whether somebody has written to a segment since a gateway must have looked at it."""
        found = _stat(segment.path)
        return found is not None and time.time() - found.st_mtime < _PUT_BACK_SECONDS

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


def _behind(path: Path, count: int) -> int:
    """Where the first record with a higher number begins; the end of the file where there is none."""
    end = 0
    for offset, line, _ in lines_of(path):
        if (number_of(line) or 0) > count:
            return offset
        end = offset + len(line) + 1
    return end


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _identity(file: Path | int) -> tuple[int, int] | None:
    """Which file this is, whatever its name; None where there is none."""
    try:
        found = os.fstat(file) if isinstance(file, int) else file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
