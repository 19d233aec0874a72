"""What can be wrong with routes: how bad it is, which routes and texts, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error lets traffic cross from one group of callers to another; a note is only good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Code(StrEnum):
    """What was found. These words stay: scripts compare them."""

    OVERLAP = "overlap"
    NEAR_DUPLICATE = "near-duplicate"
    NEARER_TO_ANOTHER = "nearer-to-another-route"
    LIKELY_AMBIGUOUS = "likely-ambiguous"
    CANNOT_WIN = "cannot-win"
    OUT_OF_REACH = "min-score-out-of-reach"
    EVERYDAY = "attracts-everyday-texts"
    FEW_INTENTS = "too-few-intents"
    BY_NAME_ONLY = "by-name-only"
    OTHER_MODEL = "thresholds-of-another-model"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one route, or between two, or with the thresholds of all.

    `texts` are up to two, of the routes or of those that come in; `similarity` is that of the two. `route` and `intent`
    are the numbers, in the configuration, of what the finding is about; `route` is None for `thresholds_model`.
    """

    severity: Severity
    code: Code
    routes: tuple[str, ...]
    texts: tuple[str, ...]
    similarity: float | None
    message: str
    remedy: str
    route: int | None
    intent: int | None = None

    def __str__(self) -> str:
        return f"{self.severity}: {self.code}: {self.message}; {self.remedy}"


def quoted(text: str) -> str:
    """A text as a message shows it: quoted and shortened."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:59]}…"'
