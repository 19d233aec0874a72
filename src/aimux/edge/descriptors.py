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

from aimux.core.reason import Failure, Reason
from aimux.edge.happy_eyeballs import new_socket

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE})
_MOST_FILES: Final = 32
_MOST_LINGERING: Final = 32
_LEAST_FOR_UPSTREAMS: Final = 16
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
        files = min(_MOST_FILES, limit // 8)
        lingering = min(_MOST_LINGERING, limit // 8)
        upstreams = limit - files
        return cls(limit, upstreams - lingering - max(_LEAST_FOR_UPSTREAMS, limit // 8), upstreams, lingering)

    @classmethod
    def of_this_process(cls) -> "Descriptors":
        """The shares of the limit in force now."""
        return cls.within(soft_limit())

    def new_socket(self, family: int) -> socket.socket:
        """A non-blocking socket to an upstream. Raises OSError: EMFILE where the rest is for files."""
        made = new_socket(family)
        if made.fileno() >= self.upstreams:
            made.close()
            raise OSError(errno.EMFILE, f"{os.strerror(errno.EMFILE)}: the rest of {self.limit} is kept for files")
        return made

    @property
    def exhausted(self) -> bool:
        """Whether no socket to an upstream could be opened now."""
        try:
            self.new_socket(socket.AF_INET).close()
        except OSError as error:
            return error.errno in EXHAUSTED
        return False


def out_of_descriptors(detail: str) -> Failure:
    """The refusal of a request for which no descriptor is left. `detail` is for the operator."""
    message = "the gateway has no file descriptor left for this: try again"
    return Failure(Reason.OUT_OF_DESCRIPTORS, message, detail)


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


def shortage(max_connections: int, limit: int) -> str | None:
    """What an operator is told where `server.max_connections` cannot be reached; None where it can.

    Each client needs a descriptor, and one more while its request is at an upstream.
    """
    needed = 2 * max_connections
    if needed <= limit:
        return None
    return (
        f"server.max_connections is {max_connections}, which takes {needed} file descriptors (one a client, one more "
        f"while its request is at an upstream), and the limit of this process is {limit}: raise it (ulimit -Hn, "
        f"LimitNOFILE=), or set server.max_connections to {limit // 2} or less"
    )
