"""The operations on an entry: pure rules that every store carries out alike."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from aimux.state.store import (
    MAX_NAME,
    MAX_VALUE,
    Lease,
    NotACounterError,
    SetConflict,
    SetDone,
    Stored,
    StoredCounter,
)

T = TypeVar("T")

LEASES: Final = "leases"
"""The space of leases: the key is a lease's name, the value its holder."""
_LONGEST: Final = 100 * 365 * 86400.0
_NUMBER: Final = re.compile(rb"0|-?[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Setting:
    """The new content of an entry: a value until a moment, or nothing (`value` None)."""

    value: bytes | None
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Ruled(Generic[T]):
    """The change to make, if any, and the answer once the version of that change is known."""

    setting: Setting | None
    answer: Callable[[int], T]


class Operation(Protocol[T]):
    """One operation on one entry."""

    @property
    def space(self) -> str: ...

    @property
    def key(self) -> str: ...

    def rule(self, found: Stored | None, now: float) -> Ruled[T]:
        """Its effect on the entry that is there (None: none, or an expired one) at a moment, in seconds."""


@dataclass(frozen=True, slots=True)
class CompareAndSet:
    """Set or remove an entry where its version is the expected one."""

    space: str
    key: str
    value: bytes | None
    expected: int | None
    ttl: float | None

    def __post_init__(self) -> None:
        check_names(self.space, self.key)
        check_ttl(self.ttl)
        if self.value is None and self.expected is None:
            raise ValueError("to remove an entry takes the version that it is expected to have")
        if self.value is not None and len(self.value) > MAX_VALUE:
            raise ValueError(f"a value has at most {MAX_VALUE} bytes")

    def rule(self, found: Stored | None, now: float) -> Ruled[SetDone | SetConflict]:
        """Sets or removes, or changes nothing."""
        if (None if found is None else found.version) != self.expected:
            return Ruled(None, lambda _: SetConflict(found))
        return Ruled(Setting(self.value, _moment(now, self.ttl)), SetDone)


@dataclass(frozen=True, slots=True)
class Add:
    """Add an amount to a counter."""

    space: str
    key: str
    amount: int
    ttl: float | None

    def __post_init__(self) -> None:
        check_names(self.space, self.key)
        check_ttl(self.ttl)

    def rule(self, found: Stored | None, now: float) -> Ruled[StoredCounter]:
        """The counter goes on, with its moment, or begins. Raises NotACounterError."""
        before = 0
        if found is not None:
            if not _NUMBER.fullmatch(found.value):
                raise NotACounterError("the entry is no counter")
            before = int(found.value)
        value = before + self.amount
        if not -(2**63) <= value < 2**63:
            raise NotACounterError("the counter would leave the range of 64 bits")
        expires = _moment(now, self.ttl) if found is None else found.expires
        return Ruled(Setting(b"%d" % value, expires), lambda version: StoredCounter(value, version, expires))


@dataclass(frozen=True, slots=True)
class TakeLease:
    """Have a lease for a time; `renewing`: only where the holder has it still."""

    key: str
    holder: str
    seconds: float
    renewing: bool = False
    space: str = LEASES

    def __post_init__(self) -> None:
        check_names(self.key, self.holder)
        check_ttl(self.seconds)

    def rule(self, found: Stored | None, now: float) -> Ruled[Lease]:
        """Grants it, or says who holds it."""
        mine = self.holder.encode()
        if found is not None and found.value != mine:
            held = Lease(False, found.value.decode(errors="replace"), found.expires or math.inf, found.version)
            return Ruled(None, lambda _: held)
        if found is None and self.renewing:
            return Ruled(None, lambda version: Lease(False, None, now, version))
        expires = now + self.seconds
        return Ruled(Setting(mine, expires), lambda version: Lease(True, self.holder, expires, version))


@dataclass(frozen=True, slots=True)
class ReleaseLease:
    """Give a lease back."""

    key: str
    holder: str
    space: str = LEASES

    def __post_init__(self) -> None:
        check_names(self.key, self.holder)

    def rule(self, found: Stored | None, now: float) -> Ruled[bool]:  # noqa: ARG002  (the moment is for others)
        """Removes it for its holder alone."""
        if found is None or found.value != self.holder.encode():
            return Ruled(None, lambda _: False)
        return Ruled(Setting(None), lambda _: True)


def standing_at(entry: Stored | None, now: float) -> Stored | None:
    """The entry as operations see it: one that has expired does not exist."""
    return None if entry is None or (entry.expires is not None and entry.expires <= now) else entry


def next_version(last: int, now: float) -> int:
    """The version of the change after `last`. The clock keeps it from coming twice where older contents come back."""
    return max(last + 1, int(now * 1_000_000))


def check_names(*names: str) -> None:
    """Raises ValueError for a name that is empty, too long or no text."""
    for name in names:
        if not 0 < len(name.encode()) <= MAX_NAME:  # UnicodeEncodeError is a ValueError
            raise ValueError(f"a name of the state has 1 to {MAX_NAME} bytes")


def check_ttl(ttl: float | None) -> None:
    """Raises ValueError for a time to live that is no positive number, or beyond 100 years."""
    if ttl is not None and not 0 < ttl <= _LONGEST:
        raise ValueError("a time to live is a positive number of seconds, at most 100 years")


def _moment(now: float, ttl: float | None) -> float | None:
    return None if ttl is None else now + ttl
