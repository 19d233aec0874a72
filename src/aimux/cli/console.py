"""What every command prints with: results on standard output, problems on standard error, colours on terminals only."""

import os
import sys
import threading
from contextlib import suppress
from typing import Final, TextIO

_LAST_WORDS: Final = 2.0


def line(text: str = "") -> None:
    """Print one line of a result."""
    print(text)


def problem(text: str) -> None:
    """Print one line of what went wrong."""
    _styled(text, sys.stderr, "red")


def note(text: str) -> None:
    """Print one line that is worth knowing beside the result."""
    _styled(text, sys.stderr, "yellow")


def success(text: str) -> None:
    """Print one line that says that all is well."""
    _styled(text, sys.stdout, "green")


def last_words(text: str) -> None:
    """Print one line of what went wrong, and wait two seconds at most until it is taken.

    A service whose standard error leads to a reader that has stalled ends all the same.
    """
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # there is none, or something in memory stands for it
        problem(text)
        return
    data = _rendered(text, sys.stderr, "red").encode("utf-8", "backslashreplace")

    def write() -> None:
        left = data
        with suppress(OSError):
            while left:
                left = left[os.write(descriptor, left) :]  # no buffer: its lock would hold up the end of the process

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    thread.join(_LAST_WORDS)


def _styled(text: str, stream: TextIO | None, colour: str) -> None:
    if stream is not None:  # closed when the process began
        print(_rendered(text, stream, colour), end="", file=stream)


def _rendered(text: str, stream: TextIO, colour: str) -> str:
    """The line, in colour on a terminal. Elsewhere rich is not loaded: commands that scripts call start faster."""
    if not stream.isatty():
        return f"{text}\n"
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=True)
    with console.capture() as captured:
        console.print(Text(text, style=colour))
    return captured.get()
