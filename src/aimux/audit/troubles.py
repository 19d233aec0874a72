"""What can stop a log, and what callers are told of it. The reasons in full are for the operator's log and status."""

from enum import Enum
from typing import Final

from aimux.audit.commit import OBSTACLE


class Trouble(Enum):
    """Why nothing may be forwarded now. The values are what callers are told."""

    WRITE = OBSTACLE
    DISK = f"{OBSTACLE} until it is restarted"
    MOVED = "the folder of the gateway's audit log cannot be reached where it was, and nothing is served until it can"
    LOST = "records are missing from the gateway's audit log, and nothing is served until it is restarted"
    TAKEN = "another gateway writes this gateway's audit log, and nothing is served until it is restarted"


SILENT: Final = frozenset({Trouble.DISK, Trouble.TAKEN})
"""Those under which nothing more is written to the files."""
