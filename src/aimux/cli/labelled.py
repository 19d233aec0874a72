"""Reading labelled texts from JSON lines or CSV: every row that can be used, or every problem with its line."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aimux.cli import console
from aimux.cli.rows import STDIN, Fields, RowError, RowsError, content, is_unicode, json_lines, listed, say
from aimux.core.policy import FALLBACK_NAME, Policy
from aimux.intent.quality import Kind

_TEXT: Final = "text"
_ROUTE: Final = "route"
_KIND: Final = "kind"
_KINDS: Final = " or ".join(f"'{kind}'" for kind in Kind)
_SHAPE: Final = 'write {"text": "...", "route": "..."} on each line, with null as the route of a text out of scope'
_SHOWN: Final = 10
_LONGEST_NAME: Final = 40
_OTHER_DIVIDERS: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row: its line, its text, and the route that it should reach, None where it is out of scope."""

    line: int
    text: str
    expected: str | None
    kind: Kind | None


def labelled_or_report(path: Path, config: Path, policy: Policy) -> list[Labelled] | None:
    """The rows of a file for a configuration, or None after everything that is wrong with them has been said."""
    if not any(route.intents for route in policy.routes):
        console.problem(f"aimux: {config}: no route has intents, so that no text can mean any: give some to a route")
        return None
    try:
        return read_labelled(path, policy)
    except RowsError as error:
        say(error)
        return None


def repeats_of_intents(rows: Sequence[Labelled], policy: Policy) -> int:
    """How many rows are intents themselves: they find their route by being the same."""
    intents = {_plain(intent) for route in policy.routes for intent in route.intents}
    return sum(_plain(row.text) in intents for row in rows)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def read_labelled(path: Path, policy: Policy) -> list[Labelled]:
    """The rows of a file, for the routes of this policy. Raises RowsError."""
    if path.suffix == ".csv":
        found = _csv_rows(content(path))
    elif path.suffix == ".jsonl" or path == STDIN:
        found = json_lines(path, _SHAPE)
    else:
        raise RowsError([f"{path}: neither .jsonl nor .csv: name the file by what it holds, or give JSON lines to -"])
    rows: list[Labelled] = []
    problems = []
    first: dict[str, Labelled] = {}
    for line, fields in found:
        try:
            row = _row(line, fields, policy)
            rows.append(row)
            _agree(row, first.setdefault(_plain(row.text), row))
        except RowError as error:
            problems.append((line, error))
    if problems:
        raise RowsError(listed(path, problems))
    if not rows:
        raise RowsError([f"{path}:1: no rows: {_SHAPE}, or give a CSV file the columns text, route and kind"])
    return rows


def _agree(row: Labelled, first: Labelled) -> None:
    """Raises RowError where a text was labelled otherwise before: whatever is decided then, one of the two is wrong."""
    if row.expected != first.expected:
        own, other = (f"'{each.expected}'" if each.expected else "no route" for each in (row, first))
        raise RowError(f"the text has {own} here and {other} in line {first.line}: keep the one that is right")


def _csv_rows(text: str) -> Iterator[tuple[int, Fields | RowError]]:
    # Of a cell longer than this `csv` would say that the file is wrong.
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
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
                RowError(f"not CSV: {error}: put texts with commas or quotes into quotes, and double those inside"),
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
            yield line, RowError(f"{len(cells)} cells under {len(names)} columns: put texts with commas into quotes")
        else:
            yield line, dict(zip(names, cells, strict=True))


def _header_problem(names: list[str]) -> RowError | None:
    lacking = [name for name in (_TEXT, _ROUTE) if name not in names]
    if lacking:
        there = ", ".join(map(json.dumps, [name[:_LONGEST_NAME] for name in names[:_SHOWN]]))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return RowError(f"no column {' nor '.join(lacking)} among {there}{more}: {_header_remedy(names)}")
    if any(names.count(name) > 1 for name in (_TEXT, _ROUTE, _KIND)):
        return RowError("a column comes twice: keep one each of text, route and kind")
    return None


def _header_remedy(names: list[str]) -> str:
    for other, called in _OTHER_DIVIDERS.items():
        if len(names) == 1 and {name.strip().casefold() for name in names[0].split(other)} >= {_TEXT, _ROUTE}:
            return f"they are divided by {called}: save the file with commas"
    if {_TEXT, _ROUTE} <= {name.casefold() for name in names}:
        return "write the names in small letters"
    return "name the columns text, route and, if you like, kind"


def _row(line: int, fields: Fields | RowError, policy: Policy) -> Labelled:
    if isinstance(fields, RowError):
        raise fields
    expected = _expected(fields, policy)
    return Labelled(line, _text(fields), expected, _kind(fields, expected))


def _text(fields: Fields) -> str:
    text = fields.get(_TEXT)
    if not isinstance(text, str) or not text.strip():
        raise RowError("the text is empty or no string: give the row one, or drop it")
    if not is_unicode(text):
        raise RowError("the text holds half of a surrogate pair, which no Unicode text does: correct it")
    return text


def _expected(fields: Fields, policy: Policy) -> str | None:
    if _ROUTE not in fields:
        raise RowError("no route: name one, or give the row an empty one or null where the text is out of scope")
    name = fields[_ROUTE]
    if name is None or name == "":
        return None
    if not isinstance(name, str):
        raise RowError("the route is no string: name one of the configuration, or leave it empty")
    route = policy.by_name.get(name)
    if route is None and name in {FALLBACK_NAME, "none"}:
        raise RowError(f"'{name}' is no route: leave the route of a text out of scope empty")
    if route is None:
        known = [each.name for each in policy.routes if each.intents]
        some = ", ".join([*known[:_SHOWN], *(["..."] if len(known) > _SHOWN else [])])
        raise RowError(f"the configuration has no route {name!a}: name one of {some}, or leave it empty")
    if not route.intents:
        raise RowError(f"route '{name}' has no intents, so that no text can mean it: give it some, or drop the row")
    return name


def _kind(fields: Fields, expected: str | None) -> Kind | None:
    kind = fields.get(_KIND)
    if kind is None or kind == "":
        return None
    if not isinstance(kind, str) or kind not in set(Kind):
        raise RowError(f'"kind" is {_KINDS}, or left out')
    if expected is not None:
        raise RowError('"kind" is for texts out of scope: leave it out where there is a route')
    return Kind(kind)
