"""Real clients at a real gateway: `python -m clients.run` from the root. docs/clients.md has what their users see."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


class ClientsError(Exception):
    """The clients cannot be run. The message says what to do."""
