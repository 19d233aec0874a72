"""The log: one line a request and one an event, readable on a terminal, JSON elsewhere; written once a loop tick."""

import json
import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from time import gmtime, strftime, time
from typing import Any, Final

import structlog

from aimux.core.fault import fault_fields
from aimux.core.record import VERDICT_ANSWERED, VERDICT_FALLBACK, VERDICT_FORWARD, Ended, Record
from aimux.core.routing import PartMatch
from aimux.edge.log_output import STANDARD_ERROR, STANDARD_OUTPUT, Descriptor, Output, same_file
from aimux.edge.log_thread import WriterThread
from aimux.edge.log_writer import Tell, TickWriter

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_LONGEST_VALUE: Final = 512
_LONGEST_QUOTED: Final = 128
_LAST_WORDS: Final = 2.0
_LAST_COMPLAINT: Final = 0.5
_MOST_COMPLAINTS: Final = 16 * 1024
_ENCODE: Final = json.JSONEncoder(ensure_ascii=True, check_circular=False).encode
_SERVED: Final = frozenset({VERDICT_FORWARD, VERDICT_FALLBACK, VERDICT_ANSWERED})


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How much is logged, whether with the time, and in which form: auto, human or json."""

    level: str = "info"
    timestamp: bool = True
    form: str = "auto"


class Log:
    """Writes events and the line of each request to standard output. `tell` hears when that fails: see TickWriter."""

    def __init__(self, settings: LogSettings, tell: Tell, output: Output | None = None) -> None:
        human = settings.form == "human" or (settings.form == "auto" and sys.stdout.isatty())
        self.writer = TickWriter(output or Descriptor(), tell)
        self._errors: WriterThread | None = None
        self._human = human
        self._timestamp = settings.timestamp
        self._debug = settings.level == "debug"
        self._requests = _LEVELS[settings.level] <= logging.INFO
        self._logger: structlog.types.FilteringBoundLogger = structlog.wrap_logger(
            self.writer,
            processors=_processors(settings, human=human),
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        ).bind()

    @property
    def event(self) -> structlog.types.FilteringBoundLogger:
        """For what happens besides requests: `log.event.info("listening", url=...)`."""
        return self._logger

    def request(self, record: Record) -> None:
        """The line of one request, and one more where something went wrong that the caller is not told."""
        if self._requests:
            if self._human:
                self._logger.info("request", **_fields(record, detailed=self._debug))
            else:
                self.writer.msg(self._line(record))
        if record.fault:
            self._logger.error("fault", request_id=record.request_id, verdict=record.verdict, detail=record.fault)

    def fault(self, _: object, context: Mapping[str, object]) -> None:
        """Log a fault in a callback, where no request is at hand to refuse: an exception handler of event loops."""
        self._logger.error("fault", **fault_fields(context))

    def complain(self, message: str) -> None:
        """Say on standard error what the log cannot say, without waiting.

        Where both lead to the same file it stands among the log's lines, so that it parts none of them.
        """
        if same_file(STANDARD_OUTPUT, STANDARD_ERROR):
            self.writer.msg(f"aimux: {message}")
            return
        if self._errors is None:
            self._errors = WriterThread(Descriptor(STANDARD_ERROR), _nothing)
        if self._errors.waiting < _MOST_COMPLAINTS:
            self._errors.put(f"aimux: {message}\n".encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Write what is left, for two seconds at most. What nobody took by then is lost, and standard error says so."""
        lost = self.writer.close(_LAST_WORDS)
        if lost:
            self.complain(f"{lost} lines of the log are lost: standard output could not be written")
        if self._errors is not None:
            self._errors.wait(_LAST_COMPLAINT)

    def _line(self, record: Record) -> str:
        """What the logger would write, without the chain behind it: this one is paid with every request."""
        time = f'"timestamp": "{_now()}", ' if self._timestamp else ""
        more = _more(record, detailed=self._debug)
        return (
            f'{{{time}"level": "info", "event": "request", "request_id": "{record.request_id}", '
            f'"agent": {_quoted(agent_of(record))}, "route": {_quoted(record.route)}, '
            f'"verdict": {_quoted(record.verdict or record.ended.value)}, "status": {record.status}, '
            f'"ms": {_ms(record.total_seconds)}, "method": {_quoted(record.method)}, '
            f'"path": {_quoted_path(record.path)}{", " + _ENCODE(more)[1:-1] if more else ""}}}'
        )


def _nothing() -> None:
    """Nobody is told of standard error's troubles."""


def _now() -> str:
    now = time()
    second = int(now)
    return f"{_second(second)}.{int((now - second) * 1_000_000):06d}Z"


@lru_cache(maxsize=1)
def _second(second: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))


@lru_cache(maxsize=1024)
def _quoted(value: str | None) -> str:
    return _ENCODE(value)


def _quoted_path(path: str) -> str:
    return _quoted(path) if len(path) <= _LONGEST_QUOTED else _ENCODE(_short(path))


def _fields(record: Record, *, detailed: bool) -> dict[str, object]:
    """What the line of a request says, in the order of `_line`."""
    return {
        "request_id": record.request_id,
        "agent": agent_of(record),
        "route": record.route,
        "verdict": record.verdict or record.ended.value,
        "status": record.status,
        "ms": _ms(record.total_seconds),
        "method": record.method,
        "path": _short(record.path),
        **_more(record, detailed=detailed),
    }


def _more(record: Record, *, detailed: bool) -> dict[str, object]:
    """What only some lines say."""
    more: dict[str, object] = {}
    if record.ended is not Ended.COMPLETED:
        more["ended"] = record.ended.value
    if record.principal is not None and record.principal.conflicts:
        more["conflicting_claims"] = [f"{c.place.value}:{c.field}" for c in record.principal.conflicts]
    if detailed:
        more |= _details(record)
    return more


def _details(record: Record) -> dict[str, object]:
    found = record.match
    margin = None if found is None else found.lead.margin
    return {
        "peer": record.peer,
        "trace_id": record.trace.trace_id,
        "identity": record.principal.assurance.word if record.principal else None,
        "client_request_id": record.client_request_id,
        "upstream_request_id": record.upstream_request_id,
        "dialect": record.dialect,
        "rule": record.says,
        "rule_id": None if record.rule is None else record.rule.id,
        "scores": {name: round(score, 4) for name, score in record.scores},
        "margin": None if margin is None else round(margin, 4),
        **({} if found is None or found.part is None else {"part": _part(found.part)}),
        "cached": record.cached,
        "decided_ms": _ms(record.decided_seconds),
        "model_ms": _ms(record.model_seconds),
        "upstream_ms": _ms(record.upstream_seconds),
        "bytes": record.response_bytes,
    }


def _part(part: PartMatch) -> dict[str, object]:
    """The part of the text that decided, without its words: the log holds no texts."""
    start, end = part.span or (None, None)
    return {"route": part.lead.route.name, "start": start, "end": end, "score": round(part.lead.score, 4)}


def agent_of(record: Record) -> str | None:
    """The registered agent that asked; None for anonymous callers and for those whose identity was refused."""
    return record.principal.agent if record.principal else None


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 2)


Processor = Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any] | str | bytes]


def _processors(settings: LogSettings, *, human: bool) -> list[Processor]:
    chain: list[Processor] = [structlog.processors.add_log_level]
    if settings.timestamp:
        chain.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
    chain += [_bounded, _ordered]
    if human:
        chain += [_printable, structlog.dev.ConsoleRenderer(colors=_colours(), pad_event_to=10, sort_keys=False)]
    else:
        chain.append(structlog.processors.JSONRenderer(ensure_ascii=True))
    return chain


def _colours() -> bool:
    import os  # noqa: PLC0415  (only a terminal asks)

    return "NO_COLOR" not in os.environ


def _bounded(_: object, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in fields.items():
        if isinstance(value, str):
            fields[key] = _short(value)
    return fields


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "..."


def _ordered(_: object, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    first = {key: fields.pop(key) for key in ("timestamp", "level", "event") if key in fields}
    return {**first, **fields}


def _printable(_: object, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape whatever could move the terminal's cursor or begin a line: a value never leaves its field."""
    shown: dict[str, Any] = {}
    for key, value in fields.items():
        if value is None:
            shown[key] = "-"
        elif isinstance(value, str) and not (value.isascii() and value.isprintable()):
            shown[key] = value.encode("unicode_escape").decode("ascii")
        else:
            shown[key] = value
    return shown
