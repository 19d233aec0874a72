"""Incidents: what others did to the files of a log, what became of it, and the record that says so."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Harm(StrEnum):
    """What was done to a file."""

    RENAMED = "renamed"
    DELETED = "deleted"
    REPLACED = "replaced"
    TRUNCATED = "truncated"
    WRITTEN = "written_into"
    CHANGED = "changed"


class Outcome(StrEnum):
    """What became of it. Only the first two leave a record of this kind."""

    RESTORED = "restored"
    LOST = "lost"
    NOTED = "noted"


_VERIFY: Final = "run `aimux audit verify`"


@dataclass(frozen=True, slots=True)
class Incident:
    """One file of a chain that was not as the gateway had left it.

    `first` and `last` are the records that were put back or are missing, None for a file without records. `kept` names
    the file that holds what others wrote. `stops` tells that the gateway must not go on. `advice` says what to do.
    """

    harm: Harm
    file: str
    outcome: Outcome
    first: int | None = None
    last: int | None = None
    kept: str | None = None
    stops: bool = False
    advice: str = ""

    @property
    def fields(self) -> dict[str, str | int | None]:
        """The fields of its record besides the time."""
        return {"file": self.file, "harm": self.harm, "first": self.first, "last": self.last, "kept": self.kept}

    @property
    def message(self) -> str:
        """The incident in a sentence for the log."""
        done = f"{self.file} was {_WORDS[self.harm]} by another process"
        kept = "" if self.kept is None else f"; what others wrote is in {self.kept}"
        advice = f"; {self.advice}" if self.advice else ""
        if self.outcome is Outcome.RESTORED:
            whole = "" if self.first is None else f" with records {self.first} to {self.last}"
            return f"{done}, and is put back{whole}{kept}{advice}"
        if self.outcome is Outcome.LOST:
            return f"{done}, and {missing(self.first, self.last)}{kept}{advice or f'; {_VERIFY}'}"
        return f"{done}{kept}{advice}"


_WORDS: Final = {harm: harm.value.replace("_", " ") for harm in Harm}


def missing(first: int | None, last: int | None) -> str:
    """Which records are missing, in words."""
    return f"record {first} is missing" if first == last else f"records {first} to {last} are missing"
