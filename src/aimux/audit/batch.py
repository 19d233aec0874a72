"""Records of one chain that go into the index together: their requests, their sums, and whether they follow."""

import sqlite3
from collections import defaultdict
from typing import Any, Final

from aimux.audit import rollups
from aimux.audit.chain import GENESIS, Head, after, digest_of, follows, number_of
from aimux.audit.columns import CHANGING, COLUMNS, ENDING, ending_of, values_of
from aimux.audit.entry import is_failure
from aimux.audit.format.field import Fields
from aimux.audit.format.reading import number_in, parse, read_outcome, unclear
from aimux.audit.rollups import Sums, bucket_of
from aimux.audit.store import Place, put

_KEPT: Final = frozenset(column.name for column in CHANGING)
_DECISION: Final = (*(column.name for column in COLUMNS), "segment", "offset", "length")
_OUTCOME: Final = ("outcome", *(column.name for column in ENDING), "end_segment", "end_offset", "end_length")
# Only names of the table are put together here.
_INSERT: Final = f"INSERT OR REPLACE INTO requests({','.join(_DECISION)}) VALUES({','.join('?' * len(_DECISION))})"
_CHANGES: Final = ",".join(f"{name}=coalesce(?,{name})" if name in _KEPT else f"{name}=?" for name in _OUTCOME)
_CHANGED: Final = f"requests SET {_CHANGES}"
_UPDATE: Final = f"UPDATE {_CHANGED} WHERE chain=? AND decision=?"


class Batch:
    """Records that go into the index in one transaction."""

    def __init__(self, database: sqlite3.Connection, place: Place) -> None:
        self.records = 0
        self._database = database
        self._place = place
        self._rows: dict[int, dict[str, Any]] = {}
        self._ends: list[tuple[Any, ...]] = []
        self._sums: defaultdict[rollups.Key, Sums] = defaultdict(Sums)

    def take(self, offset: int, line: bytes) -> None:
        """One line of the segment that the place is in."""
        self.records += 1
        place = self._place
        place.offset = offset + len(line) + 1
        self._follow(line)
        fields = parse(line)
        place.not_interpreted += unclear(fields) is not None
        if fields is None:
            return
        match fields.get("kind"):
            case "decision":
                self._decision(fields, offset, len(line))
            case "outcome":
                self._outcome(fields, offset, len(line))
            case "origin" if isinstance(origin := fields.get("origin"), str) and origin.isascii():
                place.origin = origin

    def write(self) -> None:
        """Put everything in."""
        self._database.executemany(_INSERT, ([row[name] for name in _DECISION] for row in self._rows.values()))
        self._database.executemany(_UPDATE, self._ends)
        rollups.merge(self._database, self._sums)
        put(self._database, self._place)

    def continues(self, line: bytes) -> bool:
        """Whether a line follows what was read, or is the oldest that is kept."""
        return follows(self._place.head, line) or self._begins(line)

    def _begins(self, line: bytes) -> bool:
        return self._place.head == GENESIS and number_of(line) == self._place.segment

    def _follow(self, line: bytes) -> None:
        place = self._place
        number = number_of(line)
        if self.continues(line):
            place.head = Head(place.segment, digest_of(line)) if self._begins(line) else after(place.head, line)
            if place.fault is None:
                place.verified = place.head.count
            return
        expected = place.head.count + 1
        place.fault = place.fault or f"record {expected}: it does not follow the one before it"
        place.head = Head(number or expected, digest_of(line))

    def _decision(self, fields: Fields, offset: int, length: int) -> None:
        number, place = number_in(fields, "seq"), self._place
        if number is not None:
            row = values_of(place.chain, fields)
            self._rows[number] = {**row, "segment": place.segment, "offset": offset, "length": length}

    def _outcome(self, fields: Fields, offset: int, length: int) -> None:
        place, decision = self._place, number_in(fields, "decision")
        if decision is None:
            return
        read = read_outcome(fields)
        ending = ending_of(fields, read)
        end = (*ending.values(), place.segment, offset, length)
        self._ends.append((*end, place.chain, decision))
        row = self._rows.get(decision)
        if row is not None:
            found: Any = (row["time"], row["agent"], row["route"], row["verdict"])
        else:
            known = "SELECT time, agent, route, verdict FROM requests WHERE chain=? AND decision=?"
            found = self._database.execute(known, (place.chain, decision)).fetchone()
        if found is None:
            return  # its decision was removed long ago
        moment, agent, route, decided = found
        verdict = ending["verdict"] or decided
        for width in rollups.WIDTHS:
            _count(self._sums[width, int(moment // width), agent, route, verdict], verdict, read)


def _count(sums: Sums, verdict: str, read: Fields) -> None:
    sums.requests += 1
    sums.failed += is_failure(verdict, read["ended"])
    sums.bytes += read["bytes"] or 0
    if read["total_ms"] is not None:
        sums.took[bucket_of(read["total_ms"])] += 1
    if read["model_ms"] is not None:
        sums.model_ms += read["model_ms"]
        sums.model_n += 1
    if read["upstream_ms"] is not None:
        sums.upstream_ms += read["upstream_ms"]
        sums.upstream_n += 1
