"""Records of one chain that go into the index together: their requests, their sums, and whether they follow."""

import json
import sqlite3
from collections import defaultdict
from datetime import datetime
from typing import Any

from aimux.audit import rollups
from aimux.audit.chain import GENESIS, Head, after, digest_of, follows, number_of
from aimux.audit.entry import NO_ROUTE, agent_of, is_failure
from aimux.audit.rollups import Sums, bucket_of
from aimux.audit.store import Place, put


class Batch:
    """Records that go into the index in one transaction."""

    def __init__(self, database: sqlite3.Connection, place: Place) -> None:
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
