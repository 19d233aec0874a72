"""Writing one chain: lines are appended whole or not at all, and what could not be written waits and is tried again."""

import os
import secrets
from pathlib import Path
from typing import Final

from aimux.audit.chain import Head, digest_of, linked
from aimux.audit.opening import Opened
from aimux.audit.segments import segment_at
from aimux.audit.written import WrittenSegment

_MODE: Final = 0o640
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class ChainWriter:
    """Appends records to the last segment of a chain, and begins another where that is full.

    `head` is where the chain stands, `written` where it stands in the file: between them is what waits. `begun` are the
    first records of the segments that this process has written to. None of its
    methods blocks but on the kernel's taking the bytes; `OSError`s leave everything as it was.
    """

    def __init__(self, folder: Path, opened: Opened, segment_size: int) -> None:
        """Raises OSError where the segment cannot be opened."""
        self.folder = folder
        self._count, self._digest = self._written = (opened.head.count, opened.head.digest)
        self.segment = opened.segment or segment_at(folder, opened.head.count + 1)
        # Also where the folder is renamed, nothing of the chain is written elsewhere.
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.descriptor = os.open(self.segment.path.name, _FLAGS, _MODE, dir_fd=self._folder)
        self.retired: list[WrittenSegment] = []
        self.begun = {self.segment.first}
        self._segment_size = segment_size
        self._size = opened.size
        self._tail = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._spoiled = False
        os.fsync(self._folder)

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

    @property
    def current(self) -> WrittenSegment:
        """The segment that is being written, as it must be now."""
        return WrittenSegment(self.descriptor, self.segment, self._size, self.written, self._tail)

    @property
    def is_torn(self) -> bool:
        """Whether a part of a line that could not be written whole may stand at the end of the file."""
        return self._spoiled

    def is_folder_gone(self) -> bool:
        """Whether the folder was deleted, and not only renamed. Raises OSError."""
        return os.fstat(self._folder).st_nlink == 0

    def reopen_folder(self) -> None:
        """Go on in the folder that is at the chain's path now. Raises OSError."""
        fresh = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.close(self._folder)
        self._folder = fresh

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
            self.rotate()
        if self._spoiled:
            self._cut()
        data = b"\n".join((*self._waiting, b""))
        written = os.write(self.descriptor, data)
        if written != len(data):
            self._write_rest(data[written:])
        self._size += len(data)
        self._tail = len(self._waiting[-1]) + 1
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

    def rotate(self) -> None:
        """Begin the next segment; `retired` has the old one, which is left to who makes it safe. Raises OSError."""
        following = segment_at(self.folder, self.written.count + 1)
        self.begun.add(following.first)
        descriptor = _begun(following.path.name, self._folder)
        try:
            os.fsync(self._folder)
        except OSError:
            os.close(descriptor)
            raise
        if following.path == self.segment.path:  # nothing was written to it
            os.close(self.descriptor)
        else:
            self.retired.append(self.current)
        self.segment, self.descriptor, self._size, self._tail = following, descriptor, 0, 0
        self._spoiled = False

    def set_waiting_aside(self) -> Path | None:
        """Write what waits to a file beside the segments, where the chain is not this process's any more.

        Raises OSError.
        """
        if not self._waiting:
            return None
        path = self.folder / f"unwritten-after-{self._written[0]:020d}.bin"
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags, _MODE)) as file:
            file.write(b"\n".join((*self._waiting, b"")))
        return path

    def close(self) -> None:
        """Close the files. What waits is lost: flush first."""
        for each in self.retired:
            os.close(each.descriptor)
        os.close(self.descriptor)
        os.close(self._folder)


def _begun(name: str, folder: int) -> int:
    """Open a segment that is to be begun; what others have put in its place is set aside. Raises OSError."""
    descriptor = os.open(name, _FLAGS, _MODE, dir_fd=folder)
    if not os.fstat(descriptor).st_size:
        return descriptor
    os.close(descriptor)
    aside = f"foreign-{name.partition('.')[0]}-{secrets.token_hex(4)}.bin"
    os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
    return os.open(name, _FLAGS | os.O_EXCL, _MODE, dir_fd=folder)
