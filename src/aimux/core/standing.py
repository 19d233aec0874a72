"""The standing: what the decision is made by that changes while the gateway runs, as it stands at one moment."""

import hashlib
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Standing:
    """A frozen view of the state of a running gateway. Nothing changes at run time yet, so it holds nothing."""

    @property
    def digest(self) -> str:
        """SHA-256 of what it holds, 64 hexadecimal digits: records name it."""
        return _NOTHING


_NOTHING: Final = hashlib.sha256(b"{}").hexdigest()
INITIAL: Final = Standing()
"""The standing of a gateway in which nothing has been changed."""
