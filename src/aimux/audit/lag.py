"""How far the index is behind the log, and waiting until it is not."""

import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from aimux.audit.errors import UnreadableError, reading
from aimux.audit.index import Indexer
from aimux.audit.segments import LONGEST_LINE, Segment, chain_folder, chains_in, segments_in
from aimux.audit.store import opened

_PATIENCE: Final = 10.0
_PAUSE: Final = 0.05

_Read = dict[int, tuple[int, int]]
"""Of each chain the segment that is being read, and the bytes of it that were."""
_Ends = list[tuple[int, int, int]]
"""Chain, segment, and the size of its whole records."""


def behind(log: Path) -> int:
    """How many bytes of the log's records are not in the index yet. Raises UnreadableError.

    To be asked before what is read from the index: afterwards it may have caught up, and the answer has not.
    """
    return lacking(log, _read(log))


def positions(log: Path) -> _Read:
    """How far each chain has been read. Raises UnreadableError where the index cannot be asked."""
    try:
        with opened(log) as database:
            return {row[0]: row[1:] for row in database.execute("SELECT chain, segment, offset FROM chains")}
    except sqlite3.Error as error:
        raise UnreadableError(f"the index of the audit log cannot be read: {error}") from error


def lacking(log: Path, read: _Read) -> int:
    """How many bytes of the log lie behind these positions. Raises UnreadableError."""
    return _missing(_ends(log, read), read)


def catch_up(log: Path) -> int:
    """Bring the index up to what the log holds now, or wait for who does that already, but not for long.

    How many bytes of that are not in it all the same. Raises OSError, sqlite3.Error and UnreadableError.
    """
    deadline = time.monotonic() + _PATIENCE
    wanted = _ends(log, _read(log))
    while True:
        with suppress(BlockingIOError):
            _index(log, wanted)
            return _missing(wanted, _read(log))
        missing = _missing(wanted, _read(log))
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(_PAUSE)


def _index(log: Path, wanted: _Ends) -> None:
    indexer = Indexer(log)
    try:
        # While a gateway writes there is always more.
        while indexer.advance() and _missing(wanted, _read(log)):
            pass
    finally:
        indexer.close()


def _read(log: Path) -> _Read:
    try:
        return positions(log)
    except UnreadableError:
        return {}


def _ends(log: Path, read: _Read) -> _Ends:
    with reading(log):
        return [
            (chain, segment.first, _whole_size(segment, read.get(chain), last=segment is segments[-1]))
            for chain in chains_in(log)
            for segments in [segments_in(chain_folder(log, chain))]
            for segment in segments
        ]


def _missing(ends: _Ends, read: _Read) -> int:
    total = 0
    for chain, segment, size in ends:
        at, offset = read.get(chain, (0, 0))
        if segment >= at:
            total += max(size - (offset if segment == at else 0), 0)
    return total


def _whole_size(segment: Segment, read: tuple[int, int] | None, *, last: bool) -> int:
    """The size of a segment without a line that is being written, or was torn: nobody indexes that."""
    size = segment.size
    if not last or not size or read == (segment.first, size):
        return size
    start = max(size - LONGEST_LINE, 0)
    with suppress(FileNotFoundError), segment.path.open("rb", buffering=0) as file:
        file.seek(start)
        return start + file.read(size - start).rfind(b"\n") + 1
    return 0
