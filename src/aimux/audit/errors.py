"""What can be wrong with an audit log, said so that an operator knows what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AuditError(Exception):
    """The audit log cannot be used as it is. The message says why and what to do."""


class UnreadableError(AuditError):
    """The log or its index cannot be read now."""


@contextmanager
def reading(log: Path) -> Iterator[None]:
    """Whatever the disk says while this log is read becomes an UnreadableError."""
    try:
        yield
    except FileNotFoundError as error:
        raise UnreadableError(
            f"a file of the audit log was removed while it was read: try again in a moment ({error.filename or log})"
        ) from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UnreadableError(f"the audit log cannot be read: {why} ({error.filename or log})") from error
