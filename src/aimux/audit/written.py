"""A segment as this process wrote it, held against the file at its path, and put back where they differ.

The descriptor reaches the bytes also where the file was renamed or deleted.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aimux.audit.chain import GENESIS, Head, after, digest_of, follows, number_of, previous_of
from aimux.audit.incidents import Harm, Incident, Outcome
from aimux.audit.segments import Segment, lines_in

_MODE: Final = 0o640
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
_COPIED_AT_ONCE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WrittenSegment:
    """A segment's descriptor and what the file must hold: `size` bytes, of which the last `tail` are record `head`."""

    descriptor: int
    segment: Segment
    size: int
    head: Head
    tail: int

    def harm(self) -> Harm | None:
        """The harm that was done to the file, if any. Bytes behind `size` are not looked at. Raises OSError."""
        here = os.fstat(self.descriptor)
        if here.st_size < self.size:
            return Harm.TRUNCATED
        if self.tail and digest_of(os.pread(self.descriptor, self.tail - 1, self.size - self.tail)) != self.head.digest:
            return Harm.WRITTEN
        there = stat_of(self.segment.path)
        if there is None:
            return Harm.RENAMED if here.st_nlink else Harm.DELETED
        return None if os.path.samestat(here, there) else Harm.REPLACED

    def final_harm(self) -> Harm | None:
        """The same for a segment that nothing more is written to. Raises OSError."""
        harm = self.harm()
        return harm or (Harm.WRITTEN if os.fstat(self.descriptor).st_size > self.size else None)


def stat_of(path: Path) -> os.stat_result | None:
    """A file's state; None where there is none. Raises OSError."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def put_back(written: WrittenSegment) -> Incident | None:
    """Make the file of a segment that has ended what was written to it; None where it is. Raises OSError.

    Where records are gone from the descriptor too, what is left of them stays, and the incident says which are missing.
    """
    harm = written.final_harm()
    if harm is None:
        return None
    path = written.segment.path
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    target = os.open(fresh, _NEW, _MODE)
    try:
        is_alone = harm is not Harm.WRITTEN and os.fstat(written.descriptor).st_size == written.size
        head, strange = (written.head, b"") if is_alone else _copy_records(written, target)
        whole = head == written.head
        if is_alone or not whole:
            _copy_bytes(written.descriptor, target)
        os.fsync(target)
    finally:
        os.close(target)
    kept = _put_in_place(fresh, written, strange if whole else b"")
    first, last = written.segment.first, written.head.count
    if whole:
        return Incident(harm, path.name, Outcome.RESTORED, first, last, kept)
    gone = max(head.count + 1, first)
    return Incident(harm, path.name, Outcome.LOST, gone, _last_missing(written, head), kept)


def _copy_records(written: WrittenSegment, target: int) -> tuple[Head, bytes]:
    """Copy the segment's records, and nothing else: where the chain stands after them, and what else was there."""
    first = written.segment.first
    head = Head(first - 1, GENESIS.digest) if first == 1 else None
    strange: list[bytes] = []
    ready = bytearray()
    for _, line, ended in lines_in(written.descriptor):
        at = line.find(b'{"seq":%d,"prev":"' % (first if head is None else head.count + 1))
        record = line[max(at, 0) :]
        before = head or (Head(first - 1, previous_of(record)) if number_of(record) == first else None)
        if not ended or before is None or not follows(before, record):
            strange.append(line + b"\n" * ended)
            continue
        if at > 0:
            strange.append(line[:at])
        head = after(before, record)
        ready += record + b"\n"
        if len(ready) > _COPIED_AT_ONCE:
            _write(target, bytes(ready))
            ready.clear()
    _write(target, bytes(ready))
    return head or Head(first - 1, GENESIS.digest), b"".join(strange)


def _copy_bytes(source: int, target: int) -> None:
    os.ftruncate(target, 0)
    at = 0
    while data := os.pread(source, _COPIED_AT_ONCE, at):
        _write(target, data)
        at += len(data)


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


def _last_missing(written: WrittenSegment, head: Head) -> int:
    """The last record of the gap behind `head`: what stands behind the gap is still there."""
    numbers = (number_of(line) for _, line, _ in lines_in(written.descriptor))
    return next((number - 1 for number in numbers if number and number > head.count), written.head.count)


def _put_in_place(fresh: Path, written: WrittenSegment, strange: bytes) -> str | None:
    """Put the copy at the segment's path; the name under which what others wrote is kept, if there is any."""
    path, kept = written.segment.path, None
    there = stat_of(path)
    if there is not None and not os.path.samestat(there, os.fstat(written.descriptor)):
        kept = set_aside(path)
    elif strange:
        kept = _free_name(path)
        aside = os.open(path.with_name(kept), _NEW, _MODE)
        try:
            _write(aside, strange)
            os.fsync(aside)
        finally:
            os.close(aside)
    fresh.replace(path)
    sync_folder(path.parent)
    return kept


def set_aside(path: Path) -> str | None:
    """Rename what others have put at this path; its new name, or None where it was an empty file. Raises OSError."""
    if path.is_file() and not path.stat().st_size:
        path.unlink()
        return None
    name = _free_name(path)
    path.rename(path.with_name(name))
    return name


def _free_name(path: Path) -> str:
    names = (f"foreign-{path.stem}{f'-{number}' if number else ''}.bin" for number in range(1_000_000))
    return next(name for name in names if not path.with_name(name).exists())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
