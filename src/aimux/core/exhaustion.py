"""Running out of file descriptors: told by an error's number, and refused as what it is."""

import errno
from typing import Final

from aimux.core.reason import Failure, Reason

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE})
"""Of this process (EMFILE), and of the whole system (ENFILE)."""
NO_DESCRIPTOR: Final = "the gateway has no file descriptor left for this request: try again"
_MOST_CAUSES: Final = 8


def is_exhaustion(error: BaseException) -> bool:
    """Whether an exception, or what caused it, says that no descriptor was left."""
    current: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if current is None:
            return False
        if isinstance(current, OSError) and current.errno in EXHAUSTED:
            return True
        current = current.__cause__ or current.__context__
    return False


def out_of_descriptors(detail: str) -> Failure:
    """The refusal of a request for which no descriptor is left. `detail` is for the operator."""
    return Failure(Reason.OUT_OF_DESCRIPTORS, NO_DESCRIPTOR, detail)
