"""The chain's own file of checkpoints, held against what this process left there, and written anew where it differs."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from aimux.audit import checkpoints
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.incidents import Harm, Incident, Outcome
from aimux.audit.written import set_aside, stat_of, sync_folder

_READ_AT_ONCE: Final = 1024 * 1024
_SIGNED_ANEW: Final = "the ends of all segments are signed anew, older checkpoints in between are gone"


class CheckpointFile:
    """`checkpoints.jsonl` of one chain. A descriptor keeps its bytes within reach. Every method raises OSError."""

    def __init__(self, folder: Path) -> None:
        """Take the file for what it is now; it may not be there yet."""
        self._path = folder / checkpoints.FILE
        self._descriptor: int | None = None
        self._size = self._changed_at = 0
        self._hash = hashlib.sha256()
        if stat_of(self._path) is not None:
            self._follow()

    def harm(self) -> Harm | None:
        """The harm that was done to the file since it was written last, if any."""
        there = stat_of(self._path)
        if self._descriptor is None:
            return None if there is None else Harm.REPLACED
        here = os.fstat(self._descriptor)
        if there is None:
            return Harm.RENAMED if here.st_nlink else Harm.DELETED
        if not os.path.samestat(here, there):
            return Harm.REPLACED
        if here.st_size != self._size:
            return Harm.TRUNCATED if here.st_size < self._size else Harm.WRITTEN
        if here.st_mtime_ns != self._changed_at:
            if self._whole() is None:
                return Harm.WRITTEN
            self._changed_at = here.st_mtime_ns
        return None

    def mend(self, sign_anew: Callable[[], Sequence[Checkpoint]]) -> Incident | None:
        """Write the file anew where it is not as it was left: from its old bytes, or else from what is signed anew."""
        harm = self.harm()
        if harm is None:
            return None
        whole = self._whole()
        data = whole if whole is not None else b"".join(each.line for each in sign_anew())
        kept = None if stat_of(self._path) is None else set_aside(self._path)
        self._put(data)
        advice = "" if whole is not None else _SIGNED_ANEW
        return Incident(harm, self._path.name, Outcome.RESTORED, kept=kept, advice=advice)

    def append(self, signed: Sequence[Checkpoint]) -> None:
        """Write checkpoints at the end of the file, and to the disk."""
        try:
            checkpoints.append(self._path, signed)
        finally:
            with contextlib.suppress(OSError):  # what an attempt that failed has left is not others' doing
                self._follow()

    def read(self) -> list[Checkpoint]:
        """The checkpoints of the file."""
        return checkpoints.read(self._path)[0]

    def keep_from(self, count: int) -> None:
        """Drop the checkpoints of fewer records."""
        self._put(b"".join(each.line for each in self.read() if each.count >= count))

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _whole(self) -> bytes | None:
        """The bytes that were written, where the descriptor still has them."""
        if self._descriptor is None:
            return None
        data = os.pread(self._descriptor, self._size, 0)
        return data if hashlib.sha256(data).digest() == self._hash.digest() else None

    def _put(self, data: bytes) -> None:
        fresh = self._path.with_name(f".{self._path.name}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            rest = data
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self._path)
        sync_folder(self._path.parent)
        self._follow()

    def _follow(self) -> None:
        """Take in what was appended; a file that was put in place of another is read from its beginning."""
        there = self._path.stat()
        if self._descriptor is None or not os.path.samestat(os.fstat(self._descriptor), there):
            self.close()
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            self._size, self._hash = 0, hashlib.sha256()
        self._changed_at = os.fstat(self._descriptor).st_mtime_ns
        while data := os.pread(self._descriptor, _READ_AT_ONCE, self._size):
            self._hash.update(data)
            self._size += len(data)
