"""The commands of operators that a log holds, read from its lines: there are few, and no index is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from aimux.audit.errors import reading
from aimux.audit.format.reading import are_numbered, parse
from aimux.audit.segments import chain_folder, chains_in, lines_of, segments_in

_KIND: Final = b'"kind":"command"'


def commands(log: Path, since: str = "") -> list[dict[str, Any]]:
    """The records of commands, each with its `chain`, the oldest first; none before `since`, written as they are.

    Raises UnreadableError.
    """
    with reading(log):
        return sorted(
            _commands(log, since), key=lambda record: (str(record.get("time", "")), record["chain"], record["seq"])
        )


def _commands(log: Path, since: str) -> Iterator[dict[str, Any]]:
    for chain in chains_in(log):
        for segment in segments_in(chain_folder(log, chain)):
            for line in _lines(segment.path):
                fields = parse(line) if _KIND in line else None
                if fields is None or fields.get("kind") != "command" or not are_numbered(fields):
                    continue
                if str(fields.get("time", "")) >= since:
                    yield {"chain": chain, **fields}


def _lines(path: Path) -> Iterator[bytes]:
    try:
        for _, line, whole in lines_of(path):
            if whole:
                yield line
    except FileNotFoundError:
        return  # removed for its age meanwhile
