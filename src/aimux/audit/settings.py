"""What an audit log is opened with."""

from dataclasses import dataclass
from pathlib import Path

from aimux.audit.signing import KEY, PUBLIC_KEY

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """Where the log is, what is written into it, how safely, and how long it is kept. Sizes in bytes, times in seconds.

    `chains` is how many chains share `keep_bytes`. `trim_share` is the part of a chain that may go for its age at once.
    """

    path: Path
    always: bool = False
    text: str = "excerpt"
    excerpt: int = 200
    segment_bytes: int = 64 * 1024 * 1024
    keep_seconds: float = 90 * _DAY
    keep_bytes: int = 10 * 1024 * 1024 * 1024
    trim_share: float = 0.01
    checkpoint_interval: float = 10.0
    checkpoint_to: Path | None = None
    signing_key: Path | None = None
    hidden_headers: tuple[str, ...] = ()
    hidden_fields: tuple[str, ...] = ()
    chains: int = 1

    @property
    def key_file(self) -> Path:
        """The private key; a key that was not configured is made in the log's folder."""
        return self.signing_key or self.path / KEY

    @property
    def public_key_file(self) -> Path:
        """Where the public half is put, for who verifies."""
        return self.path / PUBLIC_KEY
