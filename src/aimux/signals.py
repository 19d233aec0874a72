"""Signals of the gateway's processes from their first line to their last: none is lost early, and SIGHUP kills none.

It loads nothing but `signal`, so that it can come before everything else.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_ALL: Final = (signal.SIGHUP, *STOPPING)


class _Remembered:
    """Whether a SIGHUP came before anybody could act on it."""

    hangup = False


def hold() -> None:
    """Remember SIGHUP until `handle` is called; end at once, with exit code 0, on SIGTERM and SIGINT.

    For a process that is starting and has nothing to drain.
    """
    for number in STOPPING:
        signal.signal(number, _leave)
    signal.signal(signal.SIGHUP, _remember)


def handle(reload: Callable[[], None], stop: Callable[[int], None]) -> None:
    """From now on call `reload` on SIGHUP and `stop` on the other two, in the main thread between two instructions.

    `reload` is called now where a SIGHUP was remembered.
    """
    signal.signal(signal.SIGHUP, lambda _, __: reload())
    for number in STOPPING:
        signal.signal(number, lambda received, _: stop(received))
    if _Remembered.hangup:
        _Remembered.hangup = False
        reload()


@contextmanager
def kept_from_children() -> Iterator[None]:
    """Start a child process with all three blocked, until it calls `begin_as_child`. Here they wait as long."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_as_child(ignored: Sequence[signal.Signals]) -> None:
    """In a child process: ignore these, end at once with exit code 0 on the others, and let in what has waited."""
    for number in _ALL:
        signal.signal(number, signal.SIG_IGN if number in ignored else _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ALL)


def _remember(_: int, __: FrameType | None) -> None:
    _Remembered.hangup = True


def _leave(_: int, __: FrameType | None) -> None:
    os._exit(0)  # nothing has been opened that would have to be closed
