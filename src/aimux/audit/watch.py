"""Looks whether a chain's files are as they were left: the folder, the lock, the segments, the checkpoints, the key."""

import os
from dataclasses import dataclass

from aimux.audit import locks
from aimux.audit.incidents import Harm, Incident, Outcome
from aimux.audit.key_files import KeyFiles
from aimux.audit.sealing import Seal
from aimux.audit.troubles import Trouble
from aimux.audit.writer import ChainWriter
from aimux.audit.written import WrittenSegment, stat_of


@dataclass(frozen=True, slots=True)
class Look:
    """What a look has found. `failed` says why some files could not be looked at.

    `is_harmed` tells that the segment that is being written, or the checkpoints, have to be put back. `size` is that of
    the segment's file: larger than what was written until then, others have written to it.
    """

    trouble: tuple[Trouble, str] | None = None
    is_harmed: bool = False
    size: int = 0
    failed: str | None = None


class Watch:
    """Looks at the files of one chain, in the thread of its disk. `keys` are those of the first chain's watch."""

    def __init__(self, writer: ChainWriter, seal: Seal, lock: int, keys: KeyFiles | None) -> None:
        """Takes over `lock`, the descriptor of the chain's lock. Raises OSError where the folder is not there."""
        self._begun = writer.begun
        self._is_gone = writer.is_folder_gone
        self._folder = writer.folder
        self._identity = self._folder.stat()
        self._seal = seal
        self._lock = lock
        self._keys = keys

    def look(self, current: WrittenSegment) -> Look:
        """Look once; incidents that need nothing else done are left with the seal."""
        try:
            trouble = self._trouble()
            if trouble is not None:
                return Look(trouble)
            is_harmed, size = current.harm() is not None, os.fstat(current.descriptor).st_size
        except OSError as error:
            return Look((Trouble.MOVED, f"{self._folder} cannot be looked at: {_why(error)}"))
        failed = None
        try:
            is_harmed = self._look_at_others(current) or is_harmed
        except OSError as error:
            failed = f"{error.filename or self._folder} cannot be looked at or put back: {_why(error)}"
        return Look(None, is_harmed, size, failed)

    @property
    def standing(self) -> list[str]:
        """What is wrong with the files now, in words, and does not stop the gateway."""
        keys = self._keys.standing if self._keys is not None else []
        return [*self._seal.standing, *keys]

    def close(self) -> None:
        """Give the chain's lock up."""
        os.close(self._lock)

    def _trouble(self) -> tuple[Trouble, str] | None:
        there = stat_of(self._folder)
        if (there is None or not os.path.samestat(there, self._identity)) and not self._make_anew():
            why = f"{self._folder} was renamed, replaced or unmounted: put it back, or stop the gateway"
            return Trouble.MOVED, why
        if not self._holds_lock():
            why = f"{self._folder / locks.NAME} was removed, and another gateway has taken the chain: stop one of them"
            return Trouble.TAKEN, why
        return None

    def _make_anew(self) -> bool:
        """Make a folder that was deleted again; whether it was deleted, and nothing else has taken its place."""
        if not self._is_gone():
            return False
        for folder in (self._folder.parent, self._folder):  # parents that are made on the way get the usual mode
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        if any(self._folder.iterdir()):
            return False
        self._identity = self._folder.stat()
        return True

    def _look_at_others(self, current: WrittenSegment) -> bool:
        """Look at the ended segments, the key and the checkpoints; whether these have to be put back."""
        file, inventory, _ = self._seal.open(current.segment)
        self._seal.incidents += inventory.look(self._begun)
        if self._keys is not None:
            self._seal.incidents += self._keys.look()
        return file.harm() is not None

    def _holds_lock(self) -> bool:
        """Whether the chain is this process's; a lock file that was removed or replaced is made and held again."""
        path = self._folder / locks.NAME
        there = stat_of(path)
        if there is not None and os.path.samestat(there, os.fstat(self._lock)):
            return True
        fresh = locks.take(path)
        if fresh is None:
            return False
        os.close(self._lock)
        self._lock = fresh
        harm = Harm.DELETED if there is None else Harm.REPLACED
        self._seal.incidents.append(Incident(harm, path.name, Outcome.RESTORED))
        return True


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__
