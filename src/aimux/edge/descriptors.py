"""File descriptors: how many this process may have, and who is refused when they run out.

The kernel gives out the lowest free number, so that the number of a new socket tells that at least as many are taken.
No count is kept: whatever opens a file counts.
"""

import errno
import os
import resource
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aimux.core.exhaustion import EXHAUSTED
from aimux.edge.happy_eyeballs import new_socket

LEAST: Final = 64
"""The least limit that a gateway starts with: it has about twenty descriptors open before anybody connects."""
_AT_REST: Final = 32
"""More than a gateway has open before anybody connects."""
_MOST_FILES: Final = 32
_MOST_LINGERING: Final = 32
_ANY: Final = 1
"""Standard output, which the log is written to: a descriptor that is always there."""
_UNLIMITED: Final = 1 << 30
"""Stands for no limit: no process has as many."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The limit of this process, and how it is shared out.

    `clients` and `upstreams` are the first numbers that a socket to a client, or to an upstream, may not have. What
    lies between the two is for connections to the upstreams of accepted clients, and for clients that are refused, of
    which at most `lingering` stay open. What lies above is for files: audit log, certificates, name resolution.
    """

    limit: int
    clients: int
    upstreams: int
    lingering: int

    @classmethod
    def within(cls, limit: int) -> "Descriptors":
        """The shares of a limit."""
        lingering = min(_MOST_LINGERING, limit // 8)
        upstreams = limit - min(_MOST_FILES, limit // 8)
        return cls(limit, upstreams - lingering - limit * 3 // 8, upstreams, lingering)

    @classmethod
    def of_this_process(cls) -> "Descriptors":
        """The shares of the limit in force now."""
        return cls.within(soft_limit())

    def new_socket(self, family: int) -> socket.socket:
        """A non-blocking socket to an upstream. Raises OSError: EMFILE where the rest is for files."""
        made = new_socket(family)
        if made.fileno() >= self.upstreams:
            made.close()
            raise OSError(errno.EMFILE, self._kept)
        return made

    def check(self) -> None:
        """Raise OSError where no socket to an upstream could be opened now: EMFILE where the rest is for files."""
        try:
            number = os.dup(_ANY)
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise
            return  # it is closed after all, and tells nothing
        os.close(number)
        if number >= self.upstreams:
            raise OSError(errno.EMFILE, self._kept)

    @property
    def _kept(self) -> str:
        return f"{os.strerror(errno.EMFILE)}: the rest of {self.limit} is kept for files"

    @property
    def exhausted(self) -> bool:
        """Whether no socket to an upstream could be opened now."""
        try:
            self.check()
        except OSError as error:
            return error.errno in EXHAUSTED
        return False


def soft_limit() -> int:
    """How many descriptors this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNLIMITED if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> int:
    """Raise the soft limit to the hard one, as far as the system allows; the limit in force then."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS refuses more than it has for a process, though its hard limit is none
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft_limit()


def shortages(max_connections: int, limit: int | None = None) -> tuple[str, ...]:
    """What an operator is told where `server.max_connections` cannot be reached within the limit; nothing where it can.

    Each client needs a descriptor, and one more while its request is at an upstream. With several workers each has as
    many connections, and its own limit.
    """
    limit = soft_limit() if limit is None else limit
    fits = max(1, min(limit // 2, Descriptors.within(limit).clients - _AT_REST))
    if max_connections <= fits:
        return ()
    text = (
        f"server.max_connections is {max_connections}, which takes {2 * max_connections} file descriptors (one a "
        f"client, one more while its request is at an upstream) and some for files, and a process may have {limit}: "
        f"raise the hard limit (LimitNOFILE= of systemd, ulimit -Hn), or set server.max_connections to {fits} or less"
    )
    return (text,)
