"""What can be wrong with routes and guards: how bad it is, which of them and which texts, and what to do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from aimux.core.policy import Policy

FEW_INTENTS: Final = 2
"""Up to here the centroid of a route or guard lies on its intents, and says nothing of what they have in common."""

ADVISED: Final = "five to ten"


class Severity(StrEnum):
    """An error lets traffic cross from one group of callers to another, or is not served at all.

    A note is only good to know.
    """

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
    FOR_NOBODY = "for-nobody"
    OTHER_MODEL = "thresholds-of-another-model"
    EMPTY_GROUP = "empty-group"
    UNUSED_GROUP = "unused-group"
    REFUSED = "refused-by-guard"
    REFUSES_NOBODY = "guard-refuses-nobody"
    UNREADABLE = "unreadable-intent"
    TOO_LONG = "too-long-intent"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one route, guard or group, or between two, or with the thresholds of all.

    `routes`, `guards` and `group` are names; `texts` are up to two, of those or of what comes in, and `similarity` is
    that of the two. `route` or `guard`, and `intent`, are the numbers, in the configuration, of what the finding is
    about; both are None for `thresholds_model` and for a group.
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
    guards: tuple[str, ...] = ()
    guard: int | None = None
    group: str | None = None

    @property
    def is_fatal(self) -> bool:
        """Whether no gateway serves a configuration that has it."""
        return self.severity is Severity.ERROR and self.code in {Code.UNREADABLE, Code.TOO_LONG}

    def __str__(self) -> str:
        return f"{self.severity}: {self.code}: {self.message}; {self.remedy}"


def quoted(text: str) -> str:
    """A text as a message shows it: quoted and shortened."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:59]}…"'


def below(score: float, least: float) -> str:
    """A score with two decimals, or so many more that it looks as far below a threshold as it is."""
    for digits in range(2, 8):
        shown = f"{score:.{digits}f}"
        if float(shown) < least:
            break
    return shown


@dataclass(frozen=True, slots=True)
class Shown:
    """The intents of each route and guard as messages may show them."""

    routes: Sequence[Sequence[str]]
    guards: Sequence[Sequence[str]]

    @classmethod
    def by(cls, display: Mapping[str, Any]) -> "Shown":
        """Those of a configuration of which this may be shown."""
        guards = display["semantic_engine"]["guards"]
        return cls([route["intents"] for route in display["routes"]], [guard["intents"] for guard in guards])

    @classmethod
    def of(cls, policy: Policy) -> "Shown":
        """All as they are."""
        return cls([route.intents for route in policy.routes], [guard.intents for guard in policy.guards])
