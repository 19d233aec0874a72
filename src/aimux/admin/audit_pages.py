"""The audit endpoints: requests, sums, the state of the chains, an export, and a stream of what happens.

What blocks runs in a thread. The answers have the shapes of `admin.audit_models`.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Final, TypeVar

from aimux.admin.page import HARDENING, Page, Stream
from aimux.admin.parameters import parameters
from aimux.audit.errors import UnreadableError
from aimux.audit.export import FORMATS
from aimux.audit.filters import FilterError, Filters, moment, parse
from aimux.audit.follow import Follower, Look
from aimux.audit.index_watch import IndexWatch
from aimux.audit.lag import behind
from aimux.audit.query import chains, entries, page
from aimux.audit.settings import AuditSettings
from aimux.audit.sums import Span, stats
from aimux.core.endpoints import Endpoint
from aimux.core.reason import Failure, Reason
from aimux.edge.exchange import Exchange
from aimux.gateway.live import Live

_FILTERS: Final = ("agent", "route", "verdict", "text")
_SPAN: Final = ("since", "until")
# What a form leaves empty filters nothing.
_MOST_ENTRIES: Final = 500
_MOST_STEPS: Final = 500
_LONGEST_SPAN: Final = 400 * 24 * 60 * 60  # seconds
_LOOK_SECONDS: Final = 0.25
_MOST_RECORDS: Final = 200
_HEARTBEAT_SECONDS: Final = 10.0
_EXPORTED_AT_ONCE: Final = 200
_TYPES: Final = {"jsonl": b"application/x-ndjson", "csv": b"text/csv; charset=utf-8", "otlp": b"application/x-ndjson"}
_OFF: Final = "nothing is recorded: audit.enabled is false in the gateway's configuration"

# Threads of their own: a search through a large log must not keep requests from having their bodies read.
_READERS: Final = ThreadPoolExecutor(3, "aimux-audit-reader")

T = TypeVar("T")
Answer = Page | Stream


class AuditPages:
    """Answers from the log that this gateway writes; `settings` is None where it writes none."""

    def __init__(
        self,
        settings: AuditSettings | None,
        live: Live,
        standing: Callable[[], list[str]] = list,
        index: IndexWatch | None = None,
    ) -> None:
        """`standing` says what is wrong with the files of this process's chain now."""
        self._index = index
        self._settings = settings
        self._live = live
        self._standing = standing

    @property
    def endpoints(self) -> Mapping[Endpoint, Callable[[Exchange], Awaitable[Answer]]]:
        """Which endpoint is answered by what. Raises Failure where a request makes no sense."""
        return {
            Endpoint.AUDIT: self._requests,
            Endpoint.AUDIT_STREAM: self._stream,
            Endpoint.AUDIT_STATUS: self._status,
            Endpoint.AUDIT_STATS: self._stats,
            Endpoint.AUDIT_EXPORT: self._export,
        }

    async def _requests(self, exchange: Exchange) -> Answer:
        given = parameters(exchange, (*_FILTERS, *_SPAN, "request_id", "trace_id", "limit", "before"))
        filters = _filters(given)
        limit = _number("limit", given, 50, _MOST_ENTRIES)
        return _json(await self._read(lambda log: _page_body(log, filters, limit, given.get("before"))))

    async def _stats(self, exchange: Exchange) -> Answer:
        given = parameters(exchange, ("agent", "route", *_SPAN, "steps"))
        now = time.time()
        since, until = _moment("since", given, now - 900, now), _moment("until", given, now, now)
        steps = _number("steps", given, 60, _MOST_STEPS)
        since = min(max(since, until - _LONGEST_SPAN), until)
        span = Span(since, until, steps, given.get("agent"), given.get("route"))
        return _json(await self._read(lambda log: {"behind": behind(log), **stats(log, span)}))

    async def _status(self, exchange: Exchange) -> Answer:
        parameters(exchange, ())
        settings, problem = self._settings, self._live.obstacles.get("audit")
        found: dict[str, Any] = {
            "enabled": settings is not None,
            "writable": settings is not None and problem is None,
            "problem": problem,
            "faults": self._standing(),
            "index_problem": None if self._index is None else self._index.problem,
            "sync": "always" if settings is not None and settings.always else "os",
            "text": "none" if settings is None else settings.text,
            "chains": [],
            "behind": 0,
        }
        if settings is None:
            return _json(found)
        log = settings.path
        return _json(await self._read(lambda _: found | {"chains": chains(log), "behind": behind(log)}))

    async def _export(self, exchange: Exchange) -> Answer:
        given = parameters(exchange, (*_FILTERS, *_SPAN, "format"))
        form = given.get("format", "jsonl")
        if form not in FORMATS:
            raise Failure(Reason.BAD_REQUEST, f"format is one of {', '.join(FORMATS)}")
        log, filters = self._log(), _filters(given)
        # Whatever is wrong is said before the answer has begun.
        lacking = (await self._read(lambda log: _page_body(log, filters, 1, None)))["behind"]
        name = time.strftime(f"aimux-audit-%Y%m%dT%H%M%SZ.{'csv' if form == 'csv' else 'jsonl'}", time.gmtime())
        about = (
            f'Content-Disposition: attachment; filename="{name}"'.encode("ascii"),
            b"X-AIMux-Audit-Behind: %d" % lacking,
        )
        pieces = FORMATS[form](entries(log, filters))
        return Stream(_TYPES[form], _in_a_thread(pieces), (*HARDENING, *about))

    async def _stream(self, exchange: Exchange) -> Answer:
        filters = _filters(parameters(exchange, _FILTERS))
        follower = await self._read(lambda log: Follower(log, filters))
        return Stream(b"text/event-stream", self._events(follower))

    async def _events(self, follower: Follower) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        said_at = time.monotonic()
        while not self._live.draining:
            try:
                look = await _apart(follower.look, _MOST_RECORDS)
            except UnreadableError:
                return  # whoever asks again is told why
            events = _events_of(look)
            if events or time.monotonic() - said_at > _HEARTBEAT_SECONDS:
                said_at = time.monotonic()
                yield events or b": still here\n\n"
            await asyncio.sleep(_LOOK_SECONDS)

    def _log(self) -> Any:
        if self._settings is None:
            raise Failure(Reason.NOT_FOUND, _OFF)
        return self._settings.path

    async def _read(self, question: Callable[[Any], T]) -> T:
        log = self._log()
        try:
            return await _apart(question, log)
        except FilterError as error:
            raise Failure(Reason.BAD_REQUEST, str(error)) from error
        except UnreadableError as error:
            raise Failure(Reason.NOT_READY, str(error)) from error


def _page_body(log: Any, filters: Filters, limit: int, before: str | None) -> dict[str, Any]:
    lacking = behind(log)
    found = page(log, filters, limit, before)
    return {"requests": found.entries, "next": found.next, "unreadable": found.unreadable, "behind": lacking}


def _events_of(look: Look) -> bytes:
    lines = [
        f"event: {seen.kind}\nid: {seen.chain}:{seen.number}\ndata: {json.dumps(seen.entry, separators=(',', ':'))}\n\n"
        for seen in look.seen
    ]
    if look.skipped:
        lines.append(f'event: skipped\ndata: {{"records":{look.skipped}}}\n\n')
    if look.unreadable:
        lines.append(f'event: unreadable\ndata: {{"records":{look.unreadable}}}\n\n')
    return "".join(lines).encode("ascii")


async def _apart(work: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.get_running_loop().run_in_executor(_READERS, work, *arguments)


async def _in_a_thread(pieces: Iterator[str]) -> AsyncIterator[bytes]:
    while some := await _apart(lambda: "".join(islice(pieces, _EXPORTED_AT_ONCE))):
        yield some.encode("utf-8")


def _json(found: Mapping[str, Any]) -> Page:
    return Page(200, b"application/json", json.dumps(found, separators=(",", ":")).encode("ascii") + b"\n")


# What was asked.


def _filters(given: Mapping[str, str]) -> Filters:
    try:
        return parse(given, time.time())
    except FilterError as error:
        raise Failure(Reason.BAD_REQUEST, str(error)) from error


def _moment(name: str, given: Mapping[str, str], default: float, now: float) -> float:
    try:
        return moment(name, given[name], now) if name in given else default
    except FilterError as error:
        raise Failure(Reason.BAD_REQUEST, str(error)) from error


def _number(name: str, given: Mapping[str, str], default: int, most: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Failure(Reason.BAD_REQUEST, f"{name} is a number from 1 to {most}")
    return int(text)
