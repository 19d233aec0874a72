"""Who holds a folder of the log: the gateway that writes a chain, or whoever brings the index up to date."""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Final

NAME: Final = "lock"
_ATTEMPTS: Final = 4
_PAUSE: Final = 0.005


def take(path: Path, *, wait: bool = False) -> int | None:
    """Hold the lock file for this process alone; its descriptor, or None where another process does. Raises OSError.

    Whoever only asks whether it is held (`is_held`) has it for a moment, which is waited out.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        if _is_locked(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)):
            return descriptor
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _is_locked(descriptor: int, how: int) -> bool:
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, how)
            return True
        time.sleep(_PAUSE)
    return False


def is_held(folder: Path) -> bool:
    """Whether a gateway writes this chain."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
