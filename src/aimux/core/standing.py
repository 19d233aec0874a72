"""The standing: what the decision is made by that changes while the gateway runs, as it stands at one moment."""

import hashlib
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Standing:
    """A frozen view of the state of a running gateway. Nothing that decides changes at run time yet.

    `version` is the version of the state that it was taken from; two of the same content decide alike, whatever theirs.
    """

    version: int = field(default=0, compare=False)

    @property
    def digest(self) -> str:
        """SHA-256 of what it holds, 64 hexadecimal digits: records name it. The version is no part of it."""
        return _NOTHING


_NOTHING: Final = hashlib.sha256(b"{}").hexdigest()
INITIAL: Final = Standing()
"""The standing of a gateway in which nothing has been changed."""
