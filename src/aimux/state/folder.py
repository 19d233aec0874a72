"""The folder of the state: who may write to it, and which gateway has it."""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aimux.state.store import StateError

DATABASE: Final = "state.db"
BESIDE: Final = ("state.db-wal", "state.db-shm")
"""Files that SQLite keeps beside the database while it is open; the first holds the newest changes."""
_CLAIM: Final = "lock"
_OPENING: Final = "opening.lock"
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_LONGEST_WAIT: Final = 10.0


@dataclass(slots=True)
class FolderClaim:
    """Keeps other gateways away from a folder, until it is closed or the process ends."""

    descriptor: int | None
    """None where the folder cannot be claimed: then no file in it may be used."""
    missing: str | None = None
    """The reason for which it cannot be claimed."""

    def close(self) -> None:
        """Give the folder back."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def prepare(folder: Path) -> None:
    """Make the folder where it is missing. Raises OSError where it cannot be, StateError where others can write."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_mode & _OTHERS_WRITE:
        raise StateError(
            f"others can write to the state's folder {folder} (mode {stat.S_IMODE(found.st_mode):04o}): chmod 700 it "
            "and look who could have changed what is in it, or set state.path to a folder below it, which is made"
        )
    _check_owner(folder, found)


def check_file(path: Path) -> None:
    """Look at a file that is there, and leave it to its owner alone. Raises StateError, OSError."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise StateError(f"the state file {path} is not a regular file: put the file itself there")
    if found.st_mode & _OTHERS_WRITE:
        raise StateError(
            f"others can write to the state file {path} (mode {stat.S_IMODE(found.st_mode):04o}): look who could have "
            "changed it, then chmod 600 it, or restore it from a backup"
        )
    _check_owner(path, found)
    if stat.S_IMODE(found.st_mode) != 0o600:
        path.chmod(0o600)


def claim(folder: Path) -> FolderClaim:
    """Take the folder for this gateway alone; its main process holds the claim as long as it runs.

    Raises StateError where another gateway has it, or others can write to it. Where it cannot be told whether another
    has it, since the folder cannot be made or written to, `missing` says why: `open_state` has to know.
    """
    try:
        prepare(folder)
        descriptor = _locked(folder / _CLAIM, 0.05)
    except OSError as error:
        return FolderClaim(None, f"{folder / _CLAIM}: {error.strerror or type(error).__name__}")
    if descriptor is None:
        raise StateError(
            f"another gateway uses the state's folder {folder}: stop that one, or give each its own state.path"
        )
    return FolderClaim(descriptor)


@contextlib.contextmanager
def opening(folder: Path) -> Iterator[None]:
    """Only one process at a time looks at the file and makes it."""
    descriptor = _locked(folder / _OPENING, _LONGEST_WAIT)
    if descriptor is None:
        raise StateError(f"another process has been opening the state in {folder} for {_LONGEST_WAIT:g} s: look at it")
    try:
        yield
    finally:
        os.close(descriptor)


def identities(folder: Path) -> tuple[tuple[int, int] | None, ...]:
    """Device and inode of the file and of those beside it; None for what is not there."""
    return tuple(_identity(folder / name) for name in (DATABASE, *BESIDE))


def as_text(found: tuple[tuple[int, int] | None, ...]) -> str:
    """Identities as words that can be compared and sent to another process."""
    return " ".join("-" if each is None else f"{each[0]}:{each[1]}" for each in found)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  (thousands of times a second)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid not in (0, os.geteuid()):
        raise StateError(
            f"{path} belongs to user {found.st_uid}, who can change what the gateway relies on: chown it to user "
            f"{os.geteuid()}, as which the gateway runs"
        )


def _locked(path: Path, patience: float) -> int | None:
    """The descriptor of a lock file that nobody else holds; None where somebody does for so many seconds."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + patience
    try:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            if time.monotonic() > until:
                break
            time.sleep(0.005)
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None
