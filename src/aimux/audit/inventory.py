"""The segments of a chain that have ended, as they were left: whether each is still there, and unchanged."""

import os
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from aimux.audit.chain import Head, after, digest_of, follows, number_of, previous_of
from aimux.audit.format.checking import seconds_of
from aimux.audit.format.reading import parse
from aimux.audit.incidents import Harm, Incident, Outcome
from aimux.audit.segments import LONGEST_LINE, Segment, lines_of, segments_in
from aimux.audit.written import stat_of

_MOST_LINES: Final = 16 * 1024
_MOVE_AWAY: Final = "move it out of the folder: it is no segment of this chain"


@dataclass(slots=True)
class Ended:
    """A segment that nothing more is written to, and where the chain stood at its end.

    `known` is the file's state when it was last found whole. `is_harmed` tells that it was not, and that this was told.
    """

    segment: Segment
    end: Head
    known: tuple[int, int, int] | None
    is_harmed: bool = False


class Inventory:
    """What is known of a chain's ended segments. Every method blocks on the disk and raises OSError."""

    def __init__(self, folder: Path, current: Segment) -> None:
        """Read how each segment in front of `current` ends. `start` is where the chain stood before the first."""
        self._folder = folder
        self._ended: dict[int, Ended] = {}
        self._strange: set[str] = set()
        segments = [each for each in segments_in(folder) if each.first < current.first]
        self.start = _start(segments[0] if segments else current)
        self._broken: list[Incident] = []
        for segment, after_it in pairwise([*segments, current]):
            self._take(segment, after_it)

    def _take(self, segment: Segment, following: Segment) -> None:
        """Believe a segment's last line where the next segment follows it; read on, what is missing is told."""
        line = last_line(segment.path)
        end = Head(number_of(line) or 0, digest_of(line))
        first = next((line for _, line, _ in lines_of(following.path)), b"")
        whole = end.count + 1 == following.first and (not first or follows(end, first))
        if not whole:
            known_end = Head(following.first - 1, previous_of(first))
            advice = f"it does not lead to record {following.first}: run `aimux audit verify`"
            self._broken.append(Incident(Harm.CHANGED, segment.path.name, Outcome.NOTED, advice=advice))
            self._ended[segment.first] = Ended(segment, known_end, None, is_harmed=True)
            return
        self._ended[segment.first] = Ended(segment, end, _state(segment.path))

    def __iter__(self) -> Iterator[Ended]:
        """The ended segments, the oldest first."""
        return iter(list(self._ended.values()))

    def add(self, segment: Segment, end: Head, *, is_harmed: bool = False) -> None:
        """A segment has ended."""
        self._ended[segment.first] = Ended(segment, end, _state(segment.path), is_harmed)

    def forget(self, segment: Segment) -> None:
        """A segment was removed for its age or size."""
        ended = self._ended.pop(segment.first, None)
        if ended is not None:
            self.start = ended.end

    @property
    def standing(self) -> list[str]:
        """What is wrong with the segments now, in words."""
        return [f"{each.segment.path.name} is not as it was left" for each in self if each.is_harmed]

    def look(self, begun: Container[int]) -> list[Incident]:
        """Compare what is in the folder with what is known; what has changed since the last time.

        `begun` are the first records of segments that this process writes or has written.
        """
        states = {path.name: path for path in self._folder.iterdir()}
        here = {each.path.name: each for each in segments_in(self._folder)}
        found = [incident for each in self if (incident := _compared(each, each.segment.path.name in states))]
        strange = {name for name, each in here.items() if each.first not in self._ended and each.first not in begun}
        new = sorted(strange - self._strange)
        found += [Incident(Harm.WRITTEN, name, Outcome.NOTED, advice=_MOVE_AWAY) for name in new]
        self._strange = strange
        told, self._broken = self._broken, []
        return told + found


def _compared(ended: Ended, is_there: bool) -> Incident | None:
    name = ended.segment.path.name
    state = _state(ended.segment.path) if is_there else None
    if state is not None and state == ended.known:
        return None
    if state is not None and is_whole(ended):
        was_harmed, ended.is_harmed, ended.known = ended.is_harmed, False, state
        told = Incident(Harm.CHANGED, name, Outcome.NOTED, advice="it holds all its records again")
        return told if was_harmed else None
    if ended.is_harmed and state == ended.known:
        return None
    told_before, ended.is_harmed, ended.known = ended.is_harmed, True, state
    if told_before:
        return None
    harm = Harm.DELETED if state is None else Harm.CHANGED
    advice = "put it back from a backup if there is one; run `aimux audit verify`"
    return Incident(harm, name, Outcome.LOST, ended.segment.first, ended.end.count, advice=advice)


def is_whole(ended: Ended) -> bool:
    """Whether a segment's records lead to where the chain stood at its end."""
    head: Head | None = None
    for _, line, complete in lines_of(ended.segment.path):
        head = head or Head(ended.segment.first - 1, previous_of(line))
        if not complete or not follows(head, line):
            return False
        head = after(head, line)
    return head == ended.end


def _state(path: Path) -> tuple[int, int, int] | None:
    found = stat_of(path)
    return None if found is None else (found.st_ino, found.st_size, found.st_mtime_ns)


def _start(first: Segment) -> Head:
    line = next((line for _, line, _ in lines_of(first.path)), b"") if stat_of(first.path) else b""
    return Head(first.first - 1, previous_of(line))


def last_line(path: Path) -> bytes:
    """The last whole line of a file without its end; none where there is none. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        for most in (_MOST_LINES, LONGEST_LINE):
            start = max(size - most, 0)
            whole, newline, _ = os.pread(file.fileno(), most, start).rpartition(b"\n")
            _, another, line = whole.rpartition(b"\n")
            if newline and (another or not start):
                return line
    return b""


def time_of(line: bytes) -> float | None:
    """When a record says that it was written, in seconds since the epoch; None for what says nothing of it."""
    return seconds_of((parse(line) or {}).get("time"))
