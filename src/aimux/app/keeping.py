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
from aimux.state.opening import open_state
from aimux.state.store import StateError

_OBSTACLE: Final = "state"
_PATIENCE: Final = 5.0


def claimed(folder: Path) -> FolderClaim:
    """Keep other gateways away from the folder of the state, until it is closed. Raises StartError."""
    try:
        return claim(folder)
    except StateError as error:
        raise StartError(str(error)) from error


class Keeping:
    """Keeps the standing in `live` as the store says, from `start` on."""

    def __init__(self, folder: Path, live: Live, log: Log, *, tells: bool) -> None:
        """`tells` says whether this worker logs where the state cannot be kept: one of all does.

        Raises StartError for a state that is there and cannot be used.
        """
        try:
            opened = open_state(folder, time.time)
        except StateError as error:
            raise StartError(str(error)) from error
        self.store = opened.store
        self._only_memory = opened.only_memory
        self._unread: str | None = None
        self._live = live
        self._log = log
        self._follower = StandingFollower(opened.store, self._tell, self._obstacle, self._note_unread)
        self._follower.start()
        if opened.only_memory is not None and tells:
            log.event.warning("state", detail=opened.only_memory)
        elif opened.made:
            log.event.info("state", detail="a new file was begun, which holds nothing yet", path=str(folder))

    async def ready(self) -> None:
        """Wait until the standing is known. Raises ReloadError where it cannot be read."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._follower.ready()
        except TimeoutError as error:
            raise ReloadError(self._unread or f"the state could not be read within {_PATIENCE:g} s") from error

    @property
    def shown(self) -> StateEntry:
        """How the state is kept, for operators."""
        lasting = self.store.is_lasting
        problem = self._only_memory or self.store.trouble or self._unread
        return StateEntry(store="sqlite" if lasting else "memory", lasting=lasting, problem=problem)

    async def close(self) -> None:
        """Keep it no longer."""
        await self._follower.stop()
        await self.store.close()

    def _tell(self, standing: Standing) -> None:
        self._live.standing = standing

    def _obstacle(self, words: str | None) -> None:
        if words is None:
            if self._live.obstacles.pop(_OBSTACLE, None) is not None:
                self._log.event.warning("state", detail="the state can be heeded again, and requests are served")
            return
        self._live.obstacles[_OBSTACLE] = words
        self._log.event.error("state", detail=words)

    def _note_unread(self, words: str | None) -> None:
        if words is None and self._unread is not None:
            self._log.event.warning("state", detail="the state can be read again")
        elif words is not None:
            self._log.event.error("state", detail=words)
        self._unread = words
