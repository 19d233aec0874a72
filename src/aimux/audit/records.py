"""Reading records where the index says that they are."""

import os
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from aimux.audit.entry import Entry, entry_of
from aimux.audit.format.reading import number_in, parse
from aimux.audit.segments import LONGEST_LINE, chain_folder, segment_at

# A log has thousands of segments; what is asked for lies in a few of them at a time.
_MOST_OPEN: Final = 4


class Records:
    """The records of a log, with few files open at a time. What has been removed meanwhile is not there."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._files: OrderedDict[tuple[int, int], int] = OrderedDict()

    def __enter__(self) -> "Records":
        return self

    def __exit__(self, *_: object) -> None:
        while self._files:
            os.close(self._files.popitem()[1])

    def entry(self, row: tuple[Any, ...]) -> Entry | None:
        """The request of a row of the index; None where its records are not what the index says. Raises OSError."""
        chain, number, _, *places = row
        decision = self._record(chain, *places[:3])
        if decision is None or decision.get("kind") != "decision" or number_in(decision, "seq") != number:
            return None
        outcome = None if places[3] is None else self._record(chain, *places[3:])
        return entry_of(chain, decision, outcome)

    def _record(self, chain: int, segment: int, offset: int, length: int) -> dict[str, Any] | None:
        file = self._file(chain, segment)
        if file is None or length > LONGEST_LINE:
            return None
        return parse(os.pread(file, length, offset))

    def _file(self, chain: int, segment: int) -> int | None:
        key = (chain, segment)
        file = self._files.pop(key, None)
        if file is None:
            try:
                path = segment_at(chain_folder(self._log, chain), segment).path
                file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None
            if len(self._files) >= _MOST_OPEN:
                os.close(self._files.popitem(last=False)[1])
        self._files[key] = file
        return file
