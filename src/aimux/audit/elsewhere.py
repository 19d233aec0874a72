"""The second place of checkpoints, `audit.checkpoint_to`, written by a thread of its own.

It may well be a mount of another machine: one that hangs holds up neither the log nor the end of the gateway.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from aimux.audit import checkpoints
from aimux.audit.checkpoints import Checkpoint

_MOST_OWED: Final = 100
_SILENT: Final = "it does not answer"


class SecondPlace:
    """Appends checkpoints to a file; `failed` hears, in the thread, why it could not. They go with the next ones."""

    def __init__(self, path: Path, failed: Callable[[str], None]) -> None:
        self._path = path
        self._failed = failed
        self._changed = threading.Condition()
        self._owed: list[Checkpoint] = []
        self._fresh = self._closing = False
        self._trouble: str | None = None
        # A thread that nobody waits for at the end: it may hang in a system call for as long as the mount does.
        self._thread = threading.Thread(target=self._work, name="aimux-audit-elsewhere", daemon=True)
        self._thread.start()

    def note(self, signed: Sequence[Checkpoint]) -> None:
        """Have these noted; what could not be noted before goes with them."""
        with self._changed:
            self._owed = _bounded([*self._owed, *signed])
            self._fresh = True
            self._changed.notify()

    def close(self, seconds: float) -> str | None:
        """Let the thread end, for at most so long; why what was to be noted last is not there, if so."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(seconds)
        return _SILENT if self._thread.is_alive() else self._trouble

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._fresh or self._closing)
                if not self._fresh:
                    return
                owed, self._owed, self._fresh = self._owed, [], False
            try:
                checkpoints.append(self._path, owed)
                self._trouble = None
            except OSError as error:
                self._trouble = error.strerror or str(error)
                with self._changed:
                    self._owed = _bounded([*owed, *self._owed])
                self._failed(self._trouble)


def _bounded(owed: list[Checkpoint]) -> list[Checkpoint]:
    """The newest of what is owed: each of them covers all before it."""
    return owed[-_MOST_OWED:]
