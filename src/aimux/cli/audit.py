"""`aimux audit`: what the audit log says, while a gateway writes it or long after."""

import json
import sqlite3
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from aimux.audit.entry import Entry, is_failure, is_refusal
from aimux.audit.errors import AuditError, UnreadableError, reading
from aimux.audit.export import FORMATS
from aimux.audit.filters import FilterError, Filters, parse
from aimux.audit.follow import Follower
from aimux.audit.lag import catch_up
from aimux.audit.query import Missed, entries, not_interpreted, page
from aimux.audit.segments import chains_in
from aimux.audit.signing import PUBLIC_KEY, Verifier
from aimux.audit.sums import Span
from aimux.audit.sums import stats as sums
from aimux.audit.verify import Verdict
from aimux.audit.verify import verify as verify_log
from aimux.cli import console
from aimux.cli.audit_of_commands import commands as print_commands
from aimux.cli.loading import load_or_report

_LOOK_SECONDS = 0.2
_AT_ONCE = 500


class _Unusable(Exception):  # noqa: N818  (why there is nothing to read, and the exit code)
    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(message)
        self.code = code


def tail(config: Path, path: Path | None, given: Mapping[str, str], count: int, *, follow: bool, as_json: bool) -> int:
    """Print the last requests, and go on."""
    try:
        log, filters = _log(config, path), _filters(given)
        follower = Follower(log, filters)
        latest, unreadable = follower.latest(count)
        for entry in latest:
            _print(entry, as_json=as_json)
        _say_what_is_unreadable(unreadable)
        while follow:
            sys.stdout.flush()
            time.sleep(_LOOK_SECONDS)
            look = follower.look()
            for seen in look.seen:
                if seen.kind == "outcome":
                    _print(seen.entry, as_json=as_json)
            _say_what_is_unreadable(look.unreadable)
    except (_Unusable, UnreadableError) as error:
        return _fail(error)
    return 0


def query(config: Path, path: Path | None, given: Mapping[str, str], limit: int, *, as_json: bool) -> int:
    """Print the newest requests that pass."""
    try:
        log, filters = _log(config, path), _filters(given)
        lacking = _index(log)
        before: str | None = None
        unreadable = 0
        while limit > 0:
            found = page(log, filters, min(limit, _AT_ONCE), before)
            for entry in found.entries:
                _print(entry, as_json=as_json)
            limit -= len(found.entries)
            unreadable += found.unreadable
            if (before := found.next) is None:
                break
        unclear = not_interpreted(log)
    except (_Unusable, UnreadableError) as error:
        return _fail(error)
    _say_what_is_lacking(lacking)
    _say_what_is_missed(unreadable)
    _say_what_is_unclear(unclear)
    return 0


def export(config: Path, path: Path | None, given: Mapping[str, str], form: str) -> int:
    """Write the requests that pass in a format that others read."""
    try:
        log, filters = _log(config, path), _filters(given)
        lacking, missed = _index(log), Missed()
        sys.stdout.writelines(FORMATS[form](entries(log, filters, missed=missed)))
        unclear = not_interpreted(log)
    except (_Unusable, UnreadableError) as error:
        return _fail(error)
    _say_what_is_lacking(lacking)
    _say_what_is_missed(missed.count)
    _say_what_is_unclear(unclear)
    return 0


def commands(config: Path, path: Path | None, since: str | None, *, as_json: bool) -> int:
    """Print what operators commanded."""
    try:
        return print_commands(_log(config, path), since, as_json=as_json)
    except _Unusable as error:
        return _fail(error)


def verify(config: Path, path: Path | None, public_key: Path | None, checkpoints: Path | None, *, as_json: bool) -> int:
    """Verify every chain; 1 where any is not whole."""
    try:
        log, elsewhere = _log_and_second_place(config, path)
        verifier = Verifier.at(public_key or log / PUBLIC_KEY)
        with reading(log):
            verdicts = verify_log(log, verifier, checkpoints or elsewhere)
    except (_Unusable, AuditError) as error:
        return _fail(error)
    faults = [fault for verdict in verdicts for fault in verdict.faults]
    if as_json:
        print(json.dumps({"ok": not faults, "chains": [_verdict(verdict) for verdict in verdicts]}))
        return int(bool(faults))
    for verdict in verdicts:
        _say(verdict)
    return int(bool(faults))


def stats(config: Path, path: Path | None, given: Mapping[str, str], *, as_json: bool) -> int:
    """Print sums over a span."""
    try:
        log, filters = _log(config, path), _filters(given)
        lacking = _index(log)
        now = time.time()
        span = Span(filters.since or now, now if filters.until is None else filters.until, 60)
        found = sums(log, Span(span.since, span.until, span.steps, filters.agent, filters.route))
        unclear = not_interpreted(log)
    except (_Unusable, UnreadableError) as error:
        return _fail(error)
    if as_json:
        print(json.dumps({**found, "behind": lacking}))
    else:
        _show_stats(found)
    _say_what_is_lacking(lacking)
    _say_what_is_unclear(unclear)
    return 0


# Where the log is.


def _log(config: Path, path: Path | None) -> Path:
    return _log_and_second_place(config, path)[0]


def _log_and_second_place(config: Path, path: Path | None) -> tuple[Path, Path | None]:
    elsewhere = None
    if path is None:
        loaded = load_or_report(config)
        if loaded is None:
            raise _Unusable(2)
        path, elsewhere = loaded.config.audit.path, loaded.config.audit.checkpoint_to
    with reading(path):
        chains = chains_in(path)
    if not chains:
        raise _Unusable(1, f"there is no audit log in {path}: a gateway begins one when it starts")
    return path, elsewhere


def _filters(given: Mapping[str, str]) -> Filters:
    try:
        return parse(given, time.time())
    except FilterError as error:
        raise _Unusable(2, str(error)) from error


def _index(log: Path) -> int:
    """Index what is not yet; how many bytes of the log are not in the index all the same."""
    try:
        return catch_up(log)
    except (OSError, sqlite3.Error) as error:
        raise _Unusable(1, f"the index of {log} cannot be brought up to date: {error}") from error


def _say_what_is_lacking(lacking: int) -> None:
    if lacking:
        console.note(
            f"aimux: the index lacks the newest {lacking} bytes of the log, and so does this answer: another "
            "process, such as a gateway, is indexing them: ask again in a moment"
        )


def _say_what_is_missed(missed: int) -> None:
    if missed:
        console.note(
            f"aimux: the records of {missed} more requests are not in the log any more: see aimux audit verify"
        )


def _say_what_is_unreadable(lines: int) -> None:
    if lines:
        console.note(f"aimux: {lines} lines of the log cannot be read as records: see aimux audit verify")


def _say_what_is_unclear(records: int) -> None:
    if records:
        console.note(
            f"aimux: {records} lines of the log are of another version, or no records: what cannot be read of them is "
            "missing from this answer: see aimux audit verify"
        )


def _fail(error: _Unusable | AuditError) -> int:
    if str(error):
        console.problem(f"aimux: {error}")
    return error.code if isinstance(error, _Unusable) else 1


# What is printed.


def _print(entry: Entry, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(entry, separators=(",", ":")))
        return
    verdict = entry["verdict"]
    agent = entry["agent"] or ("(anonymous)" if entry["identity"] else "(unidentified)")
    position = f"{entry['position']['chain']}:{entry['position']['decision']}"
    took = "-" if entry["total_ms"] is None else f"{entry['total_ms']:.1f}ms"
    said = "" if entry["text"] is None else f" {json.dumps(entry['text'], ensure_ascii=False)}"
    line = (
        f"{entry['time']} {position:>8} {agent} {entry['route'] or '-'} {verdict} {entry['status'] or '-'} {took}{said}"
    )
    colour = "red" if is_failure(verdict, entry["ended"]) else "yellow" if is_refusal(verdict) else ""
    Console(highlight=False, soft_wrap=True).print(_printable(line), style=colour, markup=False)


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    faults = [{"record": fault.record, "place": fault.place, "why": fault.why} for fault in verdict.faults]
    return {
        "chain": verdict.chain,
        "origin": verdict.origin,
        "first": verdict.first,
        "last": verdict.last,
        "signed": verdict.signed,
        "checkpoints": verdict.checkpoints,
        "fault": faults[0] if faults else None,
        "faults": faults,
        "notes": verdict.notes,
        "not_interpreted": verdict.not_interpreted.total(),
    }


def _say(verdict: Verdict) -> None:
    _say_what_is_not_interpreted(verdict)
    if verdict.faults:
        for fault in verdict.faults:
            console.problem(f"bad: {fault}")
        return
    unsigned = verdict.last - verdict.signed
    behind = "" if not unsigned else f", {unsigned} of them since the last checkpoint"
    console.success(
        f"chain {verdict.chain}: ok: records {verdict.first} to {verdict.last}{behind}; "
        f"{verdict.checkpoints} checkpoints signed"
    )
    for note in verdict.notes:
        console.note(f"chain {verdict.chain}: {note}")


def _say_what_is_not_interpreted(verdict: Verdict) -> None:
    found = verdict.not_interpreted
    if found:
        why = ", ".join(f"{number} {why}" for why, number in found.most_common())
        console.note(
            f"chain {verdict.chain}: {found.total()} records were checked and could not be interpreted: {why}; read "
            "them with the version of AIMux that wrote them"
        )


def _show_stats(found: Mapping[str, Any]) -> None:
    shown = Console(highlight=False)
    total = sum(link["requests"] for link in found["links"])
    times = ", ".join(
        f"{name} {'-' if found[f'{name}_ms'] is None else found[f'{name}_ms']} ms" for name in ("p50", "p95", "p99")
    )
    shown.print(f"{total} requests from {found['since']} to {found['until']}: {times}")
    if not total:
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("agent", "route", "verdict"):
        table.add_column(heading)
    for heading in ("requests", "bytes"):
        table.add_column(heading, justify="right")
    for link in sorted(found["links"], key=lambda link: -link["requests"]):
        names = [escape(link[name]) for name in ("agent", "route", "verdict")]
        table.add_row(*names, str(link["requests"]), str(link["bytes"]))
    shown.print(table)
