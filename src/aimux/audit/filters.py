"""Which requests a reader wants to see: the filters of commands and endpoints alike, read from what people write."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aimux.audit.entry import NO_ROUTE, agent_of, is_refusal
from aimux.audit.format.field import Fields

REFUSED: Final = "refused"
_AGO: Final = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NAMES: Final = ("agent", "route", "verdict", "text", "request_id", "trace_id")


class FilterError(ValueError):
    """A filter cannot be read. The message says what to write."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a request must be; None lets everything through. `verdict` may be `refused`, for every refusal.

    Moments are in seconds since the epoch, `since` included and `until` not. `text` is looked for anywhere in the text,
    whatever its case.
    """

    agent: str | None = None
    route: str | None = None
    verdict: str | None = None
    text: str | None = None
    request_id: str | None = None
    trace_id: str | None = None
    since: float | None = None
    until: float | None = None

    def admits(self, decision: Fields, verdict: str) -> bool:
        """Whether a request passes that was decided so and has, as of now, this verdict. Moments are not looked at."""
        return self.concern(decision) and self.take(verdict)

    def concern(self, decision: Fields) -> bool:
        """Whether a request that was decided so may pass, whatever its verdict becomes. Moments are not looked at."""
        found = {
            "agent": agent_of(decision),
            "route": decision["route"] or NO_ROUTE,
            "request_id": decision["request_id"],
            "trace_id": decision["trace_id"],
        }
        if any(found[name] != value for name, value in self.names.items()):
            return False
        return self.text is None or self.text.casefold() in (decision["text"] or "").casefold()

    def take(self, verdict: str) -> bool:
        """Whether a request may pass that has this verdict."""
        return self.verdict is None or _has_verdict(self.verdict, verdict)

    @property
    def names(self) -> dict[str, Any]:
        """Those that are compared as they are."""
        return {
            name: getattr(self, name)
            for name in ("agent", "route", "request_id", "trace_id")
            if getattr(self, name) is not None
        }


def _has_verdict(wanted: str, verdict: str) -> bool:
    return is_refusal(verdict) if wanted == REFUSED else wanted == verdict


def parse(given: Mapping[str, str], now: float) -> Filters:
    """The filters that were written, empty ones left out. Raises FilterError."""
    named = {name: given[name] for name in _NAMES if given.get(name)}
    moments = {name: moment(name, given[name], now) for name in ("since", "until") if given.get(name)}
    return Filters(**named, **moments)  # type: ignore[arg-type]


def moment(name: str, text: str, now: float) -> float:
    """A moment, in seconds since the epoch: a date and time, or a time ago, such as 15m. Raises FilterError."""
    if ago := _AGO.fullmatch(text):
        return now - int(ago.group(1)) * _SECONDS[ago.group(2)]
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise FilterError(
            f"{name} is no moment: write a time ago such as 30s, 15m, 24h or 7d, or one such as 2026-01-31T12:00:00Z"
        ) from error
