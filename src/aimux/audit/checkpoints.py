"""Checkpoints: signed statements of how far a chain had come, so that a cut tail or a rewritten history shows.

A checkpoint is one JSON object a line. Its signature (Ed25519) is over the text of `Checkpoint.signed`.
"""

import base64
import binascii
import errno
import fcntl
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aimux.audit.segments import lines_of

FILE: Final = "checkpoints.jsonl"
_VERSION: Final = "aimux-audit-checkpoint-v1"
_OPENING: Final = b'{"origin":"'
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain `origin` had `count` records at the moment `at`, and `head` was the hash of the last."""

    origin: str
    chain: int
    count: int
    head: str
    at: str
    signature: bytes = b""

    @property
    def signed(self) -> bytes:
        """What is signed: six lines, each with its end."""
        parts = (_VERSION, self.origin, str(self.chain), str(self.count), self.head, self.at)
        return "".join(f"{part}\n" for part in parts).encode("utf-8")

    @property
    def line(self) -> bytes:
        """The checkpoint as a line of the file, with its end."""
        fields = {
            "origin": self.origin,
            "chain": self.chain,
            "count": self.count,
            "head": self.head,
            "at": self.at,
            "signature": base64.b64encode(self.signature).decode("ascii"),
        }
        return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def parsed(line: bytes) -> Checkpoint:
    """A checkpoint from its line, not verified. Raises ValueError."""
    fields = json.loads(line)
    if not isinstance(fields, dict) or set(fields) != {"origin", "chain", "count", "head", "at", "signature"}:
        raise ValueError("no checkpoint")
    origin, chain, count, head, at, signature = (
        fields[name] for name in ("origin", "chain", "count", "head", "at", "signature")
    )
    texts = all(isinstance(each, str) for each in (origin, head, at, signature))
    if not texts or type(count) is not int or type(chain) is not int:
        raise ValueError("no checkpoint")
    try:
        return Checkpoint(origin, chain, count, head, at, base64.b64decode(signature, validate=True))
    except binascii.Error as error:
        raise ValueError("no checkpoint") from error


def append(path: Path, checkpoints: Iterable[Checkpoint]) -> None:
    """Write checkpoints at the end of a file, all of them or none, and to the disk. Raises OSError.

    Several workers note theirs in one second place, so that whoever cuts something off holds the file alone.
    """
    data = b"".join(checkpoint.line for checkpoint in checkpoints)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        alone = _locked(descriptor)
        size = os.fstat(descriptor).st_size
        torn = _torn(descriptor, size)
        is_ours = _OPENING.startswith(torn[: len(_OPENING)]) and len(torn) < _LONGEST
        if is_ours and alone and _cut(descriptor, size - len(torn)):
            size -= len(torn)
        elif torn:
            data = b"\n" + data  # a file that only grows keeps what was cut off: it must not spoil these
        if os.write(descriptor, data) != len(data):
            if alone:
                _cut(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False  # not every file system has locks
    return True


def _torn(descriptor: int, size: int) -> bytes:
    """What stands at the end of the file without an end of its own."""
    tail = os.pread(descriptor, _LONGEST, max(0, size - _LONGEST))
    return tail[tail.rfind(b"\n") + 1 :]


def _cut(descriptor: int, size: int) -> bool:
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        return False
    return True


def read(path: Path) -> tuple[list[Checkpoint], list[int]]:
    """The checkpoints of a file, and the numbers of the lines that hold none. What is not there holds nothing.

    A last line without an end counts as not written.
    """
    found, broken = [], []
    try:
        for number, (_, line, whole) in enumerate(lines_of(path), 1):
            if not whole:
                continue
            try:
                found.append(parsed(line))
            except ValueError:
                broken.append(number)
    except FileNotFoundError:
        pass
    return found, broken
