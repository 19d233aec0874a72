"""The audit log as the gateway knows it: a request is written down before it is forwarded, and when it has ended.

Records of one chain. While it cannot be written, nothing is served; `tell` hears why, and None once it works again.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aimux import __version__
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.commit import OBSTACLE, GroupCommit
from aimux.audit.counts import Counts
from aimux.audit.elsewhere import SecondPlace
from aimux.audit.format.events import command_event, event
from aimux.audit.format.writing import moment
from aimux.audit.key_files import KeyFiles
from aimux.audit.lines import Scribe
from aimux.audit.opening import Opened, open_chain, open_key, unwritable
from aimux.audit.recorded_text import TextPolicy
from aimux.audit.redact import Redactor
from aimux.audit.sealing import Seal
from aimux.audit.segments import chain_folder
from aimux.audit.settings import AuditSettings
from aimux.audit.troubles import SILENT, Trouble
from aimux.audit.upkeep import NOT_KEPT, Upkeep
from aimux.audit.watch import Watch
from aimux.audit.writer import ChainWriter
from aimux.core.operator import ACCEPTED, Command
from aimux.core.reason import Failure, Reason
from aimux.core.record import Record

_RETRY_SECONDS: Final = 1.0
_MOST_WAITING: Final = 16 * 1024 * 1024
_PATIENCE_SECONDS: Final = 5.0

Tell = Callable[[str | None], None]
Say = Callable[[str], None]


def _unheard(_: str) -> None:
    """Nobody wants to hear it."""


class AuditLog:
    """One chain of the log, open for writing; belongs to the event loop that it was made on."""

    def __init__(self, settings: AuditSettings, chain: int, tell: Tell, warn: Say, note: Say = _unheard) -> None:
        """Open the chain and repair its end. Raises AuditError where the log is not as it was left.

        `warn` hears what is wrong and does not stop the gateway, `note` what was done as it should be.
        """
        self.counts = Counts()
        self.chain = chain
        self.warn, self.note = warn, note
        self._settings = settings
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._scribe = Scribe(
            TextPolicy(settings.text, settings.excerpt), Redactor(settings.hidden_headers, settings.hidden_fields)
        )
        self._troubles: dict[Trouble, str] = {}
        self._failing = self._closed = self._flushing = False
        self._gap = 0
        self._retrying: asyncio.TimerHandle | None = None
        self._disk = ThreadPoolExecutor(1, "aimux-audit")
        self._open()
        self._commit = GroupCommit(self._disk, self._unsafe, self._lost_by_disk)
        place = settings.checkpoint_to
        self._elsewhere = None if place is None else SecondPlace(place, self._not_noted_soon)
        self._upkeep = Upkeep(self, settings, self._seal, self._watch, self._disk)

    def _open(self) -> None:
        settings = self._settings
        folder = chain_folder(settings.path, self.chain)
        signer = open_key(settings)
        opened = open_chain(folder, signer.verifier)
        origin = opened.origin or os.urandom(16).hex()
        self._seal = Seal(settings, folder, origin, self.chain, signer)
        try:
            signer.put_public(settings.public_key_file)
            self.writer = ChainWriter(folder, opened, settings.segment_bytes)
            keys = KeyFiles(settings, signer) if self.chain == 1 else None
            self._watch = Watch(self.writer, self._seal, opened.lock, keys)
        except OSError as error:
            os.close(opened.lock)
            raise unwritable(settings.path, error) from error
        self._tell_opening(opened, origin)

    def _tell_opening(self, opened: Opened, origin: str) -> None:
        now = moment(time.time())
        if opened.origin is None:
            self.append(event("origin", now, origin=origin, chain=self.chain))
        if opened.torn is not None:
            torn = opened.torn
            self.append(event("repaired", now, torn_bytes=torn.size, torn_sha256=torn.digest, kept=torn.kept))
            kept = self.writer.folder / torn.kept
            self.warn(f"chain {self.chain} ended in {torn.size} torn bytes, which are kept in {kept}")
        self.append(event("opened", now, version=__version__, process=os.getpid()))

    # What the gateway tells.

    def decided(self, record: Record) -> Awaitable[None] | None:
        """Write a decision down; what to wait for before anything goes to an upstream, if anything.

        Raises Failure where it cannot be written.
        """
        if self._failing:
            raise Failure(Reason.NOT_READY, self.obstacle)
        self.counts.records += 1
        record.audited = self.writer.append(self._scribe.decision(record))
        if not self.flush():
            raise Failure(Reason.NOT_READY, self.obstacle)
        return self._commit.join() if self._settings.always else None

    def request(self, record: Record) -> None:
        """Write down how a request has ended; and what was decided, where that stands nowhere yet."""
        if self._closed:
            return
        if self._failing and (record.audited is None or self.writer.waiting > _MOST_WAITING):
            self.counts.unrecorded += 1
            self._gap += 1
            return
        if record.audited is None:
            record.audited = self.append(self._scribe.decision(record))
        self.counts.records += 1
        self.writer.append(self._scribe.outcome(record, record.audited, time.time()))
        if not self._flushing:
            self._flush_soon()

    def configuration(self, config: str, model: str | None) -> None:
        """Write down which configuration is in force from now on."""
        self.append(event("configuration", moment(time.time()), config=config, model=model))
        self._flush_soon()

    def command(self, given: Command) -> Awaitable[None] | None:
        """Write an operator's command down; what to wait for before it takes effect, if anything.

        Raises Failure where it cannot be written. A refusal is written then as soon as that is possible: an accepted
        command may wait before it, which has not taken effect.
        """
        if self._closed or self._failing:
            if not self._closed and given.verdict != ACCEPTED:
                self._refused_meanwhile(given)
            raise Failure(Reason.NOT_READY, self.obstacle)
        self.append(command_event(given, moment(given.time)))
        if not self.flush():
            raise Failure(Reason.NOT_READY, self.obstacle)
        return self._commit.join() if self._settings.always else None

    def _refused_meanwhile(self, given: Command) -> None:
        """Keep the refusal of a command for later; that of nobody, of which there may be any number, is counted."""
        if given.operator is None or self.writer.waiting > _MOST_WAITING:
            self.counts.unrecorded += 1
            self._gap += 1
            return
        self.append(command_event(given, moment(given.time)))

    @property
    def writable(self) -> bool:
        """Whether requests can be recorded as they must be."""
        return not self._failing

    @property
    def is_failing(self) -> bool:
        """Whether requests are refused now."""
        return self._failing

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is done."""
        return self._closed

    @property
    def obstacle(self) -> str:
        """What callers are told while requests are refused."""
        return next((trouble.value for trouble in Trouble if trouble in self._troubles), OBSTACLE)

    @property
    def standing(self) -> list[str]:
        """What is wrong with the files of this chain now, in words for the operator."""
        return [*self._troubles.values(), *self._watch.standing]

    @property
    def intact(self) -> bool:
        """Whether nothing is known to be wrong with the files of this chain."""
        return not self.standing

    def close(self) -> None:
        """Write everything down, put the files back, sign it, and close them."""
        if self._closed:
            return
        self._closed = True
        self._upkeep.cancel()
        self._commit.close()
        answers = self._upkeep.wait_for_disk(_PATIENCE_SECONDS)
        if answers and self.is_silent:
            self._set_aside()
        elif answers:
            self._upkeep.finish()
            self._tell_gap()
            self.append(event("closed", moment(time.time())))
            if self.flush():
                self._upkeep.finish_signing()
        if self._elsewhere is not None and (trouble := self._elsewhere.close(_PATIENCE_SECONDS)) is not None:
            self.warn(f"the last checkpoint could not be written to audit.checkpoint_to: {trouble}")
        if answers:  # a thread that hangs still has the files
            self.writer.close()
            self._seal.close()
            self._watch.close()

    def _set_aside(self) -> None:
        """The chain is another gateway's: what waits goes to a file of its own."""
        try:
            kept = self.writer.set_waiting_aside() if Trouble.TAKEN in self._troubles else None
        except OSError as error:
            self.warn(f"chain {self.chain}: records that could not be written are lost: {error}")
            return
        if kept is not None:
            self.warn(f"chain {self.chain}: records that could not be written are kept in {kept}")

    # To the kernel.

    def append(self, body: str) -> int:
        """Add a record, to be written by the next flush; its number."""
        self.counts.records += 1
        return self.writer.append(body)

    def _flush_soon(self) -> None:
        if not self._flushing and not self._failing:
            self._flushing = True
            self._loop.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flushing = False
        if not self._closed:
            self.flush()

    def flush(self) -> bool:
        """Write what waits; whether that could be done. Where it could not, requests are refused until it can."""
        if self._failing and self.is_silent:
            return False
        try:
            self.writer.flush()
        except OSError as error:
            self.stop_for(Trouble.WRITE, error.strerror or type(error).__name__)
            return False
        if self._failing:
            self.is_over(Trouble.WRITE)
        return True

    @property
    def is_silent(self) -> bool:
        """Whether nothing more is written to the files, until a restart."""
        return not SILENT.isdisjoint(self._troubles)

    def stop_for(self, trouble: Trouble, why: str) -> None:
        """Refuse requests, and write what waits as soon as that is possible."""
        is_new = trouble not in self._troubles
        self._troubles[trouble] = why
        self._failing = True
        if is_new:
            self._tell(why)
            if trouble in SILENT:
                self._commit.fail()
        if trouble is Trouble.WRITE and not self._closed and self._retrying is None:
            self._retrying = self._loop.call_later(_RETRY_SECONDS, self._retry)

    def _retry(self) -> None:
        self._retrying = None
        if Trouble.WRITE in self._troubles and not self._closed:
            self.flush()

    def is_over(self, trouble: Trouble) -> None:
        """A trouble is over; requests are served again where there is no other."""
        if self._troubles.pop(trouble, None) is None:
            return
        self._failing = bool(self._troubles)
        if self._failing:
            self._tell(next(iter(self._troubles.values())))
            return
        if self._tell_gap():
            self._flush_soon()
        self._tell(None)

    def _tell_gap(self) -> bool:
        gap, self._gap = self._gap, 0
        if gap:
            self.append(event("gap", moment(time.time()), unrecorded=gap))
        return gap > 0

    # To the disk.

    def _unsafe(self) -> list[int]:
        """The files with records that may not be on the disk yet, those of segments that ended meanwhile included."""
        return [*(each.descriptor for each in self.writer.retired), self.writer.descriptor]

    def _lost_by_disk(self) -> None:
        """What a disk has once failed to keep, a second attempt does not bring back, although it may succeed."""
        self.stop_for(Trouble.DISK, NOT_KEPT)

    # Checkpoints.

    def signed(self, checkpoints: list[Checkpoint]) -> None:
        """Checkpoints were written to the chain's folder; have them noted elsewhere too."""
        if self._elsewhere is not None:
            self._elsewhere.note(checkpoints)

    def _not_noted_soon(self, why: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and `close` tells of it
            self._loop.call_soon_threadsafe(self._not_noted, why)

    def _not_noted(self, why: str) -> None:
        self.counts.checkpoint_failures += 1
        self.warn(f"a checkpoint could not be written to audit.checkpoint_to: {why}; it is tried again")
