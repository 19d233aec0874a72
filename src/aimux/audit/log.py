"""The audit log as the gateway knows it: a request is written down before it is forwarded, and when it has ended.

Records of one chain. While it cannot be written, nothing is served; `tell` hears why, and None once it works again.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from aimux import __version__
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.commit import OBSTACLE, GroupCommit
from aimux.audit.elsewhere import SecondPlace
from aimux.audit.lines import Scribe, TextPolicy, moment
from aimux.audit.opening import open_chain, open_key, unwritable
from aimux.audit.redact import Redactor
from aimux.audit.sealing import Ended, NotKeptError, Removal, Seal
from aimux.audit.segments import chain_folder
from aimux.audit.settings import AuditSettings
from aimux.audit.writer import ChainWriter
from aimux.core.reason import Failure, Reason
from aimux.core.record import Record

_RETRY_SECONDS: Final = 1.0
_RETAIN_SECONDS: Final = 60.0
_MOST_WAITING: Final = 16 * 1024 * 1024
_PATIENCE_SECONDS: Final = 5.0
_NOT_KEPT: Final = "the disk does not keep what is written to it; restart the gateway once the disk is sound"

Tell = Callable[[str | None], None]
Warn = Callable[[str], None]


@dataclass(slots=True)
class Counts:
    """What the log counts: records written, requests that left none, and checkpoints that could not be noted."""

    records: int = 0
    unrecorded: int = 0
    checkpoint_failures: int = 0


class AuditLog:
    """One chain of the log, open for writing; belongs to the event loop that it was made on."""

    def __init__(self, settings: AuditSettings, chain: int, tell: Tell, warn: Warn) -> None:
        """Open the chain and repair its end. Raises AuditError where the log is not as it was left."""
        self.counts = Counts()
        self.chain = chain
        self._settings = settings
        self._tell = tell
        self._warn = warn
        self._loop = asyncio.get_running_loop()
        self._scribe = Scribe(
            TextPolicy(settings.text, settings.excerpt), Redactor(settings.hidden_headers, settings.hidden_fields)
        )
        self._failing = self._broken = self._closed = self._flushing = False
        self._gap = 0
        self._disk = ThreadPoolExecutor(1, "aimux-audit")
        self._open()
        self._commit = GroupCommit(self._disk, self._unsafe, self._break)
        place = settings.checkpoint_to
        self._elsewhere = None if place is None else SecondPlace(place, self._not_noted_soon)
        self._sealed = -1
        self._seal_now()
        self._retained_at = 0.0
        self._timer = self._loop.call_later(settings.checkpoint_interval, self._tick)

    def _open(self) -> None:
        settings = self._settings
        folder = chain_folder(settings.path, self.chain)
        signer = open_key(settings)
        opened = open_chain(folder, signer.verifier)
        try:
            settings.public_key_file.write_bytes(signer.public_pem)
            self._writer = ChainWriter(folder, opened, settings.segment_bytes)
        except OSError as error:
            os.close(opened.lock)
            raise unwritable(settings.path, error) from error
        origin = opened.origin or os.urandom(16).hex()
        self._seal = Seal(settings, folder, origin, self.chain, signer)
        now = moment(time.time())
        if opened.origin is None:
            self._append(f'"kind":"origin","time":"{now}","origin":"{origin}","chain":{self.chain}}}')
        if opened.torn is not None:
            torn = opened.torn
            self._append(
                f'"kind":"repaired","time":"{now}","torn_bytes":{torn.size},"torn_sha256":"{torn.digest}",'
                f'"kept":"{torn.kept}"}}'
            )
            self._warn(f"chain {self.chain} ended in {torn.size} torn bytes, which are kept in {folder / torn.kept}")
        self._append(f'"kind":"opened","time":"{now}","version":"{__version__}","process":{os.getpid()}}}')

    # What the gateway tells.

    def decided(self, record: Record) -> Awaitable[None] | None:
        """Write a decision down; what to wait for before anything goes to an upstream, if anything.

        Raises Failure where it cannot be written.
        """
        if self._failing:
            raise Failure(Reason.NOT_READY, OBSTACLE)
        self.counts.records += 1
        record.audited = self._writer.append(self._scribe.decision(record))
        if not self._flush():
            raise Failure(Reason.NOT_READY, OBSTACLE)
        return self._commit.join() if self._settings.always else None

    def request(self, record: Record) -> None:
        """Write down how a request has ended; and what was decided, where that stands nowhere yet."""
        if self._closed:
            return
        if self._failing and (record.audited is None or self._writer.waiting > _MOST_WAITING):
            self.counts.unrecorded += 1
            self._gap += 1
            return
        if record.audited is None:
            record.audited = self._append(self._scribe.decision(record))
        self.counts.records += 1
        self._writer.append(self._scribe.outcome(record, record.audited, time.time()))
        if not self._flushing:
            self._flush_soon()

    def configuration(self, config: str, model: str | None) -> None:
        """Write down which configuration is in force from now on."""
        digest = "null" if model is None else f'"{model}"'
        now = moment(time.time())
        self._append(f'"kind":"configuration","time":"{now}","config":"{config}","model":{digest}}}')
        self._flush_soon()

    @property
    def writable(self) -> bool:
        """Whether records can be written."""
        return not self._failing

    def close(self) -> None:
        """Write everything down, sign it, and close the files."""
        if self._closed:
            return
        self._closed = True
        self._timer.cancel()
        self._commit.close()
        self._tell_gap()
        self._append(f'"kind":"closed","time":"{moment(time.time())}"}}')
        written = not self._broken and self._flush()
        self._disk.shutdown()
        if written:
            try:
                self._note(self._seal.seal(self._take_retired(), self._writer.descriptor, self._writer.written))
            except OSError as error:
                self._warn(f"the last checkpoint could not be written: {error.strerror}")
        if self._elsewhere is not None and (trouble := self._elsewhere.close(_PATIENCE_SECONDS)) is not None:
            self._warn(f"the last checkpoint could not be written to audit.checkpoint_to: {trouble}")
        self._writer.close()

    # To the kernel.

    def _append(self, body: str) -> int:
        self.counts.records += 1
        return self._writer.append(body)

    def _flush_soon(self) -> None:
        if not self._flushing and not self._failing:
            self._flushing = True
            self._loop.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._flushing = False
        if not self._closed:
            self._flush()

    def _flush(self) -> bool:
        if self._broken:
            return False
        try:
            self._writer.flush()
        except OSError as error:
            self._fail(error.strerror or type(error).__name__)
            return False
        if self._failing:
            self._recover()
        return True

    def _fail(self, why: str) -> None:
        if not self._failing:
            self._failing = True
            self._tell(why)
        if not self._broken and not self._closed:
            self._loop.call_later(_RETRY_SECONDS, self._retry)

    def _retry(self) -> None:
        if self._failing and not self._closed:
            self._flush()

    def _recover(self) -> None:
        self._failing = False
        if self._tell_gap():
            self._flush_soon()
        self._tell(None)

    def _tell_gap(self) -> bool:
        gap, self._gap = self._gap, 0
        if gap:
            self._append(f'"kind":"gap","time":"{moment(time.time())}","unrecorded":{gap}}}')
        return gap > 0

    # To the disk.

    def _unsafe(self) -> list[int]:
        """The files with records that may not be on the disk yet, those of segments that ended meanwhile included."""
        return [*(full for full, _ in self._writer.retired), self._writer.descriptor]

    def _break(self) -> None:
        """What a disk has once failed to keep, a second attempt does not bring back, although it may succeed."""
        self._broken = True
        self._commit.fail()
        self._fail(_NOT_KEPT)

    # Checkpoints, and what is kept.

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._settings.checkpoint_interval, self._tick)
        if not self._failing:
            self._seal_now()
            if self._loop.time() - self._retained_at >= _RETAIN_SECONDS:
                self._retained_at = self._loop.time()
                self._loop.run_in_executor(self._disk, self._seal.outlived, time.time()).add_done_callback(self._trim)

    def _take_retired(self) -> list[Ended]:
        retired, self._writer.retired = self._writer.retired, []
        return retired

    def _seal_now(self) -> None:
        if not self._flush() or self._sealed == self._writer.written.count:
            return
        self._sealed = self._writer.written.count
        sealing = self._loop.run_in_executor(
            self._disk, self._seal.seal, self._take_retired(), self._writer.descriptor, self._writer.written
        )
        sealing.add_done_callback(self._was_sealed)

    def _was_sealed(self, done: asyncio.Future[list[Checkpoint]]) -> None:
        error = None if done.cancelled() else done.exception()
        if isinstance(error, NotKeptError):
            self._break()
        elif isinstance(error, OSError):
            self._sealed = -1
            self.counts.checkpoint_failures += 1
            self._warn(f"a checkpoint could not be written: {error.strerror or error}; it is tried again")
        elif error is not None:
            raise error
        elif not done.cancelled():
            self._note(done.result())

    def _note(self, signed: list[Checkpoint]) -> None:
        if self._elsewhere is not None:
            self._elsewhere.note(signed)

    def _not_noted_soon(self, why: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and `close` tells of it
            self._loop.call_soon_threadsafe(self._not_noted, why)

    def _not_noted(self, why: str) -> None:
        self.counts.checkpoint_failures += 1
        self._warn(f"a checkpoint could not be written to audit.checkpoint_to: {why}; it is tried again")

    def _trim(self, done: asyncio.Future[tuple[Removal | None, str | None]]) -> None:
        if done.cancelled() or isinstance(done.exception(), OSError):
            return  # the disk says so elsewhere
        removal, kept = done.result()
        if kept is not None:
            self._warn(f"chain {self.chain}: {kept}: run `aimux audit verify`")
        if removal is None or self._failing or self._closed:
            return
        head = removal.head
        self._append(
            f'"kind":"trimmed","time":"{moment(time.time())}","first":{head.count + 1},"before":"{head.digest}"}}'
        )
        if self._flush():
            removing = self._loop.run_in_executor(self._disk, self._seal.remove, removal, self._writer.descriptor)
            removing.add_done_callback(self._was_removed)

    def _was_removed(self, done: asyncio.Future[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if isinstance(error, NotKeptError):
            self._break()
        elif error is not None:
            self._warn(f"chain {self.chain}: what is too old cannot be removed: {error}")
