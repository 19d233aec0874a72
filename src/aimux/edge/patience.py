"""How slow a client may be: by when a body has to come on, and how long a response waits to be read."""

from typing import Final

_SLOWEST_BODY: Final = 512  # bytes a second: a body that trickles slower than this, on average, is cut
_SLOWEST_READER: Final = 1024  # the same for a response that waits to be read
_LOOKS: Final = 8
LINGER: Final = 2.0  # seconds that a client has to close the connection after an answer that ends it
_NOT_LOOKED: Final = -1


def body_deadline(began: float, received: int, now: float, timeout: float) -> float:
    """By when more of a body must come, of which `received` bytes came since `began`; moments on one clock."""
    return min(now, began + received / _SLOWEST_BODY) + timeout


class Discarded:
    """What a client sends of a body that nobody wants any more, from `since` on; `size` is the number of bytes.

    It is read all the same, since closing over unread bytes would reset the connection under the answer. It may take as
    long as a wanted body, and after `most` bytes no longer than the client of any other last answer.
    """

    __slots__ = ("_most", "_since", "_timeout", "size")

    def __init__(self, since: float, timeout: float, most: int) -> None:
        self._since = since
        self._timeout = timeout
        self._most = most
        self.size = 0

    def deadline(self, now: float) -> float:
        """By when more must come, or the connection's end; a moment on the clock of `since`."""
        soon = self._since + LINGER
        return soon if self.size > self._most else max(soon, body_deadline(self._since, self.size, now, self._timeout))


class Unsent:
    """What waits to be read by a client, looked at several times within `timeout` seconds."""

    __slots__ = ("_bytes", "_since", "_timeout")

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._bytes = _NOT_LOOKED
        self._since: float | None = None

    def watch(self, now: float) -> float:
        """Something waits from now on; the seconds until the first look."""
        self._bytes = _NOT_LOOKED
        self._since = now
        return self._timeout / _LOOKS

    def forget(self) -> None:
        """The client keeps up."""
        self._since = None

    def look(self, unsent: int, now: float) -> float:
        """The seconds until the next look. None are left for who reads nothing, or so little that it only seems to."""
        if self._since is None:
            return self.watch(now)
        if self._bytes == _NOT_LOOKED:  # what the kernel has taken until now is no progress of the client's
            self._bytes = unsent
        left = self._since + self._timeout + (self._bytes - unsent) / _SLOWEST_READER - now
        return min(left, self._timeout / _LOOKS)
