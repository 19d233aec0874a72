"""Answering from the index: pages of requests, sums over time, and the state of every chain."""

import json
import math
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from aimux.audit import checkpoints, rollups
from aimux.audit.entry import Entry, entry_of, is_failure, is_refusal
from aimux.audit.filters import REFUSED, FilterError, Filters
from aimux.audit.index import Indexer, opened
from aimux.audit.rollups import Sums
from aimux.audit.segments import chain_folder, chains_in, segment_at, segments_in

_AT_ONCE: Final = 500
_PATIENCE: Final = 10.0
_SERVED: Final = ("forward", "fallback", "answered", "client_left", "internal")
_ROW: Final = (
    "SELECT chain, decision, time, segment, offset, length, end_segment, end_offset, end_length FROM requests "
)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first, and where the next page begins."""

    entries: list[Entry]
    next: str | None


def catch_up(log: Path) -> None:
    """Bring the index up to what the log holds now; wait for who does that already. Raises OSError."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            indexer = Indexer(log)
        except BlockingIOError:
            if not behind(log) or time.monotonic() > deadline:
                return
            time.sleep(0.05)
            continue
        try:
            indexer.catch_up()
        finally:
            indexer.close()
        return


def behind(log: Path) -> int:
    """How many bytes of the log are not in the index yet."""
    try:
        with opened(log) as database:
            read = {row[0]: row[1:] for row in database.execute("SELECT chain, segment, offset FROM chains")}
    except (FileNotFoundError, sqlite3.OperationalError):
        read = {}
    total = 0
    for chain in chains_in(log):
        at, offset = read.get(chain, (0, 0))
        for segment in segments_in(chain_folder(log, chain)):
            if segment.first >= at:
                total += max(segment.size - (offset if segment.first == at else 0), 0)
    return total


def page(log: Path, filters: Filters, limit: int, before: str | None = None) -> Page:
    """The newest requests that pass. `before` is what the page before gave as `next`.

    Raises FilterError, and FileNotFoundError where there is no index.
    """
    with opened(log) as database, _Lines(log) as lines:
        entries: list[Entry] = []
        last: tuple[Any, ...] | None = None
        for row in _rows(database, filters, before):
            if len(entries) == limit:
                return Page(entries, None if last is None else f"{last[2]!r},{last[0]},{last[1]}")
            entry = lines.entry(row)
            if entry is not None:
                entries.append(entry)
                last = row
        return Page(entries, None)


def entries(log: Path, filters: Filters, *, newest_first: bool = False) -> Iterator[Entry]:
    """All requests that pass, oldest first. Raises FileNotFoundError where there is no index."""
    with opened(log) as database, _Lines(log) as lines:
        for row in _rows(database, filters, None, newest_first=newest_first):
            entry = lines.entry(row)
            if entry is not None:
                yield entry


def _rows(
    database: sqlite3.Connection, filters: Filters, before: str | None, *, newest_first: bool = True
) -> Iterator[tuple[Any, ...]]:
    where, values = ["1"], []
    for name, value in filters.names.items():
        where.append(f"{name}=?")
        values.append(value)
    if filters.verdict == REFUSED:
        where.append(f"verdict NOT IN ({','.join('?' * len(_SERVED))}) AND verdict NOT LIKE 'upstream\\_%' ESCAPE '\\'")
        values.extend(_SERVED)
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
    try:
        moment, chain, decision = before.split(",")
        return float(moment), int(chain), int(decision)
    except ValueError as error:
        raise FilterError("before is not what a page gave as `next`: begin again without it") from error


class _Lines:
    """Reads records where the index says that they are. What has been removed meanwhile is not there."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._files: dict[tuple[int, int], BinaryIO | None] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def entry(self, row: tuple[Any, ...]) -> Entry | None:
        """The request of a row of the index."""
        chain, _, _, *places = row
        decision = self._record(chain, *places[:3])
        if decision is None:
            return None
        outcome = None if places[3] is None else self._record(chain, *places[3:])
        return entry_of(chain, decision, outcome)

    def _record(self, chain: int, segment: int, offset: int, length: int) -> Any:
        file = self._file(chain, segment)
        if file is None:
            return None
        file.seek(offset)
        try:
            return json.loads(file.read(length))
        except ValueError:
            return None

    def _file(self, chain: int, segment: int) -> BinaryIO | None:
        if (chain, segment) not in self._files:
            path = segment_at(chain_folder(self._log, chain), segment).path
            try:
                self._files[chain, segment] = self._stack.enter_context(path.open("rb"))
            except FileNotFoundError:
                self._files[chain, segment] = None
        return self._files[chain, segment]


# Sums.


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when, in how many steps, and of whom."""

    since: float
    until: float
    steps: int = 60
    agent: str | None = None
    route: str | None = None


def stats(log: Path, span: Span) -> dict[str, Any]:
    """Sums over a span: the fields of `edge.audit_models.AuditStats`. Raises FileNotFoundError without an index."""
    width = rollups.width_for(span.since, span.until, time.time())
    step = max(math.ceil((span.until - span.since) / span.steps / width), 1) * width
    first = int(span.since // step)
    points: defaultdict[int, _Point] = defaultdict(_Point)
    links: defaultdict[tuple[str, str, str], Sums] = defaultdict(Sums)
    whole = Sums()
    with opened(log) as database:
        for at, agent, route, verdict, sums in rollups.between(
            database, (span.since, span.until), width, span.agent, span.route
        ):
            points[int(at // step)].add(verdict, sums)
            links[agent, route, verdict].add(sums)
            whole.add(sums)
    course = range(first, max(math.ceil(span.until / step), first + 1))
    return {
        "since": _iso(span.since),
        "until": _iso(span.until),
        "step_seconds": step,
        **_quantiles(whole),
        "series": [{"at": _iso(number * step), **points[number].fields} for number in course],
        "links": [
            {"agent": agent, "route": route, "verdict": verdict, "requests": sums.requests, "bytes": sums.bytes}
            for (agent, route, verdict), sums in sorted(links.items())
        ],
    }


class _Point:
    """One step of a course."""

    def __init__(self) -> None:
        self._sums = Sums()
        self._refused = 0

    def add(self, verdict: str, sums: Sums) -> None:
        self._sums.add(sums)
        if is_refusal(verdict) and not is_failure(verdict, None):
            self._refused += sums.requests

    @property
    def fields(self) -> dict[str, Any]:
        sums = self._sums
        return {
            "requests": sums.requests,
            "refused": self._refused,
            "failed": sums.failed,
            **_quantiles(sums),
            "model_ms": sums.mean_model_ms,
            "upstream_ms": sums.mean_upstream_ms,
        }


def _quantiles(sums: Sums) -> dict[str, float | None]:
    return {name: sums.quantile(share) for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99))}


# The chains.


def chains(log: Path) -> list[dict[str, Any]]:
    """The state of each chain: the fields of `edge.audit_models.ChainEntry`."""
    try:
        with opened(log) as database:
            rows = database.execute("SELECT chain, count, verified, fault FROM chains")
            known = {row[0]: row[1:] for row in rows}
    except (FileNotFoundError, sqlite3.OperationalError):
        known = {}
    return [_chain(log, chain, *known.get(chain, (0, 0, None))) for chain in chains_in(log)]


def _chain(log: Path, chain: int, count: int, verified: int, fault: str | None) -> dict[str, Any]:
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
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
