"""A store in the memory of one process: for what may be lost with it, and where there is no place for a file."""

import asyncio
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, TypeVar

from aimux.state.changelog import Bounds
from aimux.state.operating import PAGE, OperatingStore, unavailable
from aimux.state.operations import Operation, check_names, next_version, standing_at
from aimux.state.store import Contents, Durability, StartOver, Stored, StoredChange

T = TypeVar("T")
_SWEEP_EVERY: Final = 0.25
_PIECE: Final = 200


class MemoryStore(OperatingStore):
    """See `StateStore`. What must survive the process is refused, with `Failure(Reason.STATE_UNAVAILABLE)`.

    `clock` gives seconds since the epoch. `why` says to operators why there is no file (`trouble`); None where none was
    asked for. Each process has its own: nothing is shared with other workers.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        watched: frozenset[str] = frozenset(),
        why: str | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        super().__init__(watched)
        self._clock = clock
        self._why = why
        self._bounds = bounds or Bounds()
        self._spaces: dict[str, dict[str, Stored]] = {}
        self._ending: list[tuple[float, str, str]] = []
        self._version = next_version(0, clock())
        self._log: dict[str, deque[tuple[float, StoredChange]]] = {space: deque() for space in watched}
        self._floors = dict.fromkeys(watched, self._version)
        self._closed = False

    @property
    def is_lasting(self) -> bool:
        """See `StateStore`."""
        return False

    @property
    def trouble(self) -> str | None:
        """See `StateStore`."""
        return self._why

    async def get(self, space: str, key: str) -> Stored | None:
        """See `StateStore`."""
        check_names(space, key)
        now = self._begin()
        return standing_at(self._spaces.get(space, {}).get(key), now)

    async def entries(self, space: str) -> Contents:
        """See `StateStore`."""
        check_names(space)
        now = self._begin()
        there = sorted(self._spaces.get(space, {}).items())
        return Contents(self._version, tuple(entry for _, entry in there if standing_at(entry, now)))

    async def close(self) -> None:
        """See `StateStore`."""
        self._closed = True
        self._tell_watchers()

    def sweep(self, most: int = _PIECE) -> int:
        """Remove at most so many entries that have expired; how many were."""
        now, swept = self._clock(), 0
        while self._ending and self._ending[0][0] <= now and swept < most:
            expires, space, key = heappop(self._ending)
            entry = self._spaces.get(space, {}).get(key)
            if entry is not None and entry.expires == expires:
                self._put(space, key, None, None, now)
                swept += 1
        return swept

    async def _change(self, operation: Operation[T], durability: Durability) -> T:
        now = self._begin()
        if durability is not Durability.NONE:
            raise unavailable(self._why or "the state is kept in memory only, and this must survive a restart")
        space, key = operation.space, operation.key
        ruled = operation.rule(standing_at(self._spaces.get(space, {}).get(key), now), now)
        if ruled.setting is not None:
            self._put(space, key, ruled.setting.value, ruled.setting.expires, now)
        return ruled.answer(self._version)

    async def _changes(self, space: str, since: int) -> tuple[StoredChange, ...] | StartOver:
        self._begin()
        if not self._floors[space] <= since <= self._version:
            return StartOver(self._version)
        later: list[StoredChange] = []
        for _, change in reversed(self._log[space]):
            if change.version <= since:
                break
            later.append(change)
        return tuple(later[: -PAGE - 1 : -1])

    async def _heard(self, news: asyncio.Event) -> None:
        while not news.is_set() and not self._closed:
            self.sweep()
            try:
                await asyncio.wait_for(news.wait(), _SWEEP_EVERY)
            except TimeoutError:
                continue

    def _begin(self) -> float:
        if self._closed:
            raise unavailable("the state store is closed")
        self.sweep()
        return self._clock()

    def _put(self, space: str, key: str, value: bytes | None, expires: float | None, now: float) -> None:
        self._version = next_version(self._version, now)
        there = self._spaces.setdefault(space, {})
        before = there.get(key)
        if value is None:
            there.pop(key, None)
        else:
            there[key] = Stored(key, value, self._version, expires)
            if expires is not None and (before is None or before.expires != expires):
                heappush(self._ending, (expires, space, key))
        if not there:
            del self._spaces[space]
        if space in self._log:
            self._log[space].append((now, StoredChange(key, value, self._version, expires)))
            self._trim(space, now)
            self._tell_watchers()

    def _trim(self, space: str, now: float) -> None:
        log = self._log[space]
        while log and self._bounds.is_old(log[0][0], now, len(log)):
            self._floors[space] = log.popleft()[1].version
