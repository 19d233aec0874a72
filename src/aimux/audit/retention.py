"""How long a chain's segments are kept: which of them may go, and how many at once."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from aimux.audit.age import FILE, Ages
from aimux.audit.chain import Head, after, follows, previous_of
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.inventory import Inventory
from aimux.audit.segments import Segment, lines_of, segments_in
from aimux.audit.settings import AuditSettings

_UNSEALED: Final = "its last record was never signed"
_DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Clocks:
    """The system's clock and one that only ever goes forward, in seconds."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Removal:
    """Segments that are too old, or too many; `head` is where the chain stood at the end of the last of them."""

    segments: tuple[Segment, ...]
    head: Head


@dataclass(frozen=True, slots=True)
class Due:
    """What may go now, why a segment is `kept` all the same, and how many files are due only for later rounds.

    `unsaved` says why the clock of the ages could not be kept for the next start.
    """

    removal: Removal | None
    kept: str | None = None
    later: int = 0
    unsaved: str | None = None


class Retention:
    """Decides for one chain. Every method blocks on the disk and raises OSError."""

    def __init__(
        self,
        settings: AuditSettings,
        folder: Path,
        inventory: Inventory,
        signed_at: float | None,
        clocks: Clocks = Clocks(),
    ) -> None:
        """`signed_at` is when the chain was last signed before it was opened."""
        self._wall, self._monotonic = clocks.wall, clocks.monotonic
        self.ages = Ages(folder, signed_at, self._wall())
        self._settings = settings
        self._folder = folder
        self._inventory = inventory
        self._advanced_at = self._monotonic()

    @property
    def days_behind(self) -> float:
        """By how many days the clock that ages are measured by is behind the system's clock."""
        return (self._wall() - self.ages.clock.now) / _DAY

    def due(self, signed: list[Checkpoint]) -> Due:
        """The oldest segments that need not be kept any longer, as many of them as may go at once.

        None goes whose records were not followed from its first to its last, and that one signed: what is removed was
        whole until then. For their age only `trim_share` of the bytes go at once, but always one file.
        """
        now = self._monotonic()
        self.ages.clock.advance(now - self._advanced_at, self._wall())
        self._advanced_at = now
        due = self._due({each.count: each.head for each in signed})
        try:
            self.ages.save()
        except OSError as error:  # what is too old, or too much, goes all the same
            return replace(due, unsaved=f"the ages of its files cannot be kept in {FILE}: {error}")
        return due

    def _due(self, signed: dict[int, str]) -> Due:
        segments = segments_in(self._folder)
        sizes = {segment.first: segment.size for segment in segments}
        ages = self.ages.of({each.segment.first: each for each in self._inventory})
        total = sum(sizes.values())
        share = self._settings.keep_bytes // self._settings.chains
        allowed = self._settings.trim_share * total
        going: list[Segment] = []
        head: Head | None = None
        for segment, following in pairwise(segments):  # the last one is being written
            size = sizes[segment.first]
            if total <= share:
                if ages.get(segment.first, 0.0) <= self._settings.keep_seconds:
                    break
                if going and size > allowed:
                    late = (each for each in segments if ages.get(each.first, 0.0) > self._settings.keep_seconds)
                    return Due(_removal(going, head), None, sum(1 for _ in late) - len(going))
            end, flaw = _followed(segment, following)
            if flaw is None and end is not None and signed.get(end.count) != end.digest:
                flaw = _UNSEALED
            if flaw is not None:
                return Due(_removal(going, head), f"{segment.path.name} is kept, for {flaw}")
            total -= size
            allowed -= size
            head = end
            going.append(segment)
        return Due(_removal(going, head))

    def remove(self, removal: Removal) -> None:
        """Remove segments."""
        for segment in removal.segments:
            with contextlib.suppress(FileNotFoundError):
                segment.path.unlink()
            self._inventory.forget(segment)


def _removal(going: list[Segment], head: Head | None) -> Removal | None:
    return Removal(tuple(going), head) if going and head is not None else None


def _followed(segment: Segment, following: Segment) -> tuple[Head | None, str | None]:
    """Where the chain stands at the end of a segment, and why it cannot be followed until there."""
    head: Head | None = None
    for _, line, ended in lines_of(segment.path):
        if head is None:
            head = Head(segment.first - 1, previous_of(line))
        if not ended or not follows(head, line):
            return None, f"record {head.count + 1} does not follow the one before it"
        head = after(head, line)
    if head is None or head.count + 1 != following.first:
        return None, "records are missing at its end"
    for _, line, _ in lines_of(following.path):
        return (head, None) if follows(head, line) else (None, "the next segment does not follow it")
    return head, None
