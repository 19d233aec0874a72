"""The index: a SQLite file beside the log, built from the segments; where it is deleted, it is built again.

It knows where each request's records are, and of each chain how far it has been read and verified.
"""

import json
import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from aimux.audit import checkpoints, locks, rollups
from aimux.audit.chain import GENESIS, Head, after, digest_of, follows, number_of
from aimux.audit.entry import NO_ROUTE, agent_of, is_failure
from aimux.audit.rollups import Sums, bucket_of
from aimux.audit.segments import Segment, chain_folder, chains_in, lines_of, segments_in

FILE: Final = "index.sqlite3"
LOCK: Final = "index.lock"
_VERSION: Final = 1
_AT_ONCE: Final = 1000
_BUSY_SECONDS: Final = 10.0
_SCHEMA: Final = f"""
CREATE TABLE chains(
    chain INTEGER PRIMARY KEY, origin TEXT, segment INTEGER, offset INTEGER, count INTEGER, digest TEXT,
    verified INTEGER, fault TEXT
);
CREATE TABLE requests(
    chain INTEGER, decision INTEGER, outcome INTEGER, time REAL, request_id TEXT, trace_id TEXT, agent TEXT, route TEXT,
    verdict TEXT, status INTEGER, text TEXT, segment INTEGER, offset INTEGER, length INTEGER,
    end_segment INTEGER, end_offset INTEGER, end_length INTEGER, PRIMARY KEY(chain, decision)
) WITHOUT ROWID;
CREATE INDEX by_time ON requests(time, chain, decision);
CREATE INDEX by_agent ON requests(agent, time);
CREATE INDEX by_verdict ON requests(verdict, time);
CREATE INDEX by_request ON requests(request_id);
CREATE INDEX by_trace ON requests(trace_id);
{rollups.SCHEMA}
PRAGMA user_version={_VERSION};
"""


@dataclass(slots=True)
class _Place:
    """How far a chain has been read. `verified` stays behind at the first record that does not follow."""

    chain: int
    origin: str | None = None
    segment: int = 1
    offset: int = 0
    head: Head = GENESIS
    verified: int = 0
    fault: str | None = None


@contextmanager
def opened(log: Path) -> Iterator[sqlite3.Connection]:
    """The index, to be read. Raises FileNotFoundError where none has been built yet."""
    path = log / FILE
    if not path.exists():
        raise FileNotFoundError(f"there is no index in {log}")
    with closing(
        sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
    ) as database:
        yield database


class Indexer:
    """Brings the index up to date. One process at a time does: it holds the index's lock."""

    def __init__(self, log: Path) -> None:
        """Raises OSError, and BlockingIOError where another process does it."""
        self._log = log
        lock = locks.take(log / LOCK)
        if lock is None:
            raise BlockingIOError("another process builds the index")
        self._lock = lock
        self._database = self._connect()

    def catch_up(self) -> None:
        """Read what has been written since."""
        while self.advance():
            pass

    def advance(self, most: int = _AT_ONCE) -> int:
        """Read some of what has been written since, `most` records of each chain; how many records that was."""
        total = sum(self._advance(chain, most) for chain in chains_in(self._log))
        if not total:
            with self._database:
                rollups.forget_old(self._database, time.time())
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
        path = self._log / FILE
        database: sqlite3.Connection | None = None
        with suppress(sqlite3.DatabaseError):
            database = _connection(path)
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version == _VERSION and all(map(self._is_of_this_log, _places(database))):
                return database
        if database is not None:
            database.close()
        for each in (path, path.with_name(f"{FILE}-wal"), path.with_name(f"{FILE}-shm")):
            each.unlink(missing_ok=True)
        database = _connection(path)
        database.executescript(_SCHEMA)
        return database

    def _is_of_this_log(self, place: _Place) -> bool:
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
        place = _place(self._database, chain)
        segments = segments_in(chain_folder(self._log, chain))
        at = _next_segment(place, segments)
        if at is None:
            return 0
        if at.first != place.segment:
            # What lies between was too old before it was read: here the chain is taken up anew.
            place.segment, place.offset, place.head = at.first, 0, GENESIS
        batch = _Batch(self._database, place)
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

    def _skip_to_next(self, place: _Place, segments: list[Segment]) -> bool:
        following = next((each for each in segments if each.first > place.segment), None)
        if following is None:
            return False
        place.segment, place.offset = following.first, 0
        with self._database:
            _put(self._database, place)
        return True


def _next_segment(place: _Place, segments: list[Segment]) -> Segment | None:
    return next((segment for segment in segments if segment.first >= place.segment), None)


class _Batch:
    """Records that go into the index in one transaction."""

    def __init__(self, database: sqlite3.Connection, place: _Place) -> None:
        self.records = 0
        self._database = database
        self._place = place
        self._rows: dict[int, list[Any]] = {}
        self._ends: list[tuple[Any, ...]] = []
        self._sums: defaultdict[rollups.Key, Sums] = defaultdict(Sums)

    def take(self, offset: int, line: bytes) -> None:
        """One line of the segment that the place is in."""
        self.records += 1
        place = self._place
        place.offset = offset + len(line) + 1
        self._follow(line)
        try:
            fields = json.loads(line)
            kind = fields["kind"]
            if kind == "decision":
                self._decision(fields, offset, len(line))
            elif kind == "outcome":
                self._outcome(fields, offset, len(line))
            elif kind == "origin":
                place.origin = str(fields["origin"])
        except (ValueError, KeyError, TypeError):
            place.fault = place.fault or f"record {place.head.count}: the line is no record"

    def write(self) -> None:
        """Put everything in."""
        self._database.executemany(f"INSERT OR REPLACE INTO requests VALUES({','.join('?' * 17)})", self._rows.values())
        self._database.executemany(
            "UPDATE requests SET outcome=?, verdict=?, status=?, end_segment=?, end_offset=?, end_length=? "
            "WHERE chain=? AND decision=?",
            self._ends,
        )
        rollups.merge(self._database, self._sums)
        _put(self._database, self._place)

    def _follow(self, line: bytes) -> None:
        place = self._place
        number = number_of(line)
        begins = place.head == GENESIS and number == place.segment  # the oldest that is kept
        if follows(place.head, line) or begins:
            place.head = after(place.head, line) if not begins else Head(place.segment, digest_of(line))
            if place.fault is None:
                place.verified = place.head.count
            return
        expected = place.head.count + 1
        place.fault = place.fault or f"record {expected}: it does not follow the one before it"
        place.head = Head(number or expected, digest_of(line))

    def _decision(self, fields: dict[str, Any], offset: int, length: int) -> None:
        moment = datetime.fromisoformat(fields["time"]).timestamp()
        self._rows[fields["seq"]] = [
            *(self._place.chain, fields["seq"], None, moment, fields["request_id"], fields["trace_id"]),
            *(agent_of(fields), fields["route"] or NO_ROUTE, fields["verdict"], None, fields["text"]),
            *(self._place.segment, offset, length, None, None, None),
        ]

    def _outcome(self, fields: dict[str, Any], offset: int, length: int) -> None:
        end = (self._place.segment, offset, length)
        decision, verdict = fields["decision"], fields["verdict"]
        row = self._rows.get(decision)
        if row is not None:
            row[2], row[8], row[9], row[14:] = fields["seq"], verdict, fields["status"], end
            moment, agent, route = row[3], row[6], row[7]
        else:
            self._ends.append((fields["seq"], verdict, fields["status"], *end, self._place.chain, decision))
            found = self._database.execute(
                "SELECT time, agent, route FROM requests WHERE chain=? AND decision=?", (self._place.chain, decision)
            ).fetchone()
            if found is None:
                return  # its decision was removed long ago
            moment, agent, route = found
        for width in rollups.WIDTHS:
            _count(self._sums[width, int(moment // width), agent, route, verdict], fields)


def _count(sums: Sums, fields: dict[str, Any]) -> None:
    sums.requests += 1
    sums.failed += is_failure(fields["verdict"], fields["ended"])
    sums.bytes += fields["bytes"]
    sums.took[bucket_of(fields["total_ms"])] += 1
    if fields["model_ms"] is not None:
        sums.model_ms += fields["model_ms"]
        sums.model_n += 1
    if fields["upstream_ms"] is not None:
        sums.upstream_ms += fields["upstream_ms"]
        sums.upstream_n += 1


def _connection(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS)
    # Whatever a crash takes of it is built again.
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    return database


def _places(database: sqlite3.Connection) -> list[_Place]:
    rows = database.execute("SELECT chain, origin, segment, offset, count, digest, verified, fault FROM chains")
    return [
        _Place(chain, origin, at, offset, Head(n, hash_), ok, bad)
        for chain, origin, at, offset, n, hash_, ok, bad in rows
    ]


def _place(database: sqlite3.Connection, chain: int) -> _Place:
    return next((place for place in _places(database) if place.chain == chain), _Place(chain))


def _put(database: sqlite3.Connection, place: _Place) -> None:
    head = place.head
    database.execute(
        "INSERT OR REPLACE INTO chains VALUES(?,?,?,?,?,?,?,?)",
        (place.chain, place.origin, place.segment, place.offset, head.count, head.digest, place.verified, place.fault),
    )
