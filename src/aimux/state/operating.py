"""The base of both stores: the port's methods, made of one way to change an entry and a few to read."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from aimux.core.reason import Failure, Reason
from aimux.state.operations import Add, CompareAndSet, Operation, ReleaseLease, TakeLease, check_names
from aimux.state.store import (
    Contents,
    Durability,
    Lease,
    SetConflict,
    SetDone,
    StartOver,
    Stored,
    StoredChange,
    StoredCounter,
)

T = TypeVar("T")

LOOK_EVERY: Final = 1.0
"""Seconds after which a watcher reads though nothing was heard, so that a store that has died is noticed."""
PAGE: Final = 500
"""Changes that a watcher reads at once."""


def unavailable(why: str) -> Failure:
    """The failure of an operation that the store did not carry out, or may not have."""
    return Failure(Reason.STATE_UNAVAILABLE, "the gateway's state store did not answer", why)


class OperatingStore(ABC):
    """The port's methods (see `StateStore`) over what a store implements."""

    def __init__(self, watched: frozenset[str]) -> None:
        self._watched = watched
        self._news = asyncio.Event()

    @abstractmethod
    async def _change(self, operation: Operation[T], durability: Durability) -> T:
        """Carry out one operation. Raises Failure, and what the operation's rule raises."""

    @abstractmethod
    async def _changes(self, space: str, since: int) -> tuple[StoredChange, ...] | StartOver:
        """The next changes of a watched space after a version, at most PAGE of them. Raises Failure."""

    @abstractmethod
    async def get(self, space: str, key: str) -> Stored | None:
        """See `StateStore`."""

    @abstractmethod
    async def entries(self, space: str) -> Contents:
        """See `StateStore`."""

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
        """See `StateStore`."""
        return await self._change(CompareAndSet(space, key, value, expected, ttl), durability)

    async def add(
        self, space: str, key: str, amount: int, *, ttl: float | None = None, durability: Durability = Durability.NONE
    ) -> StoredCounter:
        """See `StateStore`."""
        return await self._change(Add(space, key, amount, ttl), durability)

    async def lease(self, name: str, holder: str, seconds: float, *, durability: Durability = Durability.NONE) -> Lease:
        """See `StateStore`."""
        return await self._change(TakeLease(name, holder, seconds), durability)

    async def renew(self, name: str, holder: str, seconds: float, *, durability: Durability = Durability.NONE) -> Lease:
        """See `StateStore`."""
        return await self._change(TakeLease(name, holder, seconds, renewing=True), durability)

    async def release(self, name: str, holder: str, *, durability: Durability = Durability.NONE) -> bool:
        """See `StateStore`."""
        return await self._change(ReleaseLease(name, holder), durability)

    async def watch(self, space: str, since: int) -> AsyncIterator[StoredChange | StartOver]:
        """See `StateStore`."""
        check_names(space)
        if space not in self._watched:
            raise ValueError(f"the space {space!r} is not declared as watched")
        while True:
            news = self._news  # before reading: what comes meanwhile wakes this watcher
            page = await self._changes(space, since)
            if isinstance(page, StartOver):
                yield page
                return
            for change in page:
                since = change.version
                yield change
            if not page:
                await self._heard(news)

    async def _heard(self, news: asyncio.Event) -> None:
        """Wait until there may be something to read."""
        try:
            await asyncio.wait_for(news.wait(), LOOK_EVERY)
        except TimeoutError:
            return

    def _tell_watchers(self) -> None:
        """Wake all who watch; on the event loop."""
        news, self._news = self._news, asyncio.Event()
        news.set()
