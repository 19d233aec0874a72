"""Reading requests' heads within limits, and remembering short ones: a caller's requests mostly begin alike."""

from functools import lru_cache
from typing import Final

from aimux.wire.http1 import Head, HeadLimits, bad, find_head, parse_head

_MOST_REMEMBERED: Final = 512
_LONGEST_REMEMBERED: Final = 1024


class HeadReader:
    """Reads heads within limits, and remembers short ones with all that was worked out from them."""

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._remember = lru_cache(maxsize=_MOST_REMEMBERED)(self._read)

    def find(self, data: bytes | bytearray, seen: int) -> int:
        """Length of the head at the start of `data`, of which `seen` bytes are known; see `find_head`."""
        return find_head(data, self._limits, seen)

    def read(self, data: bytes) -> Head:
        """Read a whole head; see `parse_head`. Raises Failure for an expectation that is not met, too."""
        return self._remember(data) if len(data) <= _LONGEST_REMEMBERED else self._checked(data)

    def _read(self, data: bytes) -> Head:
        head = self._checked(data)
        head.remembered = True
        return head

    def _checked(self, data: bytes) -> Head:
        head = parse_head(data, self._limits)
        _check_expectation(head)
        return head


def _check_expectation(head: Head) -> None:
    value = head.single(b"expect")
    if value is not None and value.lower() != b"100-continue":
        raise bad("the only expectation that is met is 100-continue")
