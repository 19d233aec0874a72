"""Writing one chain: lines are appended whole or not at all, and what could not be written waits and is tried again."""

import os
from pathlib import Path
from typing import Final

from aimux.audit.chain import Head, digest_of, linked
from aimux.audit.opening import Opened
from aimux.audit.segments import segment_at

_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class ChainWriter:
    """Appends records to the last segment of a chain, and begins another where that is full.

    `head` is where the chain stands, `written` where it stands in the file: between them is what waits. None of its
    methods blocks but on the kernel's taking the bytes; `OSError`s leave everything as it was.
    """

    def __init__(self, folder: Path, opened: Opened, segment_size: int) -> None:
        """Raises OSError where the segment cannot be opened."""
        self.folder = folder
        self._count, self._digest = self._written = (opened.head.count, opened.head.digest)
        self.segment = opened.segment or segment_at(folder, opened.head.count + 1)
        self.descriptor = os.open(self.segment.path, _FLAGS, 0o640)
        self.retired: list[tuple[int, Head]] = []
        self._lock = opened.lock
        self._segment_size = segment_size
        self._size = opened.size
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._spoiled = False
        _sync_folder(folder)

    @property
    def waiting(self) -> int:
        """How many bytes wait to be written."""
        return self._waiting_bytes

    @property
    def head(self) -> Head:
        """Where the chain stands, what waits included."""
        return Head(self._count, self._digest)

    @property
    def written(self) -> Head:
        """Where it stands in the file."""
        return Head(*self._written)

    def append(self, body: str) -> int:
        """Add a record, to be written by the next `flush`; its number."""
        count = self._count = self._count + 1
        line = linked(count, self._digest, body)
        self._digest = digest_of(line)
        self._waiting.append(line)
        self._waiting_bytes += len(line) + 1
        return count

    def flush(self) -> None:
        """Hand everything that waits to the kernel. Raises OSError; then nothing of it is in the file."""
        if not self._waiting:
            return
        if self._size >= self._segment_size:
            self._rotate()
        if self._spoiled:
            self._cut()
        data = b"\n".join((*self._waiting, b""))
        written = os.write(self.descriptor, data)
        if written != len(data):
            self._write_rest(data[written:])
        self._size += len(data)
        self._waiting.clear()
        self._waiting_bytes = 0
        self._written = (self._count, self._digest)

    def _write_rest(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self.descriptor, data) :]
        except OSError:
            self._spoiled = True
            self._cut()
            raise

    def _cut(self) -> None:
        """Take back what an attempt that failed has left in the file."""
        os.ftruncate(self.descriptor, self._size)
        self._spoiled = False

    def _rotate(self) -> None:
        """Begin the next segment. The old one's descriptor is left to who makes it safe: see `retired`."""
        following = segment_at(self.folder, self.written.count + 1)
        descriptor = os.open(following.path, _FLAGS, 0o640)
        try:
            _sync_folder(self.folder)
        except OSError:
            os.close(descriptor)
            raise
        self.retired.append((self.descriptor, self.written))
        self.segment, self.descriptor, self._size = following, descriptor, 0

    def close(self) -> None:
        """Close the files. What waits is lost: flush first."""
        for descriptor, _ in self.retired:
            os.close(descriptor)
        os.close(self.descriptor)
        os.close(self._lock)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
