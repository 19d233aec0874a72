"""What the disk's own thread does for a chain: make it durable, put its files back, and sign how far it has come."""

import contextlib
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from aimux.audit.chain import Head
from aimux.audit.checkpoint_file import CheckpointFile
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.format.writing import moment
from aimux.audit.incidents import Incident, Outcome
from aimux.audit.inventory import Inventory, is_whole
from aimux.audit.retention import Due, Removal, Retention
from aimux.audit.segments import Segment
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import Signer
from aimux.audit.written import WrittenSegment, put_back


class NotKeptError(OSError):
    """The disk did not keep what had been written to it."""


class Seal:
    """Signs for one chain. Every method blocks on the disk, and is called by one thread at a time.

    `incidents` are what was found harmed and has not been told yet.
    """

    def __init__(self, settings: AuditSettings, folder: Path, origin: str, chain: int, signer: Signer) -> None:
        self.incidents: list[Incident] = []
        self._settings = settings
        self._folder = folder
        self._origin = origin
        self._chain = chain
        self._signer = signer
        self._ended: list[WrittenSegment] = []
        self._unsigned: dict[int, Head] = {}
        self._opened: tuple[CheckpointFile, Inventory, Retention] | None = None

    def open(self, current: Segment) -> tuple[CheckpointFile, Inventory, Retention]:
        """What is known of the chain's files, read at the first call. Raises OSError."""
        if self._opened is None:
            file = CheckpointFile(self._folder)
            signed = file.read()
            inventory = Inventory(self._folder, current)
            known = {each.count for each in signed}
            self._unsigned = {
                each.end.count: each.end for each in inventory if each.end.count not in known and is_whole(each)
            }
            signed_at = _seconds(signed[-1].at) if signed else None
            retention = Retention(self._settings, self._folder, inventory, signed_at)
            with contextlib.suppress(OSError):  # from the first moment on, should the clock be wrong already
                retention.ages.save()
            self._opened = file, inventory, retention
        return self._opened

    def seal(self, ended: Sequence[WrittenSegment], current: WrittenSegment) -> list[Checkpoint]:
        """Make everything that was written durable and sign it: the checkpoints that are now in the chain's folder.

        Raises NotKeptError where the disk does not keep the records, and OSError where a file cannot be written: what
        was to be done is done the next time then.
        """
        self.settle(ended, current)
        file, _, _ = self.open(current.segment)
        _make_durable(current.descriptor)
        self._unsigned[current.head.count] = current.head
        signed = self._sign(self._unsigned.values())
        file.append(signed)
        self._unsigned.clear()
        return signed

    def settle(self, ended: Sequence[WrittenSegment], current: WrittenSegment) -> None:
        """Make segments that have ended durable, and put back what was harmed of them and of the checkpoints.

        Raises as `seal` does.
        """
        self._ended.extend(ended)
        # Before anything else may fail: a turn of the group commit that comes behind this leaves them out.
        for each in ended:
            _make_durable(each.descriptor)
        file, inventory, retention = self.open(current.segment)
        while self._ended:
            self._finish(self._ended[0], inventory, retention)
            self._ended.pop(0)
        self._mend_checkpoints(file, inventory, current.head)

    @property
    def standing(self) -> list[str]:
        """What is wrong with the chain's ended segments now, in words."""
        return self._opened[1].standing if self._opened is not None else []

    @property
    def days_behind(self) -> float:
        """By how many days the clock that ages are measured by is behind the system's clock."""
        return self._opened[2].days_behind if self._opened is not None else 0.0

    def take_incidents(self) -> list[Incident]:
        """The incidents that have not been told yet."""
        taken, self.incidents = self.incidents, []
        return taken

    def close(self) -> None:
        """Close what is open."""
        for each in self._ended:
            os.close(each.descriptor)
        if self._opened is not None:
            self._opened[0].close()

    def _finish(self, ended: WrittenSegment, inventory: Inventory, retention: Retention) -> None:
        """A segment has ended: put it back where it was harmed, and close it."""
        incident = put_back(ended)
        if incident is not None:
            self.incidents.append(replace(incident, stops=incident.outcome is Outcome.LOST))
        is_lost = incident is not None and incident.outcome is Outcome.LOST
        inventory.add(ended.segment, ended.head, is_harmed=is_lost)
        retention.ages.ended(ended.segment.first)
        self._unsigned[ended.head.count] = ended.head
        os.close(ended.descriptor)

    def _mend_checkpoints(self, file: CheckpointFile, inventory: Inventory, head: Head) -> None:
        def sign_anew() -> list[Checkpoint]:
            ends = {each.end.count: each.end for each in inventory}
            if inventory.start.count:
                ends[inventory.start.count] = inventory.start
            return self._sign((ends | {head.count: head}).values())

        incident = file.mend(sign_anew)
        if incident is not None:
            self.incidents.append(incident)

    def _sign(self, heads: Iterable[Head]) -> list[Checkpoint]:
        now = moment(time.time())
        ordered = sorted(heads, key=lambda head: head.count)
        return [self._signer.sign(self._origin, self._chain, head, now) for head in ordered]

    def outlived(self, current: Segment) -> Due:
        """The oldest segments that need not be kept any longer. Raises OSError."""
        file, _, retention = self.open(current)
        return retention.due(file.read())

    def remove(self, removal: Removal, descriptor: int) -> None:
        """Remove segments, once the record that says so is on the disk. Raises OSError."""
        _make_durable(descriptor)
        if self._opened is not None:
            file, inventory, retention = self._opened
            self._mend_checkpoints(file, inventory, removal.head)
            retention.remove(removal)
            file.keep_from(removal.head.count)


def _seconds(moment: str) -> float | None:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (ValueError, OverflowError):
        return None


def _make_durable(descriptor: int) -> None:
    try:
        os.fdatasync(descriptor)
    except OSError as error:
        raise NotKeptError(*error.args) from error
