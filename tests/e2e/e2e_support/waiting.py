"""Waiting for something to become true, with a deadline and never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE = 30.0
T = TypeVar("T")


def until(probe: Callable[[], T], what: str, deadline: float = DEADLINE) -> T:
    """The first true value of `probe`; AssertionError where none comes in time."""
    end = time.monotonic() + deadline
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(0.005)
