"""`aimux demo`: plays the story of a small mesh and says whether everything came out as it should."""

from rich.console import Console

from aimux.demo.report import Lines, Machine, Report, Tables
from aimux.demo.show import show


def demo(as_json: bool) -> int:
    """Play the story; the exit code."""
    return show(_report(Console(), as_json=as_json))


def _report(console: Console, *, as_json: bool) -> Report:
    if as_json:
        return Machine()
    return Tables(console) if console.is_terminal and console.width >= Tables.NARROWEST else Lines()
