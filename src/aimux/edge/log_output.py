"""What the log is written to: a descriptor that may block, alone or shared with other processes of the gateway."""

import errno
import fcntl
import os
import select
from typing import Final, Protocol

STANDARD_OUTPUT: Final = 1
STANDARD_ERROR: Final = 2
_UNSUPPORTED: Final = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM, errno.ESPIPE}
_NOWAIT: Final[int | None] = getattr(os, "RWF_NOWAIT", None) if hasattr(os, "pwritev") else None
_HERE: Final = -1
"""The offset of a write that goes where an ordinary one would."""


class Output(Protocol):
    """What lines are written to."""

    def write_now(self, data: bytes) -> int:
        """Write without waiting; the number of bytes taken, 0 where that would mean waiting. Raises OSError."""

    def write(self, data: bytes | memoryview) -> int:
        """Write, and wait as long as it takes; the number of bytes taken. Raises OSError."""

    def release(self) -> None:
        """Let other processes write: the last byte that was written ends a line."""


class Descriptor:
    """A descriptor of this process.

    O_NONBLOCK is never set: it would hold for every process that has the same open file, the shell included. RWF_NOWAIT
    is a flag of the one write. Where the kernel does not know it for this kind of file, `write_now` takes nothing.
    """

    def __init__(self, number: int = STANDARD_OUTPUT) -> None:
        self._number = number
        self._flags = _NOWAIT
        self._terminal = os.isatty(number)
        self._writable = select.poll()
        self._writable.register(number, select.POLLOUT)

    def write_now(self, data: bytes) -> int:
        """Write without waiting; the number of bytes taken. Raises OSError."""
        if self._flags is None:
            return 0
        try:
            return os.pwritev(self._number, (data,), _HERE, self._flags)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            self._flags = None
            return 0

    def write(self, data: bytes | memoryview) -> int:
        """Write; the number of bytes taken. Raises OSError; BrokenPipeError where nobody can read it any more.

        Somebody else may have set O_NONBLOCK on the open file: that is waited for as well.
        """
        try:
            while True:
                try:
                    return os.write(self._number, data)
                except BlockingIOError:
                    self._writable.poll()
        except OSError as error:
            if error.errno == errno.EIO and self._terminal:  # it was closed, or its connection lost
                raise BrokenPipeError(errno.EPIPE, "the terminal is gone") from error
            raise

    def release(self) -> None:
        """Nobody waits."""


def same_file(one: int, other: int) -> bool:
    """Whether two descriptors lead to the same file, pipe or terminal; False where either is closed."""
    try:
        return os.path.samestat(os.fstat(one), os.fstat(other))
    except OSError:
        return False


class SharedOutput:
    """The same for one of several processes. The file `lock` is locked while one writes, so that no line parts another.

    The lock is the process's: what its event loop has begun to write its thread can finish.
    """

    def __init__(self, output: Output, lock: int) -> None:
        self._output = output
        self._lock = lock

    def write_now(self, data: bytes) -> int:
        """Write without waiting for anybody; the number of bytes taken. Raises OSError.

        Where only a part was taken, the lock is kept for the rest.
        """
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # POSIX allows either
            return 0
        taken = 0
        try:
            taken = self._output.write_now(data)
        finally:
            if taken in {0, len(data)}:
                self.release()
        return taken

    def write(self, data: bytes | memoryview) -> int:
        """Write, and wait for whoever writes. Keeps the lock until `release`. Raises OSError."""
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        return self._output.write(data)

    def release(self) -> None:
        """Let the others write."""
        fcntl.lockf(self._lock, fcntl.LOCK_UN)
