"""Ages of segments, on a clock that a jump of the system's clock does not move.

The clock runs with the process. It follows the system's clock where that is ahead, a day for each hour, so that time in
which no gateway ran counts in the end; and it never goes back. It goes on over restarts.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aimux.audit.inventory import Ended, last_line, time_of

FILE: Final = "age.json"
CATCH_UP: Final = 24.0
"""Seconds by which the clock may advance in a second."""
_MODE: Final = 0o640


class AgeClock:
    """`now` in seconds; only differences mean anything."""

    def __init__(self, now: float) -> None:
        self.now = now

    def advance(self, elapsed: float, wall: float) -> None:
        """Advance by the seconds that have passed, or faster while the system's clock is ahead."""
        self.now = max(self.now + elapsed, min(wall, self.now + CATCH_UP * elapsed))


class Ages:
    """The ages of a chain's ended segments, kept in a file beside them. A file that cannot be read is made anew."""

    def __init__(self, folder: Path, signed_at: float | None, wall: float) -> None:
        """`signed_at` is when the chain was last signed: what the clock begins with where it has no file."""
        self._path = folder / FILE
        kept = _read(self._path)
        self.clock = AgeClock(kept[0] if kept else wall if signed_at is None else signed_at)
        self._ended: dict[int, float] = kept[1] if kept else {}

    def ended(self, first: int) -> None:
        """The segment that begins with this record has ended now."""
        self._ended[first] = self.clock.now

    def of(self, segments: Mapping[int, Ended]) -> dict[int, float]:
        """Seconds since each segment ended, the oldest first. Raises OSError.

        Of a segment that ended before this file was kept, the time of its last record tells. No segment counts as older
        than one before it.
        """
        ages: dict[int, float] = {}
        youngest = math.inf
        for first, ended in segments.items():
            if first not in self._ended:
                try:
                    said = time_of(last_line(ended.segment.path))
                except FileNotFoundError:
                    said = None
                self._ended[first] = self.clock.now if said is None else min(said, self.clock.now)
            youngest = min(youngest, self.clock.now - self._ended[first])
            ages[first] = youngest
        self._ended = {first: at for first, at in self._ended.items() if first in segments}
        return ages

    def save(self) -> None:
        """Keep the clock and the ends for the next start. Raises OSError."""
        fresh = self._path.with_name(f".{FILE}.new")
        kept = {"now": self.clock.now, "ended": {str(first): at for first, at in self._ended.items()}}
        fresh.write_text(json.dumps(kept), encoding="ascii")
        fresh.chmod(_MODE)
        fresh.replace(self._path)


def _read(path: Path) -> tuple[float, dict[int, float]] | None:
    try:
        kept = json.loads(path.read_bytes())
        now = float(kept["now"])
        ended = {int(first): min(float(at), now) for first, at in kept["ended"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
    return (now, ended) if math.isfinite(now) and all(map(math.isfinite, ended.values())) else None
