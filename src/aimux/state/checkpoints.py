"""Brings the newest changes into the file, in a thread of its own: it waits for the disk, and nobody waits for it."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aimux.state import folder as folders
from aimux.state.schema import connect
from aimux.state.troubles import is_busy

_FROM: Final = 8 * 1024 * 1024
"""Bytes of newest changes from which on they are brought into the file. The change after it waits for the disk."""


class CheckpointThread(threading.Thread):
    """Has a connection of its own, and changes nothing of what the file says. `failed` is called in this thread."""

    def __init__(self, folder: Path, failed: Callable[[sqlite3.Error], None]) -> None:
        super().__init__(name="state-checkpoints", daemon=True)
        self._beside = folder / folders.BESIDE[0]
        self._failed = failed
        self._wanted = threading.Event()
        self._ending = False
        self._connection = connect(folder / folders.DATABASE, 0.0)

    def look(self) -> None:
        """Begin, where there is enough to be worth it."""
        try:
            is_worth_it = self._beside.stat().st_size > _FROM
        except OSError:
            return  # the thread that uses the file finds out what has become of it
        if is_worth_it:
            self._wanted.set()

    def end(self) -> None:
        """Begin nothing more."""
        self._ending = True
        self._wanted.set()

    def run(self) -> None:
        """Work when asked to, until told to end."""
        try:
            while self._wanted.wait() and not self._ending:
                self._wanted.clear()
                self._checkpoint()
            self._connection.close()
        except sqlite3.Error as error:
            self._failed(error)

    def _checkpoint(self) -> None:
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            if not is_busy(error):
                self._failed(error)
