"""Generations made from configurations: whole before anybody uses them, and taken apart when nobody does any more."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

from aimux.app.errors import ReloadError
from aimux.config.load import Loaded
from aimux.core.policy import Policy, Route
from aimux.edge.pool import Upstreams, trust_of
from aimux.gateway.live import Generation
from aimux.wire.dialects import speaking_params

if TYPE_CHECKING:
    from aimux.app.engines import Engine
    from aimux.intent.index import IntentIndex


@dataclass(frozen=True, slots=True)
class Made:
    """A generation with the configuration and the engine that it was made from, and when that was read."""

    generation: Generation
    loaded: Loaded
    engine: "Engine | None"
    loaded_at: datetime


class Generations:
    """Makes generations and retires them. Those with the same model, intents and limits share an engine."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._alive: list[Made] = []

    async def make(self, loaded: Loaded, loaded_at: datetime) -> Made:
        """Load what a configuration needs, with its intents embedded and its routes open.

        Raises ModelError, and ReloadError for a `ca_file` that cannot be used.
        """
        loop = asyncio.get_running_loop()
        routes = _routes_of(loaded.policy)
        try:
            # Reading the system's certificates takes time that requests in flight do not have.
            trust = await loop.run_in_executor(None, trust_of, routes)
            engine = await self._engine(loaded) if loaded.policy.needs_scores else None
        except ValueError as error:
            raise ReloadError(str(error)) from error
        scorer = None if engine is None else engine.scorer
        model = None if engine is None else engine.encoder.digest
        made = Made(Generation(loaded.policy, scorer, model), loaded, engine, loaded_at)
        self._alive.append(made)
        policy = loaded.policy
        self._upstreams.open(routes, trust, speaking_params(policy.identity), policy.prefixes)
        return made

    def index_of(self, generation: Generation) -> "IntentIndex | None":
        """The intents of a generation as the model reads them; None where it has none, or is gone."""
        engine = next((made.engine for made in self._alive if made.generation is generation), None)
        return None if engine is None else engine.index

    def retire(self, generation: Generation) -> None:
        """Take a generation apart that nobody uses any more."""
        made = next((made for made in self._alive if made.generation is generation), None)
        if made is None:
            return  # everything was taken apart meanwhile
        self._upstreams.shut(_routes_of(generation.policy))
        self._discard(made)

    def close(self) -> None:
        """Take everything apart."""
        for made in list(self._alive):
            self._discard(made)
        self._upstreams.close()

    def _discard(self, made: Made) -> None:
        self._alive.remove(made)
        if made.engine is not None and not any(other.engine is made.engine for other in self._alive):
            made.engine.scorer.close()

    async def _engine(self, loaded: Loaded) -> "Engine":
        # Loading NumPy and ONNX Runtime takes time that requests in flight do not have, and much memory.
        await asyncio.get_running_loop().run_in_executor(None, import_module, "aimux.app.engines")
        from aimux.app.engines import engine_for  # noqa: PLC0415

        return await engine_for(loaded, self._engines)

    def _engines(self) -> "list[Engine]":
        return [made.engine for made in self._alive if made.engine is not None]


def _routes_of(policy: Policy) -> tuple[Route, ...]:
    return policy.routes if policy.fallback is None else (*policy.routes, policy.fallback)
