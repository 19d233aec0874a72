"""Bounds of the log of changes of watched spaces."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """A space keeps its newest `most` changes, and of these what is younger than `age` seconds."""

    most: int = 20_000
    age: float = 3600.0

    def is_old(self, at: float, now: float, kept: int) -> bool:
        """Whether the oldest of `kept` changes, made at `at`, is to go."""
        return kept > self.most or at <= now - self.age
