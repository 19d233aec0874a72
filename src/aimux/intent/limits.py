"""What texts may take of the model. Whoever reads a configuration needs this, also where no model is loaded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScorerLimits:
    """How many texts' scores are remembered, how many texts may wait for the model, and how long, in seconds."""

    cache_entries: int = 4096
    max_waiting: int = 256
    max_wait: float = 5.0
