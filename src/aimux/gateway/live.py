"""What is in force: one generation of configuration and model, and whether the gateway takes new work."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from aimux.core.policy import Policy
from aimux.core.reason import Failure, Reason
from aimux.core.standing import INITIAL, Standing
from aimux.gateway.ports import Scorer


@dataclass(slots=True, eq=False)
class Generation:
    """One configuration, whole: the policy, and the scorer over its intents where it has any.

    `model` is the digest of the model that scores. `leases` counts the requests that are served by it.
    """

    policy: Policy
    scorer: Scorer | None
    model: str | None = None
    leases: int = 0


def _starting() -> Failure:
    return Failure(Reason.NOT_READY, "the gateway is starting and not ready yet")


def _draining() -> Failure:
    return Failure(Reason.DRAINING, "the gateway is shutting down and takes no new requests")


def _forget(_: Generation) -> None:
    """Nothing is to be done for a generation that nobody uses any more."""


@dataclass(slots=True)
class Live:
    """The generation and the standing that new requests get, and how many are being served.

    None is taken without a generation, while draining, and while anything stands in the way (`obstacles` says what, by
    who has found it).
    `retire` hears of each generation that has been replaced, once the last request that was served by it has ended.
    """

    generation: Generation | None = None
    standing: Standing = INITIAL
    draining: bool = False
    obstacles: dict[str, str] = field(default_factory=dict)
    in_flight: int = 0
    retire: Callable[[Generation], None] = _forget
    _emptied: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def reasons(self) -> tuple[Failure, ...]:
        """Everything for which new work is refused, what callers are told first; empty where it is taken."""
        obstacles = tuple(Failure(Reason.NOT_READY, obstacle) for obstacle in self.obstacles.values())
        first = self.refusing
        return obstacles if first is None or not (self.draining or self.generation is None) else (first, *obstacles)

    @property
    def refusing(self) -> Failure | None:
        """Why new work is refused, or None."""
        if self.draining:
            return _draining()
        if self.generation is None:
            return _starting()
        return Failure(Reason.NOT_READY, next(iter(self.obstacles.values()))) if self.obstacles else None

    def lease(self) -> Generation:
        """The generation to serve one request by; give it back with `release`. Raises Failure where none is taken."""
        generation, refusing = self.generation, self.refusing
        if generation is None or refusing is not None:
            raise refusing or Failure(Reason.NOT_READY, "nothing is in force")
        self.in_flight += 1
        generation.leases += 1
        return generation

    def replace(self, generation: Generation) -> None:
        """Put a generation in force: requests get it from now on, and those under way keep theirs."""
        replaced, self.generation = self.generation, generation
        if replaced is not None and not replaced.leases:
            self.retire(replaced)

    def release(self, generation: Generation) -> None:
        """A request that leased this generation has ended."""
        self.in_flight -= 1
        generation.leases -= 1
        if not generation.leases and generation is not self.generation:
            self.retire(generation)
        if self.draining and self.in_flight == 0:
            self._emptied.set()

    async def drain(self) -> None:
        """Refuse new requests from now on, and wait until those that are being served have ended."""
        self.draining = True
        if self.in_flight:
            await self._emptied.wait()
