"""Checkpoints: signed statements of how far a chain had come, so that a cut tail or a rewritten history shows.

A checkpoint is one JSON object a line. Its signature (Ed25519) is over the text of `Checkpoint.signed`.
"""

import base64
import binascii
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from aimux.audit.chain import Head
from aimux.audit.errors import AuditError
from aimux.audit.segments import lines_of

FILE: Final = "checkpoints.jsonl"
KEY: Final = "signing-key.pem"
PUBLIC_KEY: Final = "signing-key.pub.pem"
_VERSION: Final = "aimux-audit-checkpoint-v1"


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


class Signer:
    """Signs checkpoints with the log's key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def at(cls, path: Path, *, create: bool) -> "Signer":
        """The signer with the key in a PEM file, which is made where it may be. Raises AuditError."""
        try:
            if create and not path.exists():
                _create(path)
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise AuditError(
                f"the key that signs the audit log, {path}, cannot be read: {_why(error)}; make one with: "
                f"openssl genpkey -algorithm ed25519 -out {path.name}"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise AuditError(f"the key that signs the audit log, {path}, is no Ed25519 key")
        return cls(key)

    @property
    def public_pem(self) -> bytes:
        """The public half of the key."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, origin: str, chain: int, head: Head, at: str) -> Checkpoint:
        """A signed checkpoint."""
        bare = Checkpoint(origin, chain, head.count, head.digest, at)
        return Checkpoint(origin, chain, head.count, head.digest, at, self._key.sign(bare.signed))


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # Written apart and put in place whole: several workers may come here at once, and one of them wins.
    made = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, pem)
        os.fsync(descriptor)
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        made.unlink()


class Verifier:
    """Checks signatures with the public half of the log's key."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def at(cls, path: Path) -> "Verifier":
        """The verifier with the key in a PEM file. Raises AuditError."""
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise AuditError(f"the public key {path} cannot be read: {_why(error)}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise AuditError(f"the public key {path} is no Ed25519 key")
        return cls(key)

    def accepts(self, checkpoint: Checkpoint) -> bool:
        """Whether the log's key has signed this."""
        try:
            self._key.verify(checkpoint.signature, checkpoint.signed)
        except InvalidSignature:
            return False
        return True


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
    """Write checkpoints at the end of a file, and to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        data = b"".join(checkpoint.line for checkpoint in checkpoints)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            data = b"\n" + data  # the last one was cut off while it was written: it must not spoil this one
        if os.write(descriptor, data) != len(data):
            raise OSError("the disk is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def _why(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is no key in PEM form"
