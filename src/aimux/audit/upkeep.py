"""What is done for a chain beside writing it: signing, looking after its files, and removing what is too old.

It happens in turns, every checkpoint interval; what blocks on the disk is done by the disk's thread.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, wait
from typing import Final, Protocol

from aimux.audit.checkpoints import Checkpoint
from aimux.audit.counts import Counts
from aimux.audit.format.events import event
from aimux.audit.format.writing import moment
from aimux.audit.incidents import Incident, Outcome
from aimux.audit.retention import Due
from aimux.audit.sealing import NotKeptError, Seal
from aimux.audit.settings import AuditSettings
from aimux.audit.troubles import Trouble
from aimux.audit.watch import Look, Watch
from aimux.audit.writer import ChainWriter
from aimux.audit.written import WrittenSegment

_RETAIN_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 1.0
_SILENT_SECONDS: Final = 30.0
_FAR_BEHIND_DAYS: Final = 1.0
NOT_KEPT: Final = "the disk does not keep what is written to it; restart the gateway once the disk is sound"


class Host(Protocol):
    """The log whose chain is looked after."""

    writer: ChainWriter
    counts: Counts
    chain: int

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is done."""

    @property
    def is_failing(self) -> bool:
        """Whether requests are refused now."""

    @property
    def is_silent(self) -> bool:
        """Whether nothing more is written to the files, until a restart."""

    def append(self, body: str) -> int:
        """Add a record, to be written by the next flush."""

    def flush(self) -> bool:
        """Write what waits; whether that could be done."""

    def stop_for(self, trouble: Trouble, why: str) -> None:
        """Refuse requests."""

    def is_over(self, trouble: Trouble) -> None:
        """A trouble is over; requests are served again where there is no other."""

    def warn(self, what: str) -> None:
        """Tell the operator of what is wrong."""

    def note(self, what: str) -> None:
        """Tell the operator of what was done as it should be."""

    def signed(self, checkpoints: list[Checkpoint]) -> None:
        """Checkpoints were written."""


class Upkeep:
    """Looks after one chain; belongs to the event loop that it was made on."""

    def __init__(self, host: Host, settings: AuditSettings, seal: Seal, watch: Watch, disk: Executor) -> None:
        self._host = host
        self._settings = settings
        self._seal = seal
        self._watch = watch
        self._disk = disk
        self._loop = asyncio.get_running_loop()
        self._sealed = -1
        self._retained_at = self._looking_since = 0.0
        self._is_looking = self._is_moved = self._is_stuck = self._told_behind = self._told_silent = False
        self._failed: str | None = None
        self._told_troubles: tuple[str | None, ...] = ()
        self._timer = self._loop.call_later(settings.checkpoint_interval, self._tick)
        self.seal_now()

    def cancel(self) -> None:
        """Begin no further turn."""
        self._timer.cancel()

    def wait_for_disk(self, seconds: float) -> bool:
        """Have the disk's thread end; whether it did within these seconds. One that hangs in the kernel is left."""
        finished, _ = wait([self._disk.submit(int)], seconds)
        self._disk.shutdown(wait=bool(finished))
        if not finished:
            why = f"the disk of the audit log has not answered for {seconds:g} s"
            self._host.warn(f"chain {self._host.chain}: {why}: the files are left as they are, their end unsigned")
        return bool(finished)

    def finish(self) -> None:
        """The last turn, done here: put the files back, and tell of what was found. Blocks on the disk."""
        host = self._host
        flushed = host.flush()
        look = self._watch.look(host.writer.current)
        self._is_stuck = look.trouble is not None or not flushed
        if look.trouble is not None:
            host.warn(f"chain {host.chain}: {look.trouble[1]}")
            return
        if look.is_harmed or (look.size > host.writer.current.size and not host.writer.is_torn):
            self._rotate()
        self._run(lambda: self._seal.settle(self._take_retired(), host.writer.current))
        self._tell_incidents()

    def finish_signing(self) -> None:
        """Sign the last record. Blocks on the disk."""
        host = self._host
        if not self._is_stuck:
            self._run(lambda: host.signed(self._seal.seal(self._take_retired(), host.writer.current)))

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            self._host.warn(f"the last checkpoint could not be written: {error.strerror}")

    def _tick(self) -> None:
        if self._host.is_silent:
            return  # the files may be another gateway's by now, its lock included
        interval = self._settings.checkpoint_interval
        self._timer = self._loop.call_later(min(_AGAIN_SECONDS, interval) if self._is_moved else interval, self._tick)
        if self._is_looking:
            self._tell_silent()
            return
        self._is_looking, self._looking_since = True, self._loop.time()
        current = self._host.writer.current
        looking = self._loop.run_in_executor(self._disk, self._watch.look, current)
        looking.add_done_callback(lambda done: self._was_looked(current, done))

    # Looking.

    def _tell_silent(self) -> None:
        """A look has not come back: the disk's thread hangs in the kernel, as on a file server that is away."""
        seconds = self._loop.time() - self._looking_since
        if seconds > _SILENT_SECONDS and not self._told_silent:
            self._told_silent = True
            self._host.warn(f"chain {self._host.chain}: the disk of the audit log has not answered for {seconds:.0f} s")

    def _was_looked(self, before: WrittenSegment, done: asyncio.Future[Look]) -> None:
        self._is_looking = False
        if self._told_silent:
            self._told_silent = False
            self._host.note(f"chain {self._host.chain}: the disk of the audit log answers again")
        if done.cancelled() or self._host.is_closed or self._host.is_silent:
            return
        look, host = done.result(), self._host
        self._tell_failed(look.failed)
        if look.trouble is not None:
            self._is_moved = self._is_moved or look.trouble[0] is Trouble.MOVED
            host.stop_for(*look.trouble)
            return
        if self._is_moved:
            self._is_moved = False
            host.is_over(Trouble.MOVED)
        self._tell_incidents()
        current = host.writer.current
        is_same = (current.descriptor, current.segment) == (before.descriptor, before.segment)
        is_grown = is_same and look.size > current.size and not host.writer.is_torn
        if is_same and (look.is_harmed or is_grown):
            self._rotate()
        self.seal_now(again=look.is_harmed or bool(host.writer.retired))
        if not host.is_failing and self._loop.time() - self._retained_at >= _RETAIN_SECONDS:
            self._retained_at = self._loop.time()
            retaining = self._loop.run_in_executor(self._disk, self._seal.outlived, host.writer.segment)
            retaining.add_done_callback(self._trim)

    def _rotate(self) -> None:
        """Go on in a new segment, in a new folder perhaps, so that the old one can be put back as it was."""
        writer = self._host.writer
        try:
            if writer.is_folder_gone():
                writer.reopen_folder()
            writer.rotate()
        except OSError as error:
            self._host.stop_for(Trouble.WRITE, error.strerror or type(error).__name__)

    def _tell_failed(self, failed: str | None) -> None:
        if failed is not None and failed != self._failed:
            self._host.warn(f"chain {self._host.chain}: {failed}")
        self._failed = failed

    def _tell_incidents(self) -> None:
        host = self._host
        incidents = self._seal.take_incidents()
        for incident in incidents:
            host.counts.incidents[incident.outcome, incident.harm] += 1
            host.warn(f"chain {host.chain}: {incident.message}")
            self._record(incident)
            if incident.stops:
                host.stop_for(Trouble.LOST, incident.message)
        if incidents:
            host.flush()

    def _record(self, incident: Incident) -> None:
        if incident.outcome is not Outcome.NOTED:
            self._host.append(event(incident.outcome.value, moment(time.time()), **incident.fields))

    # Signing.

    def _take_retired(self) -> list[WrittenSegment]:
        writer = self._host.writer
        retired, writer.retired = writer.retired, []
        return retired

    def seal_now(self, *, again: bool = False) -> None:
        """Sign what was written since the last time, or in any case."""
        host = self._host
        if not host.flush() or (self._sealed == host.writer.written.count and not again):
            return
        self._sealed = host.writer.written.count
        sealing = self._loop.run_in_executor(self._disk, self._seal.seal, self._take_retired(), host.writer.current)
        sealing.add_done_callback(self._was_sealed)

    def _was_sealed(self, done: asyncio.Future[list[Checkpoint]]) -> None:
        error = None if done.cancelled() else done.exception()
        host = self._host
        if not done.cancelled() and not host.is_closed:
            self._tell_incidents()
        if isinstance(error, NotKeptError):
            host.stop_for(Trouble.DISK, NOT_KEPT)
        elif isinstance(error, OSError):
            self._sealed = -1
            host.counts.checkpoint_failures += 1
            host.warn(f"a checkpoint could not be written: {error.strerror or error}; it is tried again")
        elif error is not None:
            raise error
        elif not done.cancelled():
            host.signed(done.result())

    # Keeping.

    def _trim(self, done: asyncio.Future[Due]) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if isinstance(error, OSError):
            self._tell_troubles(f"what is too old cannot be looked for: {error}")
            return
        due, host = done.result(), self._host
        self._tell_troubles(due.kept and f"{due.kept}: run `aimux audit verify`", due.unsaved)
        self._tell_behind()
        removal = due.removal
        if removal is None or host.is_failing or host.is_closed:
            return
        head = removal.head
        host.append(event("trimmed", moment(time.time()), first=head.count + 1, before=head.digest))
        if host.flush():
            later = f"; {due.later} more are too old and go later" if due.later else ""
            host.note(f"chain {host.chain}: {len(removal.segments)} files go, up to record {head.count}{later}")
            removing = self._loop.run_in_executor(self._disk, self._seal.remove, removal, host.writer.descriptor)
            removing.add_done_callback(self._was_removed)

    def _tell_troubles(self, *troubles: str | None) -> None:
        """Warn of what stands in the way of keeping no more than is wanted, once as long as it lasts."""
        for trouble in troubles:
            if trouble is not None and trouble not in self._told_troubles:
                self._host.warn(f"chain {self._host.chain}: {trouble}")
        self._told_troubles = troubles

    def _tell_behind(self) -> None:
        days = self._seal.days_behind
        if days > _FAR_BEHIND_DAYS and not self._told_behind:
            self._host.warn(
                f"chain {self._host.chain}: the system's clock is {days:.1f} days ahead of the time for which a "
                "gateway ran: unless none ran for so long, set the clock right; meanwhile files age by a day an hour"
            )
        self._told_behind = days > _FAR_BEHIND_DAYS

    def _was_removed(self, done: asyncio.Future[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if isinstance(error, NotKeptError):
            self._host.stop_for(Trouble.DISK, NOT_KEPT)
        elif error is not None:
            self._host.warn(f"chain {self._host.chain}: what is too old cannot be removed: {error}")
