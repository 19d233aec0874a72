"""The key that signs the old log: derived from a constant, so that the log can be continued and no key is kept."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# Known to everybody who reads this: it protects nothing, and signs nothing but test data.
_SEED = b"the signing key of a test's data"


def write_key(path: Path) -> Path:
    """Write the private key as PEM, readable by its owner only, for `audit.signing_key`."""
    key = Ed25519PrivateKey.from_private_bytes(_SEED)
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path
