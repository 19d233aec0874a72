"""Whether the index answers and goes on, seen from outside: what builds it may be gone, stuck or locked out."""

import time
from collections.abc import Callable
from pathlib import Path

from aimux.audit.errors import UnreadableError
from aimux.audit.lag import lacking, positions


class IndexWatch:
    """Looks at one log's index. `problem` says what has been wrong with it for some time, None where nothing has.

    `behind` is how many bytes of the log it lacked at the last look. `look` blocks on the disk.
    """

    def __init__(self, log: Path, patience: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`patience` is for how many seconds something must have been wrong to be a problem."""
        self.problem: str | None = None
        self.behind = 0
        self._log = log
        self._patience = patience
        self._monotonic = monotonic
        self._well_at = monotonic()
        self._read: object = None

    def look(self) -> None:
        """Look once."""
        now = self._monotonic()
        try:
            read = positions(self._log)
            self.behind = lacking(self._log, read)
            trouble = None
            if self.behind and read == self._read:
                trouble = f"the index of the audit log lacks {self.behind} bytes of it and does not go on"
            self._read = read
        except UnreadableError as error:
            trouble = str(error)
        if trouble is None:
            self._well_at, self.problem = now, None
        elif now - self._well_at >= self._patience:
            self.problem = f"{trouble} (for {now - self._well_at:.0f} s)"
