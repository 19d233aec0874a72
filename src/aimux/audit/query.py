"""Answering from the index: pages of requests, and the state of every chain."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aimux.audit import checkpoints
from aimux.audit.entry import FAILED, SERVED, UNJUDGED, Entry
from aimux.audit.errors import UnreadableError, reading
from aimux.audit.filters import REFUSED, FilterError, Filters
from aimux.audit.records import Records
from aimux.audit.segments import chain_folder, chains_in, segments_in
from aimux.audit.store import opened

_NEXT: Final = re.compile(r"([0-9]{1,12}\.[0-9]{1,17}),([0-9]{1,4}),([0-9]{1,18})")
_NOT_REFUSED: Final = (*sorted(SERVED), *UNJUDGED, *FAILED)
_ROW: Final = (
    "SELECT chain, decision, time, segment, offset, length, end_segment, end_offset, end_length FROM requests "
)


@dataclass(slots=True)
class Missed:
    """The number of requests in the index whose records cannot be read."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and where the next page begins.

    `unreadable` counts requests that the index knows, and whose records are not in the segments any more.
    """

    entries: list[Entry]
    next: str | None
    unreadable: int = 0


def page(log: Path, filters: Filters, limit: int, before: str | None = None) -> Page:
    """The newest requests that pass. `before` is what the page before gave as `next`.

    Raises FilterError and UnreadableError.
    """
    with opened(log) as database, Records(log) as records:
        entries: list[Entry] = []
        last: tuple[Any, ...] | None = None
        unreadable = 0
        for row in _rows(database, filters, before):
            if len(entries) == limit:
                return Page(entries, None if last is None else f"{last[2]!r},{last[0]},{last[1]}", unreadable)
            entry = records.entry(row)
            if entry is not None:
                entries.append(entry)
                last = row
            else:
                unreadable += 1
        return Page(entries, None, unreadable)


def entries(
    log: Path, filters: Filters, *, newest_first: bool = False, missed: Missed | None = None
) -> Iterator[Entry]:
    """All requests that pass, oldest first; `missed` counts those that cannot be read. Raises UnreadableError."""
    with opened(log) as database, Records(log) as records:
        for row in _rows(database, filters, None, newest_first=newest_first):
            entry = records.entry(row)
            if entry is not None:
                yield entry
            elif missed is not None:
                missed.count += 1


def _rows(
    database: sqlite3.Connection, filters: Filters, before: str | None, *, newest_first: bool = True
) -> Iterator[tuple[Any, ...]]:
    where, values = ["1"], []
    for name, value in filters.names.items():
        where.append(f"{name}=?")
        values.append(value)
    if filters.verdict == REFUSED:
        where.append(
            f"verdict NOT IN ({','.join('?' * len(_NOT_REFUSED))}) AND verdict NOT LIKE 'upstream\\_%' ESCAPE '\\'"
        )
        values.extend(_NOT_REFUSED)
    elif filters.verdict is not None:
        where.append("verdict=?")
        values.append(filters.verdict)
    if filters.text is not None:
        _look_for(filters.text, database, where, values)
    for sign, bound in ((">=", filters.since), ("<", filters.until)):
        if bound is not None:
            where.append(f"time{sign}?")
            values.append(bound)
    if before is not None:
        where.append("(time,chain,decision)<(?,?,?)")
        values.extend(_cursor(before))
    order = "DESC" if newest_first else "ASC"
    # Only names and signs of this module are put together here; what people write goes in as values.
    query = f"{_ROW}WHERE {' AND '.join(where)} ORDER BY time {order}, chain {order}, decision {order}"
    yield from database.execute(query, values)


def _look_for(text: str, database: sqlite3.Connection, where: list[str], values: list[Any]) -> None:
    if text.isascii():  # SQLite folds the case of these, and does it without holding up the threads of this process
        where.append("text LIKE ? ESCAPE '\\'")
        values.append("%" + re.sub(r"([%_\\])", r"\\\1", text) + "%")
        return
    database.create_function("folded", 1, lambda shown: (shown or "").casefold(), deterministic=True)
    where.append("instr(folded(text), ?)")
    values.append(text.casefold())


def _cursor(before: str) -> tuple[float, int, int]:
    found = _NEXT.fullmatch(before)
    if found is None:
        raise FilterError("before is not what a page gave as `next`: begin again without it")
    return float(found.group(1)), int(found.group(2)), int(found.group(3))


# The chains.


def chains(log: Path) -> list[dict[str, Any]]:
    """The state of each chain: the fields of `admin.audit_models.ChainEntry`. Raises UnreadableError."""
    try:
        with opened(log) as database:
            rows = database.execute("SELECT chain, count, verified, fault, not_interpreted FROM chains")
            known = {row[0]: row[1:] for row in rows}
    except UnreadableError:
        known = {}  # the chains are there all the same
    with reading(log):
        return [_chain(log, chain, known.get(chain, (0, 0, None, 0))) for chain in chains_in(log)]


def not_interpreted(log: Path) -> int:
    """The number of indexed records that cannot be interpreted in full. Raises UnreadableError."""
    with opened(log) as database:
        return int(database.execute("SELECT coalesce(sum(not_interpreted), 0) FROM chains").fetchone()[0])


def _chain(log: Path, chain: int, known: tuple[Any, ...]) -> dict[str, Any]:
    count, verified, fault, not_interpreted = known
    folder = chain_folder(log, chain)
    segments = segments_in(folder)
    signed, _ = checkpoints.read(folder / checkpoints.FILE)
    last = signed[-1] if signed else None
    return {
        "chain": chain,
        "origin": last.origin if last else "",
        "first": segments[0].first if segments else 0,
        "last": max(count, last.count if last else 0),
        "segments": len(segments),
        "bytes": sum(segment.size for segment in segments),
        "checkpoint": None if last is None else {"count": last.count, "at": last.at},
        "verified": verified,
        "fault": fault,
        "not_interpreted": not_interpreted,
    }
