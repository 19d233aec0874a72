"""Counters of an audit log."""

from collections import Counter
from dataclasses import dataclass, field

from aimux.audit.incidents import Harm, Outcome


@dataclass(slots=True)
class Counts:
    """Records, requests that left none, checkpoints that could not be noted, and what others did to the files."""

    records: int = 0
    unrecorded: int = 0
    checkpoint_failures: int = 0
    incidents: Counter[tuple[Outcome, Harm]] = field(default_factory=Counter)
