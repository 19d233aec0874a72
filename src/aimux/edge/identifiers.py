"""Random identifiers of requests and spans, in lower-case hexadecimal digits."""

import os
from typing import Final

_REQUEST: Final = 32
_SPAN: Final = 16
_STRIDE: Final = _REQUEST + _REQUEST + _SPAN
_DRAWN_AT_ONCE: Final = 64
# Some clients take an error's text for that of a rate limit wherever these digits stand in it, and wait for minutes.
_MISREAD: Final = "429"

Drawn = tuple[str, str, str]


class Identifiers:
    """Draws them from the kernel, many at a time, so that requests share the cost of a call."""

    def __init__(self) -> None:
        self._drawn: list[Drawn] = []

    def draw(self) -> Drawn:
        """A new request id, trace id and span id; no two draws share a digit. No request id holds "429"."""
        while not self._drawn:
            self._drawn = drawn_from(os.urandom(_DRAWN_AT_ONCE * _STRIDE // 2).hex())
        return self._drawn.pop()


def drawn_from(digits: str) -> list[Drawn]:
    """The identifiers that random digits give. Those with a request id that could be misread are dropped whole."""
    return [
        (
            digits[at : at + _REQUEST],
            digits[at + _REQUEST : at + 2 * _REQUEST],
            digits[at + 2 * _REQUEST : at + _STRIDE],
        )
        for at in range(0, len(digits), _STRIDE)
        if _MISREAD not in digits[at : at + _REQUEST]
    ]
