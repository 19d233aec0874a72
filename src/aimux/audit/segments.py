"""The files of a log: a folder for each chain, and in it segments, named by the number of their first record."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CHAIN: Final = re.compile(r"chain-([0-9]{1,4})")
_SEGMENT: Final = re.compile(r"([0-9]{20})\.jsonl")
_READ_AT_ONCE: Final = 1024 * 1024
LONGEST_LINE: Final = 1024 * 1024
"""No record is longer: a text has at most 32 Ki characters, of six bytes each."""


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of a chain. `first` is the number of its first record."""

    first: int
    path: Path

    @property
    def size(self) -> int:
        """Its size in bytes, 0 where it has been removed meanwhile."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


def chain_folder(log: Path, chain: int) -> Path:
    """Where a chain's files are."""
    return log / f"chain-{chain}"


def chains_in(log: Path) -> list[int]:
    """The numbers of the chains that a log has."""
    try:
        return sorted(int(found.group(1)) for path in log.iterdir() if (found := _CHAIN.fullmatch(path.name)))
    except FileNotFoundError:
        return []


def segment_at(folder: Path, first: int) -> Segment:
    """The segment that begins with this record."""
    return Segment(first, folder / f"{first:020d}.jsonl")


def segments_in(folder: Path) -> list[Segment]:
    """The segments of a chain, oldest first."""
    try:
        files = [(path, found) for path in folder.iterdir() if (found := _SEGMENT.fullmatch(path.name))]
    except FileNotFoundError:
        return []
    return sorted(Segment(int(found.group(1)), path) for path, found in files)


def lines_of(path: Path, offset: int = 0) -> Iterator[tuple[int, bytes, bool]]:
    """The lines of a file from a byte on: where each begins, its bytes without the end, and whether it had an end."""
    with path.open("rb", buffering=0) as file:
        yield from lines_in(file.fileno(), offset)


def lines_in(descriptor: int, offset: int = 0) -> Iterator[tuple[int, bytes, bool]]:
    """The same of an open file, whose own position stays where it is."""
    rest, at = b"", offset
    while data := os.pread(descriptor, _READ_AT_ONCE, at):
        at += len(data)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield offset, line, True
            offset += len(line) + 1
    if rest:
        yield offset, rest, False
