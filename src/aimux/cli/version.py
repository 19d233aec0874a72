"""`aimux version`."""

from aimux import __version__
from aimux.cli import console


def version() -> int:
    """Print the version."""
    console.line(f"aimux {__version__}")
    return 0
