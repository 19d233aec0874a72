"""Opening a chain to go on with it: what its last segment holds, and what of its end was torn when a process died."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aimux.audit import checkpoints, locks
from aimux.audit.chain import GENESIS, Head, after, follows, number_of, previous_of
from aimux.audit.errors import AuditError
from aimux.audit.format.reading import parse
from aimux.audit.segments import Segment, chain_folder, chains_in, lines_of, segments_in
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import Signer, Verifier

_VERIFY: Final = (
    "run `aimux audit verify`, keep the folder as evidence, and move it aside to begin a new log (and the file that "
    "audit.checkpoint_to names, if it does)"
)


@dataclass(frozen=True, slots=True)
class Torn:
    """Bytes at the end of a segment that are no whole record. They are kept beside it, in `kept`."""

    size: int
    digest: str
    kept: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A chain as it was found: its name, where it stands, its last segment and that one's size once repaired."""

    origin: str | None
    head: Head
    segment: Segment | None
    size: int
    torn: Torn | None
    lock: int


def open_key(settings: AuditSettings) -> Signer:
    """The key of a log, which is made with the log where none was configured. Raises AuditError."""
    path = settings.path
    try:
        # The index beside the chains holds texts too: what is in the log's folder is not for everybody.
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
        # In this order: another worker may make the key, and sign with it, meanwhile.
        begun = any((chain_folder(path, chain) / checkpoints.FILE).exists() for chain in chains_in(path))
        if begun and settings.signing_key is None and not settings.key_file.exists():
            raise AuditError(f"the key of the audit log, {settings.key_file}, is gone: put it back, or {_VERIFY}")
        return Signer.at(settings.key_file, create=settings.signing_key is None)
    except OSError as error:
        raise unwritable(path, error) from error


def open_chain(folder: Path, verifier: Verifier) -> Opened:
    """Take a chain for this process alone and repair its end. Raises AuditError where it is not as it was left."""
    try:
        folder.mkdir(mode=0o750, exist_ok=True)
        lock = locks.take(folder / locks.NAME)
    except OSError as error:
        raise unwritable(folder.parent, error) from error
    if lock is None:
        raise AuditError(f"another gateway writes the audit log {folder}: give each its own audit.path")
    try:
        return _read(folder, lock, verifier)
    except OSError as error:
        os.close(lock)
        raise unwritable(folder.parent, error) from error
    except AuditError:
        os.close(lock)
        raise


def unwritable(path: Path, error: OSError) -> AuditError:
    """The error for a log that cannot be written."""
    return AuditError(
        f"the audit log cannot be written to {path}: {error.strerror or type(error).__name__}; set audit.path to a "
        "folder that the gateway may write"
    )


def _read(folder: Path, lock: int, verifier: Verifier) -> Opened:
    _repair_checkpoints(folder / checkpoints.FILE)
    signed, _ = checkpoints.read(folder / checkpoints.FILE)
    last = max(signed, key=lambda checkpoint: checkpoint.count, default=None)
    if last is not None and not verifier.accepts(last):
        raise AuditError(
            f"the audit log {folder} was signed with another key than this gateway's, up to record {last.count}: set "
            f"audit.signing_key to that one, or {_VERIFY}"
        )
    segments = segments_in(folder)
    while segments and not segments[-1].size and len(segments) > 1:
        segments.pop().path.unlink()  # begun, and nothing written
    if not segments:
        if last is not None:
            raise AuditError(
                f"the audit log {folder} has lost its records, of which {last.count} were signed: {_VERIFY}"
            )
        return Opened(None, GENESIS, None, 0, None, lock)
    segment = segments[-1]
    head, size, rest = _whole(segment)
    if rest and not _is_torn(rest):
        raise AuditError(
            f"the audit log {segment.path} goes on after record {head.count} with what does not follow it: {_VERIFY}"
        )
    if last is not None and last.count > head.count:
        raise AuditError(
            f"the audit log {folder} ends with record {head.count}, but record {last.count} was signed: {_VERIFY}"
        )
    torn = _cut(segment, size, rest, head) if rest else None
    if torn is not None and not size and len(segments) > 1:
        # Begun, and nothing whole written: the chain stands where the segment before it ended.
        segment.path.unlink()
        segment = segments[-2]
        head, size, rest = _whole(segment)
        if rest or head.count != segments[-1].first - 1:
            raise AuditError(f"the audit log {segment.path} does not lead to the segment behind it: {_VERIFY}")
    return Opened(_origin(segments[0], last), head, segment, size, torn, lock)


def _whole(segment: Segment) -> tuple[Head, int, bytes]:
    """Where the chain stands after the segment's whole records, their size, and the bytes behind them."""
    head: Head | None = None
    size = 0
    for at, line, ended in lines_of(segment.path):
        head = head or _before(segment, line)
        if not ended or not follows(head, line) or parse(line) is None:
            break
        head, size = after(head, line), at + len(line) + 1
    with segment.path.open("rb") as file:
        file.seek(size)
        return head or Head(segment.first - 1, GENESIS.digest), size, file.read()


def _before(segment: Segment, first: bytes) -> Head:
    """Where the chain must have stood before the segment, by what its first line says."""
    if number_of(first) != segment.first:
        return Head(segment.first - 1, GENESIS.digest)
    return Head(segment.first - 1, previous_of(first))


def _is_torn(rest: bytes) -> bool:
    """Whether bytes at the end are what a crash leaves: a line begun, or space that was never written to."""
    return not any(number_of(line) for line in rest.split(b"\n")[:-1])


def _cut(segment: Segment, size: int, rest: bytes, head: Head) -> Torn:
    kept = segment.path.with_name(f"torn-after-{head.count:020d}.bin")
    with open(kept, "wb", opener=lambda path, flags: os.open(path, flags, 0o640)) as file:
        file.write(rest)
    os.truncate(segment.path, size)
    return Torn(len(rest), hashlib.sha256(rest).hexdigest(), kept.name)


def _origin(first: Segment, last: checkpoints.Checkpoint | None) -> str | None:
    """The chain's name: from its checkpoints, or from its first record where nothing was signed yet."""
    if last is not None:
        return last.origin
    for _, line, _ in lines_of(first.path):
        origin = (parse(line) or {}).get("origin")
        return origin if isinstance(origin, str) else None
    return None


def _repair_checkpoints(path: Path) -> None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
