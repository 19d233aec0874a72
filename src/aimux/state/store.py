"""The port of the state: what a store keeps, what can be asked of it, and what it promises."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

MAX_NAME = 1024
"""Bytes (UTF-8) that the name of a space, a key, or the name of a lease or its holder has at most."""
MAX_VALUE = 1024 * 1024
"""Bytes that a value has at most."""


class StateError(Exception):
    """The state cannot be opened, and the gateway must not start without it. The message says what to do."""


class NotACounterError(ValueError):
    """An amount was to be added to an entry that is no counter, or would have left the range of 64 bits."""


class Durability(Enum):
    """The endings that a change survives once it is acknowledged."""

    NONE = "none"
    """Nothing that ends the process: a store in memory may serve it."""
    PROCESS = "process"
    """The end of every process of the gateway, kill -9 included. A loss of power may undo it."""
    POWER = "power"
    """A loss of power too: the disk has confirmed it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry. `version` is that of its last change; `expires` when it ends, in seconds since the epoch, if ever."""

    key: str
    value: bytes
    version: int
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """All entries of a space by key, as they were together at `version` of the store."""

    version: int
    entries: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class SetDone:
    """The entry was set or removed, at this version."""

    version: int


@dataclass(frozen=True, slots=True)
class SetConflict:
    """Nothing was changed: this is what stands there (None: no entry)."""

    found: Stored | None


@dataclass(frozen=True, slots=True)
class StoredCounter:
    """A counter after an amount was added to it."""

    value: int
    version: int
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The answer to who asked for a lease. `holder` has it until `expires`; None where nobody does.

    `version` grows each time that it is granted or renewed, so that a later holder can be told from an earlier one.
    """

    granted: bool
    holder: str | None
    expires: float
    version: int


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A change of a watched space: the entry that was set, or a removal (`value` None), by hand or by expiry."""

    key: str
    value: bytes | None
    version: int
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class StartOver:
    """The store no longer has all changes that a watcher asked for: it reads `entries` and watches from there."""

    version: int
    """That of the store when it was found out."""


class StateStore(Protocol):
    """Entries by (space, key), each with a version and perhaps a moment at which it ends.

    Every operation raises `Failure(Reason.STATE_UNAVAILABLE)` where the store cannot answer within 100 ms. An operation
    that was given up before it began is not carried out later. One that had begun may have taken effect: read
    again before you rely on either. Names and values that are too long or no text raise ValueError, and so does a time
    to live that is not a positive number of seconds.

    A version belongs to one change of the whole store: later changes have higher ones, and none comes twice, also not
    after a restart. They are microseconds of the clock where that is ahead, so that gaps are usual. An entry
    that has expired does not exist for any operation. Operations that are begun in one turn of the event loop are
    carried out in their order.
    """

    @property
    def is_lasting(self) -> bool:
        """Whether the store can keep anything beyond the end of the process."""

    @property
    def trouble(self) -> str | None:
        """What is wrong with the store, in words for operators; None while all is well."""

    async def get(self, space: str, key: str) -> Stored | None:
        """The entry, or None."""

    async def entries(self, space: str) -> Contents:
        """All entries of a space and the version of the store, both of one moment."""

    async def compare_and_set(
        self,
        space: str,
        key: str,
        value: bytes | None,
        expected: int | None,
        *,
        ttl: float | None = None,
        durability: Durability = Durability.PROCESS,
    ) -> SetDone | SetConflict:
        """Set the entry, or remove it (`value` None), if its version is `expected` (None: if there is no entry).

        It lives `ttl` seconds from now, or until it is removed. To remove what must not be there raises ValueError.
        """

    async def add(
        self, space: str, key: str, amount: int, *, ttl: float | None = None, durability: Durability = Durability.NONE
    ) -> StoredCounter:
        """Add to a counter, which begins at 0, in one step.

        `ttl` counts from its beginning: a counter that exists keeps its moment, or has none. The entry's value is the
        number in decimal digits. Raises NotACounterError, and then nothing is changed.
        """

    async def lease(self, name: str, holder: str, seconds: float, *, durability: Durability = Durability.NONE) -> Lease:
        """Have `name` for so many seconds from now, if nobody else has it. Whoever has it already has it longer."""

    async def renew(self, name: str, holder: str, seconds: float, *, durability: Durability = Durability.NONE) -> Lease:
        """Have `name` for so many seconds from now, if the holder still has it: not where it ended meanwhile."""

    async def release(self, name: str, holder: str, *, durability: Durability = Durability.NONE) -> bool:
        """Give `name` back; False where the holder does not have it."""

    def watch(self, space: str, since: int) -> AsyncIterator[StoredChange | StartOver]:
        """Every change of a watched space after version `since`, in order, also those of other processes.

        Where these are no longer all there, the last that comes is StartOver. An entry that expires is a removal, which
        comes within a second of its moment unless somebody has set the entry anew before. Raises Failure while the
        store cannot be read (watch again from the last version), and ValueError for a space that is not watched.
        """

    async def close(self) -> None:
        """End what was begun, and close the store. Whatever is asked of it later raises Failure."""
