"""What every command prints with: results on standard output, problems on standard error, colours on terminals only."""

import sys
from typing import TextIO


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


def _styled(text: str, stream: TextIO, colour: str) -> None:
    """Print in colour on a terminal. Elsewhere rich is not even loaded: commands that scripts call start faster so."""
    if not stream.isatty():
        print(text, file=stream)
        return
    from rich.console import Console
    from rich.text import Text

    Console(file=stream, highlight=False, soft_wrap=True).print(Text(text, style=colour))
