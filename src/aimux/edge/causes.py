"""Why an upstream failed, in the words of the system, for the log and the audit record. Callers never see it.

Whatever an upstream or a resolver controls is bounded in length and escaped.
"""

import errno
import ssl
from collections.abc import Sequence
from typing import Final

from aimux.edge.happy_eyeballs import Attempt

_MOST_ATTEMPTS: Final = 5
_LONGEST: Final = 120


def os_error(error: OSError) -> str:
    """An error of the system, as in `ECONNREFUSED (Connection refused)`."""
    if isinstance(error, ssl.SSLError) or error.errno is None:
        return f"{type(error).__name__} ({escaped(str(error))})" if str(error) else type(error).__name__
    return f"{errno.errorcode.get(error.errno, error.errno)} ({escaped(error.strerror or '')})"


def ended_by(error: Exception | None) -> str:
    """How a connection ended, from what its transport says of it."""
    if error is None:
        return "it was closed"
    return os_error(error) if isinstance(error, OSError) else f"{type(error).__name__} ({escaped(str(error))})"


def attempts(tried: Sequence[Attempt]) -> str:
    """Each address that was tried and what became of it."""
    shown = [_attempt(attempt) for attempt in tried[:_MOST_ATTEMPTS]]
    more = len(tried) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def escaped(text: str) -> str:
    """A text of another's in printable ASCII, and not too long."""
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    return shown.encode("unicode_escape").decode("ascii")


def _attempt(attempt: Attempt) -> str:
    return f"{attempt.address}: {'no answer' if attempt.error is None else os_error(attempt.error)}"
