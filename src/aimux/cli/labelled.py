"""Reading labelled texts from JSON lines or CSV: every row that can be used, or every problem with its line."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aimux.cli import console
from aimux.core.snapshot import FALLBACK_NAME, Snapshot
from aimux.intent.quality import Kind

_TEXT: Final = "text"
_ROUTE: Final = "route"
_KIND: Final = "kind"
_KINDS: Final = " or ".join(f"'{kind}'" for kind in Kind)
_SHAPE: Final = 'write {"text": "...", "route": "..."} on each line, with null as the route of a text out of scope'
_SHOWN: Final = 10


class LabelledError(Exception):
    """The file cannot be used. Each of the messages is one line for the user."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class _RowError(Exception):
    """What is wrong with one row."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row: its line, its text, and the route that it should reach, None where it is out of scope."""

    line: int
    text: str
    expected: str | None
    kind: Kind | None


def labelled_or_report(path: Path, config: Path, snapshot: Snapshot) -> list[Labelled] | None:
    """The rows of a file for a configuration, or None after everything that is wrong with them has been said."""
    if not any(route.intents for route in snapshot.routes):
        console.problem(f"aimux: {config}: no route has intents, so that no text can mean any: give some to a route")
        return None
    try:
        return read_labelled(path, snapshot)
    except LabelledError as error:
        for message in error.messages:
            console.problem(f"aimux: {message}")
        return None


def repeats_of_intents(rows: Sequence[Labelled], snapshot: Snapshot) -> int:
    """How many rows are intents themselves: they find their route by being the same."""
    intents = {_plain(intent) for route in snapshot.routes for intent in route.intents}
    return sum(_plain(row.text) in intents for row in rows)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def read_labelled(path: Path, snapshot: Snapshot) -> list[Labelled]:
    """The rows of a file, for the routes of this snapshot. Raises LabelledError."""
    text = _content(path)
    if path.suffix == ".csv":
        found = _csv_rows(text)
    elif path.suffix == ".jsonl":
        found = _json_rows(text)
    else:
        raise LabelledError([f"{path}: neither .jsonl nor .csv: name the file by what it holds"])
    rows: list[Labelled] = []
    problems = []
    for line, fields in found:
        try:
            rows.append(_row(line, fields, snapshot))
        except _RowError as error:
            problems.append(f"{path}:{line}: {error}")
    if problems:
        more = len(problems) - _SHOWN
        raise LabelledError([*problems[:_SHOWN], *([f"{path}: {more} more problems"] if more > 0 else [])])
    if not rows:
        raise LabelledError([f"{path}:1: no rows: {_SHAPE}, or give a CSV file the columns text, route and kind"])
    return rows


def _content(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabelledError([f"{path}: cannot be read: {error.strerror or error}: name a file that can"]) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LabelledError([f"{path}:{line}: not UTF-8 text: save it as UTF-8"]) from None


_Fields = Mapping[str, object] | _RowError


def _json_rows(text: str) -> Iterator[tuple[int, _Fields]]:
    # Not splitlines: JSON strings may hold other line ends than this one as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _json_fields(line)


def _json_fields(line: str) -> _Fields:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return _RowError(f"not JSON: {_SHAPE}")
    if not isinstance(fields, dict):
        return _RowError(f"not an object: {_SHAPE}")
    return fields


def _csv_rows(text: str) -> Iterator[tuple[int, _Fields]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] | None = None
    end = 0
    while True:
        line = end + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield (
                line,
                _RowError(f"not CSV: {error}: put texts with commas or quotes into quotes, and double those inside"),
            )
            return
        if cells is None:
            return
        end = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            names = [cell.strip() for cell in cells]
            if problem := _header_problem(names):
                yield line, problem
                return
        elif len(cells) != len(names):
            yield line, _RowError(f"{len(cells)} cells under {len(names)} columns: put texts with commas into quotes")
        else:
            yield line, dict(zip(names, cells, strict=True))


def _header_problem(names: list[str]) -> _RowError | None:
    if lacking := [name for name in (_TEXT, _ROUTE) if name not in names]:
        return _RowError(f"no column {' nor '.join(lacking)}: name the columns text, route and, if you like, kind")
    if any(names.count(name) > 1 for name in (_TEXT, _ROUTE, _KIND)):
        return _RowError("a column comes twice: keep one each of text, route and kind")
    return None


def _row(line: int, fields: _Fields, snapshot: Snapshot) -> Labelled:
    if isinstance(fields, _RowError):
        raise fields
    expected = _expected(fields, snapshot)
    return Labelled(line, _text(fields), expected, _kind(fields, expected))


def _text(fields: Mapping[str, object]) -> str:
    text = fields.get(_TEXT)
    if not isinstance(text, str) or not text.strip():
        raise _RowError("the text is empty or no string: give the row one, or drop it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _RowError("the text holds half of a surrogate pair, which no Unicode text does: correct it") from None
    return text


def _expected(fields: Mapping[str, object], snapshot: Snapshot) -> str | None:
    if _ROUTE not in fields:
        raise _RowError("no route: name one, or give the row an empty one or null where the text is out of scope")
    name = fields[_ROUTE]
    if name is None or name == "":
        return None
    if not isinstance(name, str):
        raise _RowError("the route is no string: name one of the configuration, or leave it empty")
    route = snapshot.by_name.get(name)
    if route is None and name in {FALLBACK_NAME, "none"}:
        raise _RowError(f"'{name}' is no route: leave the route of a text out of scope empty")
    if route is None:
        known = [each.name for each in snapshot.routes if each.intents]
        some = ", ".join([*known[:_SHOWN], *(["..."] if len(known) > _SHOWN else [])])
        raise _RowError(f"the configuration has no route {name!a}: name one of {some}, or leave it empty")
    if not route.intents:
        raise _RowError(f"route '{name}' has no intents, so that no text can mean it: give it some, or drop the row")
    return name


def _kind(fields: Mapping[str, object], expected: str | None) -> Kind | None:
    kind = fields.get(_KIND)
    if kind is None or kind == "":
        return None
    if not isinstance(kind, str) or kind not in set(Kind):
        raise _RowError(f'"kind" is {_KINDS}, or left out')
    if expected is not None:
        raise _RowError('"kind" is for texts out of scope: leave it out where there is a route')
    return Kind(kind)
