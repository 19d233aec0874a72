"""The log's key: its private half signs checkpoints, its public half tells whether it did."""

import os
import secrets
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
from aimux.audit.checkpoints import Checkpoint
from aimux.audit.errors import AuditError

KEY: Final = "signing-key.pem"
PUBLIC_KEY: Final = "signing-key.pub.pem"


class Signer:
    """Signs checkpoints with the log's key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def at(cls, path: Path, *, create: bool) -> "Signer":
        """The signer with the key in a PEM file, which is made where it may be.

        Raises AuditError where it is no such key, and OSError where it cannot be made.
        """
        if create and not path.exists():
            _create(path)
        try:
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

    @property
    def verifier(self) -> "Verifier":
        """What checks its signatures."""
        return Verifier(self._key.public_key())

    def put(self, path: Path) -> None:
        """Write the private key to a file that only its owner reads; one that is there stays. Raises OSError."""
        _put_whole(path, self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def put_public(self, path: Path) -> bool:
        """Write the public half where the file does not hold it already; whether it was written. Raises OSError."""
        if path.exists() and path.read_bytes() == self.public_pem:
            return False
        made = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        made.write_bytes(self.public_pem)
        made.replace(path)
        return True

    def sign(self, origin: str, chain: int, head: Head, at: str) -> Checkpoint:
        """A signed checkpoint."""
        bare = Checkpoint(origin, chain, head.count, head.digest, at)
        return Checkpoint(origin, chain, head.count, head.digest, at, self._key.sign(bare.signed))


def _create(path: Path) -> None:
    Signer(Ed25519PrivateKey.generate()).put(path)


def _put_whole(path: Path, pem: bytes) -> None:
    # Written apart and put in place whole: several workers may come here at once, and one of them wins.
    made = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
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


def _why(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "it is no key in PEM form"
