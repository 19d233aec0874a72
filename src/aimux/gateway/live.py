"""What is in force: one generation of configuration and model, and whether the gateway takes new work."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from aimux.core.reason import Failure, Reason
from aimux.core.snapshot import Snapshot
from aimux.gateway.ports import Scorer

_WHY: Final = {
    Reason.DRAINING: "the gateway is shutting down and takes no new requests",
    Reason.NOT_READY: "the gateway is starting and not ready yet",
}


@dataclass(frozen=True, slots=True)
class Generation:
    """One configuration in force, whole: the snapshot, and the scorer over its intents where it has any."""

    snapshot: Snapshot
    scorer: Scorer | None


@dataclass(slots=True)
class Live:
    """The generation that new requests get, and how many are being served. Without one, and while draining, none is."""

    generation: Generation | None = None
    draining: bool = False
    in_flight: int = 0
    _emptied: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def refusing(self) -> Reason | None:
        """Why new work is refused, or None."""
        if self.draining:
            return Reason.DRAINING
        return Reason.NOT_READY if self.generation is None else None

    def lease(self) -> Generation:
        """The generation to serve one request by; give it back with `release`. Raises Failure where none is taken."""
        refusing = self.refusing
        if refusing is not None or self.generation is None:
            raise Failure(refusing or Reason.NOT_READY, _WHY[refusing or Reason.NOT_READY])
        self.in_flight += 1
        return self.generation

    def release(self) -> None:
        """A request has ended."""
        self.in_flight -= 1
        if self.draining and self.in_flight == 0:
            self._emptied.set()

    async def drain(self) -> None:
        """Refuse new requests from now on, and wait until those that are being served have ended."""
        self.draining = True
        if self.in_flight:
            await self._emptied.wait()
