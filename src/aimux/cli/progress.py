"""How far a command has come that takes minutes: on standard error, and only where that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[str], None]


@contextmanager
def progress(begin: str) -> Iterator[Report]:
    """Shows one line that says how far it is, from `begin` on, and leaves nothing of it behind."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as line:
        task = line.add_task(begin, total=None)
        yield lambda text: line.update(task, description=text)
