"""Says in plain words why a text is no YAML, and where the cause is rather than where the parser noticed it."""

import re
from dataclasses import dataclass
from typing import Final

import yaml

_NOT_YAML: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_WITHIN: Final = re.compile("parsing a (?:block|flow)")
_BEHIND_QUOTE: Final = (
    "put the whole value in quotes: in '...' a double quote may stand, and '' is a single one; "
    "see also whether the quotes on this line and the one above are closed"
)
_IN_QUOTES: Final = "put values that hold a # in quotes, or a blank behind the # of a comment"

Explained = tuple[int | None, str, str]


@dataclass(frozen=True, slots=True)
class _Cause:
    """What the parser says of this cause; `at_start`: the cause is where the parser began what it was reading."""

    says: str
    message: str
    remedy: str
    at_start: bool = False


_CAUSES: Final = (
    _Cause("scanning an alias", "a * without quotes stands here", 'put it in quotes, as in allowed: ["*"]'),
    _Cause("scanning an anchor", "a & without quotes stands here", "put the value in quotes"),
    _Cause(
        "parsing a quoted scalar",
        "a backslash within double quotes begins something that YAML does not know",
        "write \\\\ for a backslash, or use single quotes",
    ),
    _Cause(
        "scanning a quoted scalar",
        "the quote that opens on this line is not closed",
        "close it, or put the whole value in quotes of the other kind",
        at_start=True,
    ),
    _Cause("scanning a block scalar", "a value begins with > or |", "put the value in quotes"),
    _Cause("block sequence entries are not allowed", "a value begins with - and a blank", "put the value in quotes"),
    _Cause(
        "flow sequence",
        "the [ on this line is not closed, or a comma is missing in it",
        "close it with ]; within it, put values that hold { } [ ] or , in quotes",
        at_start=True,
    ),
    _Cause(
        "flow mapping",
        "the { on this line is not closed, or a comma is missing in it",
        "close it with }; within it, put values that hold { } [ ] or , in quotes",
        at_start=True,
    ),
    _Cause("flow node", "a [ or { is not closed", "close it with ] or }"),
    _Cause("found unexpected ':'", "a colon has no space behind it", "write key: value, or put a value in quotes"),
    _Cause(
        "mapping values are not allowed",
        "a colon stands where none can",
        "put a value that holds a colon and a space in quotes, and begin each key on a line of its own",
    ),
    _Cause(
        "could not find expected ':'",
        "this is neither a key with a colon nor an item of a list",
        "write key: value, with a space behind the colon",
    ),
    _Cause("block", "this line is not indented like those it belongs to", "indent items of the same group alike"),
    _Cause(
        "cannot start any token",
        "the value begins with a character that YAML keeps for itself",
        "put the value in quotes",
    ),
)


def explain_syntax(error: yaml.MarkedYAMLError, text: str) -> Explained:
    """Line, message and remedy for what the parser found."""
    start, end = error.context_mark, error.problem_mark
    said = f"{error.problem} {error.context}"
    line = None if end is None else end.line + 1
    if line is not None and _is_indented_by_tab(text, line):
        return line, "a tab stands where YAML wants spaces", "indent with spaces"
    if end is not None and _WITHIN.search(said) and _follows_an_end(text, end):
        return line, "something stands behind the quote or bracket that closes a value", _BEHIND_QUOTE
    for cause in _CAUSES:
        if cause.says in said:
            if "flow" in cause.says and start is not None and (comment := _comment_from(text, start)) is not None:
                return comment, "the # on this line begins a comment within [ ] or { }", _IN_QUOTES
            return (start.line + 1 if cause.at_start and start else line), cause.message, cause.remedy
    return line, f"this is not valid YAML: {error.problem}", "check this line and the one above"


def explain_characters(text: str) -> Explained:
    """Line, message and remedy for a character that YAML does not know: the parser does not say where it is."""
    found = _NOT_YAML.search(text)
    line = None if found is None else text.count("\n", 0, found.start()) + 1
    name = "" if found is None else f" (U+{ord(found[0]):04X})"
    return line, f"a character{name} that YAML does not allow stands here", "remove it"


def _follows_an_end(text: str, mark: yaml.Mark) -> bool:
    """Whether the parser stopped right behind a quote or a bracket, on the same line."""
    return re.search(r"""["'\]}][ \t]*\Z""", _line(text, mark.line)[: mark.column]) is not None


def _comment_from(text: str, mark: yaml.Mark) -> int | None:
    """The number of the first line from a mark on with what YAML takes for a comment, though it looks like text."""
    for number, row in enumerate(text.split("\n")[mark.line :]):
        if re.search(r"[ \t]#[^\s#]", row[0 if number else mark.column :]):
            return mark.line + number + 1
    return None


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number + 1)
    return lines[number] if number < len(lines) else ""


def _is_indented_by_tab(text: str, line: int) -> bool:
    row = _line(text, line - 1)
    return "\t" in row[: len(row) - len(row.lstrip())]
