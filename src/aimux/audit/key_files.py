"""The files of the log's key, held against the key that signs, and put back where they are the gateway's own."""

import os
from pathlib import Path
from typing import Final

from aimux.audit.errors import AuditError
from aimux.audit.incidents import Harm, Incident, Outcome
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import Signer
from aimux.audit.written import set_aside, stat_of

_NOT_OURS: Final = "put the key back: the gateway signs on with the old one, and does not start again with another"


class KeyFiles:
    """The private and the public file. `standing` says what is wrong with them now."""

    def __init__(self, settings: AuditSettings, signer: Signer) -> None:
        self.standing: list[str] = []
        self._signer = signer
        self._private, self._public = settings.key_file, settings.public_key_file
        self._is_own = settings.signing_key is None
        self._known = _state(self._private)

    def look(self) -> list[Incident]:
        """The harm that was done to the files since the last time. Raises OSError."""
        return [found for found in (self._look_at_private(), self._look_at_public()) if found is not None]

    def _look_at_private(self) -> Incident | None:
        state = _state(self._private)
        if state == self._known:
            return None
        harm = Harm.DELETED if state is None else Harm.REPLACED
        name = self._private.name
        if state is not None and self._is_same():
            self.standing, self._known = [], state
            return None
        if not self._is_own:
            self._known = state
            self.standing = [f"{name} is not the key that the gateway signs with"]
            return Incident(harm, name, Outcome.NOTED, advice=_NOT_OURS)
        kept = None if state is None else set_aside(self._private)
        self._signer.put(self._private)
        self._known = _state(self._private)
        return Incident(harm, name, Outcome.RESTORED, kept=kept)

    def _is_same(self) -> bool:
        try:
            return Signer.at(self._private, create=False).public_pem == self._signer.public_pem
        except AuditError:
            return False

    def _look_at_public(self) -> Incident | None:
        try:
            found: bytes | None = self._public.read_bytes()
        except FileNotFoundError:
            found = None
        if found == self._signer.public_pem:
            return None
        harm = Harm.DELETED if found is None else Harm.CHANGED
        kept = None if found is None else set_aside(self._public)
        self._signer.put_public(self._public)
        return Incident(harm, self._public.name, Outcome.RESTORED, kept=kept)


def _state(path: Path) -> tuple[int, int, int, int] | None:
    found: os.stat_result | None = stat_of(path)
    return None if found is None else (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
