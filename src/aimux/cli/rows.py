"""Files of rows that a command is given: their text, the JSON object on each line, and problems as they are listed."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from aimux.cli import console

STDIN: Final = Path("-")
"""What stands for standard input where a file is named."""

_SHOWN: Final = 10
_LONGEST_NAME: Final = 40
_BOM: Final = b"\xef\xbb\xbf"
_CONTROL: Final = "Invalid control character"

Fields = Mapping[str, object]


class RowsError(Exception):
    """The file cannot be used. Each of the messages is one line for the user."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class RowError(Exception):
    """What is wrong with one row."""


def say(error: RowsError) -> None:
    """Print why a file cannot be used."""
    for message in error.messages:
        console.problem(f"aimux: {message}")


class _TwiceError(ValueError):
    """A key comes twice in an object."""


def content(path: Path) -> str:
    """All that a file, or standard input, holds, as text. Raises RowsError."""
    data = b"".join(_lines(path))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RowsError([f"{path}:{line}: not UTF-8 text: save it as UTF-8"]) from None


def json_lines(path: Path, shape: str) -> Iterator[tuple[int, Fields | RowError]]:
    """The number of each line that holds something, and its object or what is wrong with it, as the lines come.

    `shape` says what to write on a line. Raises RowsError where nothing can be read.
    """
    for number, line in enumerate(_lines(path), 1):
        if line.strip():
            yield number, _fields(line, shape)


def listed(path: Path, problems: Iterable[tuple[int, object]]) -> list[str]:
    """Problems as they are told: the first of them with their lines, and how many more there are."""
    found = [f"{path}:{line}: {problem}" for line, problem in problems]
    more = len(found) - _SHOWN
    return [*found[:_SHOWN], *([f"{path}: {more} more problems"] if more > 0 else [])]


def is_unicode(text: str) -> bool:
    """Whether a text has a form in UTF-8: one with half of a surrogate pair, or made of other bytes, has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file as bytes, without a mark of UTF-8 in front. JSON strings may hold other line ends as text."""
    try:
        if path == STDIN:
            if sys.stdin is None:
                raise RowsError([f"{path}: there is no standard input: name a file"])
            yield from _unmarked(sys.stdin.buffer)
        else:
            with path.open("rb") as lines:
                yield from _unmarked(lines)
    except OSError as error:
        raise RowsError([f"{path}: cannot be read: {error.strerror or error}: name a file that can"]) from error


def _unmarked(lines: Iterable[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        yield line if number else line.removeprefix(_BOM)


def _fields(line: bytes, shape: str) -> Fields | RowError:
    try:
        fields = json.loads(line.decode("utf-8"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        return RowError("not UTF-8 text: save it as UTF-8")
    except _TwiceError as error:
        return RowError(f"{error} comes twice: write it once")
    except (ValueError, RecursionError) as error:
        return RowError(_not_json(error, shape))
    if not isinstance(fields, dict):
        return RowError(f"not an object: {shape}")
    return fields


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError(json.dumps(name[:_LONGEST_NAME]))
        found[name] = value
    return found


def _not_json(error: Exception, shape: str) -> str:
    if isinstance(error, json.JSONDecodeError) and error.msg.startswith(_CONTROL):
        what = ord(error.doc[error.pos])
        return (
            f"not JSON: the control character U+{what:04X} stands in a string as it is: "
            f"write \\u{what:04x} for it, or leave it out"
        )
    return f"not JSON: {shape}"
