"""What the disk's own thread does for a chain: make it durable, sign how far it has come, remove what is too old."""

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from aimux.audit import checkpoints
from aimux.audit.chain import Head, after, follows, previous_of
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.lines import moment
from aimux.audit.segments import Segment, lines_of, segments_in
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import Signer

Ended = tuple[int, Head]
"""The descriptor of a segment that is full, and where the chain stood at its end."""
_UNSEALED: Final = "its last record was never signed"


@dataclass(frozen=True, slots=True)
class Removal:
    """Segments that are too old, or too many; `head` is where the chain stood at the end of the last of them."""

    segments: tuple[Segment, ...]
    head: Head


class NotKeptError(OSError):
    """The disk did not keep what had been written to it."""


class Seal:
    """Signs for one chain. Every method blocks on the disk."""

    def __init__(self, settings: AuditSettings, folder: Path, origin: str, chain: int, signer: Signer) -> None:
        self._settings = settings
        self._folder = folder
        self._origin = origin
        self._chain = chain
        self._signer = signer
        self._unsigned: dict[int, Head] | None = None

    def seal(self, ended: Sequence[Ended], descriptor: int, head: Head) -> list[Checkpoint]:
        """Make everything up to `head` durable and sign it: the checkpoints that are now in the chain's folder.

        Raises NotKeptError where the disk does not keep the records, and OSError where the checkpoint cannot be
        written: what was to be signed is signed the next time then.
        """
        unsigned = self._unsigned
        if unsigned is None:
            unsigned = self._unsigned = _unsigned_ends(self._folder)
        try:
            for full, at in ended:
                os.fdatasync(full)
                os.close(full)
                unsigned[at.count] = at
            os.fdatasync(descriptor)
        except OSError as error:
            raise NotKeptError(*error.args) from error
        unsigned[head.count] = head
        now = moment(time.time())
        signed = [self._signer.sign(self._origin, self._chain, unsigned[count], now) for count in sorted(unsigned)]
        checkpoints.append(self._folder / checkpoints.FILE, signed)
        unsigned.clear()
        return signed

    def outlived(self, now: float) -> tuple[Removal | None, str | None]:
        """The oldest segments that need not be kept any longer; and why one of them is kept all the same, if so.

        None goes whose records were not followed from its first to its last, and that one signed: what is removed was
        whole until then.
        """
        segments = segments_in(self._folder)
        total = sum(segment.size for segment in segments)
        share = self._settings.keep_bytes // self._settings.chains
        signed = {each.count: each.head for each in checkpoints.read(self._folder / checkpoints.FILE)[0]}
        going: list[Segment] = []
        head: Head | None = None
        for segment, following in pairwise(segments):  # the last one is being written
            age = now - segment.path.stat().st_mtime
            if total <= share and age <= self._settings.keep_seconds:
                break
            end, flaw = _followed(segment, following)
            if flaw is None and end is not None and signed.get(end.count) != end.digest:
                flaw = _UNSEALED
            if flaw is not None:
                return _removal(going, head), f"{segment.path.name} is kept, for {flaw}"
            total -= segment.size
            head = end
            going.append(segment)
        return _removal(going, head), None

    def remove(self, removal: Removal, descriptor: int) -> None:
        """Remove segments, once the record that says so is on the disk. Raises OSError."""
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            raise NotKeptError(*error.args) from error
        for segment in removal.segments:
            with contextlib.suppress(FileNotFoundError):
                segment.path.unlink()
        path = self._folder / checkpoints.FILE
        kept = [each for each in checkpoints.read(path)[0] if each.count >= removal.head.count]
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        checkpoints.append(fresh, kept)
        fresh.replace(path)


def _removal(going: list[Segment], head: Head | None) -> Removal | None:
    return Removal(tuple(going), head) if going and head is not None else None


def _unsigned_ends(folder: Path) -> dict[int, Head]:
    """Where the chain stood at the ends of segments that a process left unsigned when it was killed."""
    signed = {each.count for each in checkpoints.read(folder / checkpoints.FILE)[0]}
    ends: dict[int, Head] = {}
    for segment, following in pairwise(segments_in(folder)):
        if following.first - 1 not in signed:
            end, _ = _followed(segment, following)
            if end is not None:
                ends[end.count] = end
    return ends


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
