"""The state of one worker: its store, and the standing that is kept as the store says."""

import asyncio
import time
from pathlib import Path
from typing import Final

from aimux.admin.models import StateEntry
from aimux.app.errors import ReloadError, StartError
from aimux.core.standing import Standing
from aimux.edge.log import Log
from aimux.gateway.live import Live
from aimux.state.folder import FolderClaim, claim
from aimux.state.following import StandingFollower
from aimux.state.opening import WATCHED, hold_state, open_state
from aimux.state.places import HeldState, StatePlace
from aimux.state.store import StateError, StateStore

_OBSTACLE: Final = "state"
_PATIENCE: Final = 5.0
_SAID_TO_CALLERS: Final = "the gateway cannot tell from its state who is stopped, and serves nobody until it can"
"""The reason names facts of the state: operators alone are told."""


def claimed(folder: Path) -> FolderClaim:
    """Keep other gateways away from the folder of the state, until it is closed. Raises StartError."""
    try:
        return claim(folder)
    except StateError as error:
        raise StartError(str(error)) from error


def held(folder: Path, claim: FolderClaim, log: Log) -> HeldState:
    """Find out for all workers where the state is kept, and log it. Raises StartError where it cannot be used."""
    try:
        found = hold_state(folder, time.time, unclaimed=claim.missing)
    except StateError as error:
        raise StartError(str(error)) from error
    _tell_of(folder, log, found.place.only_memory, made=found.made)
    return found


class Keeping:
    """Keeps the standing in `live` as the store says, from its beginning on."""

    def __init__(
        self, folder: Path, live: Live, log: Log, *, place: StatePlace | None = None, claim: FolderClaim | None = None
    ) -> None:
        """`place` is where the main process has found the state; None where this is the main process, with its claim.

        Raises StartError for a state that is there and cannot be used.
        """
        try:
            self.store, self._only_memory = self._opened(folder, log, place, None if claim is None else claim.missing)
        except StateError as error:
            raise StartError(str(error)) from error
        self._unread: str | None = None
        self._unheeded: str | None = None
        self._live = live
        self._log = log
        self._follower = StandingFollower(self.store, self._tell, self._obstacle, self._note_unread)
        self._follower.start()

    @staticmethod
    def _opened(
        folder: Path, log: Log, place: StatePlace | None, unclaimed: str | None
    ) -> tuple[StateStore, str | None]:
        if place is not None:
            return place.open(folder, time.time, WATCHED), place.only_memory
        opened = open_state(folder, time.time, unclaimed=unclaimed)
        _tell_of(folder, log, opened.only_memory, made=opened.made)
        return opened.store, opened.only_memory

    async def ready(self) -> None:
        """Wait until the standing is known. Raises ReloadError where it cannot be read."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._follower.ready()
        except TimeoutError as error:
            raise ReloadError(
                self._unread or self._unheeded or f"the state could not be read within {_PATIENCE:g} s"
            ) from error

    @property
    def shown(self) -> StateEntry:
        """The store and its troubles, for operators."""
        lasting = self.store.is_lasting
        problem = self._unheeded or self._only_memory or self.store.trouble or self._unread
        return StateEntry(store="sqlite" if lasting else "memory", lasting=lasting, problem=problem)

    async def close(self) -> None:
        """Keep it no longer."""
        await self._follower.stop()
        await self.store.close()

    def _tell(self, standing: Standing) -> None:
        self._live.standing = standing

    def _obstacle(self, words: str | None) -> None:
        self._unheeded = words
        if words is None:
            if self._live.obstacles.pop(_OBSTACLE, None) is not None:
                self._log.event.warning("state", detail="the state can be heeded again, and requests are served")
            return
        self._live.obstacles[_OBSTACLE] = _SAID_TO_CALLERS
        self._log.event.error("state", detail=words)

    def _note_unread(self, words: str | None) -> None:
        if words is None and self._unread is not None:
            self._log.event.warning("state", detail="the state can be read again")
        elif words is not None:
            self._log.event.error("state", detail=words)
        self._unread = words


def _tell_of(folder: Path, log: Log, only_memory: str | None, *, made: bool) -> None:
    if only_memory is not None:
        log.event.warning("state", detail=only_memory)
    elif made:
        log.event.info("state", detail="a new file was begun, which holds nothing yet", path=str(folder))
