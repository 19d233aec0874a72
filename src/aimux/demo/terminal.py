"""Notices that a program has lost its terminal, the reader of its output or its parent.

The kernel sends SIGHUP to some of a terminal's processes only: to the session leader, and to the foreground job when
the leader ends. GNU make as session leader waits for its children instead of ending, and a connection of ssh without a
terminal ends with no signal at all.
"""

import os
import select
import signal
import stat
import threading
from collections.abc import Iterable

POLL_SECONDS = 1.0
"""How often the parent is looked at. Terminals and pipes are waited for, and noticed at once."""

_STDOUT = 1
_LOST = select.POLLHUP | select.POLLERR | select.POLLNVAL


def hang_up_with_starter() -> None:
    """Send this process SIGHUP once its terminal is closed, the reader of its output is gone, or its parent has ended.

    Nothing is watched where SIGHUP is ignored: `nohup` asks for that.
    """
    if not is_nohup():
        threading.Thread(target=_watch, args=(tuple(_watched()), os.getppid()), daemon=True).start()


def is_nohup() -> bool:
    """Whether this process was started with SIGHUP ignored, and so is to outlive its terminal."""
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def _watched() -> Iterable[int]:
    """The standard streams that are terminals, and standard output where it is a pipe or a socket."""
    for number in (0, 1, 2):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        if os.isatty(number) or (number == _STDOUT and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode))):
            yield number


def _watch(streams: Iterable[int], parent: int) -> None:
    poll = select.poll()
    for number in streams:
        poll.register(number, 0)  # no event is asked for: hang-ups and errors are always reported
    while os.getppid() == parent:
        if any(event & _LOST for _, event in poll.poll(POLL_SECONDS * 1000)):
            break
    os.kill(os.getpid(), signal.SIGHUP)
