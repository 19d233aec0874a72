"""Records that are missing from a chain: where the chain stood behind them, and which record tells of it."""

from dataclasses import dataclass, field
from typing import Final

from aimux.audit.chain import Head
from aimux.audit.format.reading import number_in, parse

_LOST: Final = b',"kind":"lost",'


@dataclass(frozen=True, slots=True)
class Gap:
    """Records `first` to `last` are missing before the line at `place`."""

    first: int
    last: int
    place: str
    why: str


@dataclass(slots=True)
class Gaps:
    """The gaps of one chain, and what its records tell of gaps."""

    found: list[Gap] = field(default_factory=list)
    _told: dict[tuple[int, int], int] = field(default_factory=dict)

    def hear(self, head: Head, raw: bytes) -> None:
        """Note what a record tells of; `head` is where the chain stands with it."""
        if _LOST not in raw:
            return
        fields = parse(raw) or {}
        first, last = number_in(fields, "first"), number_in(fields, "last")
        if first is not None and last is not None:
            self._told[first, last] = head.count

    def why(self, gap: Gap) -> str:
        """What is wrong, with the number of the record in which the gateway told of it."""
        teller = self._told.get((gap.first, gap.last))
        return gap.why if teller is None else f"{gap.why}; record {teller} tells of it"

    def teller_of(self, last: int) -> int | None:
        """The number of the record that tells that the records up to this one, the oldest ones, are gone."""
        return next((teller for (_, until), teller in self._told.items() if until == last), None)
