"""Random identifiers of requests and spans, in lower-case hexadecimal digits."""

import os
from typing import Final

_REQUEST: Final = 32
_SPAN: Final = 16
_STRIDE: Final = _REQUEST + _REQUEST + _SPAN
_DRAWN_AT_ONCE: Final = 64
# Some clients take an error's text for that of a rate limit wherever these digits stand in it, and wait for minutes.
_MISREAD: Final = "429"


class Identifiers:
    """Draws them from the kernel, many at a time, so that requests share the cost of a call."""

    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def draw(self) -> tuple[str, str, str]:
        """A new request id, trace id and span id; no two draws share a digit. No request id holds "429"."""
        at = self._at
        if at == len(self._digits):
            self._digits = os.urandom(_DRAWN_AT_ONCE * _STRIDE // 2).hex()
            at = 0
        self._at = at + _STRIDE
        digits, middle = self._digits, at + _REQUEST
        request_id = digits[at:middle]
        if _MISREAD in request_id:  # one in 137 is dropped, with all that was drawn beside it
            return self.draw()
        return request_id, digits[middle : middle + _REQUEST], digits[middle + _REQUEST : self._at]
