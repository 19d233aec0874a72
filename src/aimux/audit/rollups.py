"""Sums over steps of time, so that a week is drawn as fast as a minute: counts, bytes, and how long things took."""

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

WIDTHS: Final = (10, 600)
"""Seconds of a step, finer and coarser."""
_FINE_KEPT: Final = 2 * 24 * 60 * 60
_MOST_FINE: Final = 2000
_PER_DOUBLING: Final = 8
_MOST: Final = 2**63 - 1
"""SQLite has no higher integers."""

Key = tuple[int, int, str, str, str]
"""Width and number of the step, agent, route, verdict."""

_ONE: Final = (
    "SELECT requests, failed, bytes, model_ms, model_n, upstream_ms, upstream_n, took FROM rollups "
    "WHERE width=? AND slot=? AND agent=? AND route=? AND verdict=?"
)
_SPAN: Final = (
    "SELECT slot, agent, route, verdict, requests, failed, bytes, model_ms, model_n, upstream_ms, upstream_n, took "
    "FROM rollups WHERE width=?1 AND slot>=?2 AND slot<?3 AND (?4 IS NULL OR agent=?4) AND (?5 IS NULL OR route=?5)"
)
SCHEMA: Final = """
CREATE TABLE rollups(
    width INTEGER, slot INTEGER, agent TEXT, route TEXT, verdict TEXT, requests INTEGER, failed INTEGER, bytes INTEGER,
    model_ms REAL, model_n INTEGER, upstream_ms REAL, upstream_n INTEGER, took TEXT,
    PRIMARY KEY(width, slot, agent, route, verdict)
) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Sums:
    """What has happened. `took` counts requests by how long they took, see `bucket_of`."""

    requests: int = 0
    failed: int = 0
    bytes: int = 0
    model_ms: float = 0.0
    model_n: int = 0
    upstream_ms: float = 0.0
    upstream_n: int = 0
    took: Counter[int] = field(default_factory=Counter)

    def add(self, other: "Sums") -> None:
        """Take another's in."""
        self.requests += other.requests
        self.failed += other.failed
        self.bytes += other.bytes
        self.model_ms += other.model_ms
        self.model_n += other.model_n
        self.upstream_ms += other.upstream_ms
        self.upstream_n += other.upstream_n
        self.took.update(other.took)

    def quantile(self, share: float) -> float | None:
        """Milliseconds within which this share of the requests was done, to about 4 %; None where there are none."""
        total = self.took.total()
        if not total:
            return None
        left = math.ceil(share * total)
        for bucket in sorted(self.took):
            left -= self.took[bucket]
            if left <= 0:
                return round(2 ** (bucket / _PER_DOUBLING), 3)
        return None

    @property
    def mean_model_ms(self) -> float | None:
        """Mean time of those whose texts the model had to read."""
        return round(self.model_ms / self.model_n, 3) if self.model_n else None

    @property
    def mean_upstream_ms(self) -> float | None:
        """Mean time until an upstream's response began."""
        return round(self.upstream_ms / self.upstream_n, 3) if self.upstream_n else None


def width_for(since: float, until: float, now: float) -> int:
    """The width of the steps that tell of a span."""
    return WIDTHS[1] if until - since > _MOST_FINE * WIDTHS[0] or since < now - _FINE_KEPT else WIDTHS[0]


def bucket_of(milliseconds: float) -> int:
    """Which of eight buckets a doubling a time falls in."""
    return round(_PER_DOUBLING * math.log2(max(milliseconds, 0.001)))


def merge(database: sqlite3.Connection, sums: dict[Key, Sums]) -> None:
    """Add these to what the database has."""
    for key, added in sums.items():
        row = database.execute(_ONE, key).fetchone()
        if row is not None:
            added.add(_sums(row))
        database.execute(
            "INSERT OR REPLACE INTO rollups VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                *key,
                *(added.requests, added.failed, min(added.bytes, _MOST), added.model_ms, added.model_n),
                *(added.upstream_ms, added.upstream_n, json.dumps(added.took)),
            ),
        )


def forget_old(database: sqlite3.Connection) -> None:
    """Let the finer steps go where nobody asks for them any more: all but the newest, two days of them.

    Steps are counted, and not compared with a clock, so that one that jumps ahead takes nothing along.
    """
    width, kept = WIDTHS[0], _FINE_KEPT // WIDTHS[0]
    row = database.execute(
        "SELECT DISTINCT slot FROM rollups WHERE width=? ORDER BY slot DESC LIMIT 1 OFFSET ?", (width, kept)
    ).fetchone()
    if row is not None:
        database.execute("DELETE FROM rollups WHERE width=? AND slot<=?", (width, row[0]))


def between(
    database: sqlite3.Connection, span: tuple[float, float], width: int, agent: str | None, route: str | None
) -> Iterable[tuple[float, str, str, str, Sums]]:
    """The sums of each step in a span: its beginning, agent, route, verdict."""
    since, until = span
    rows = database.execute(
        _SPAN,
        (width, int(since // width), math.ceil(until / width), agent, route),
    )
    for slot, asking, asked, verdict, *numbers in rows:
        yield slot * width, asking, asked, verdict, _sums(numbers)


def _sums(row: Sequence[Any]) -> Sums:
    sums = Sums(*row[:-1])
    sums.took.update({int(bucket): count for bucket, count in json.loads(row[-1]).items()})
    return sums
