"""Generations made from configurations: whole before anybody uses them, and taken apart when nobody does any more."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from aimux.app.errors import ReloadError
from aimux.app.settings import scorer_limits
from aimux.config.load import Loaded
from aimux.core.snapshot import Route, Snapshot
from aimux.edge.pool import Upstreams, trust_of
from aimux.gateway.live import Generation
from aimux.intent.encoder import Encoder, EncodingError, digest_of
from aimux.intent.index import IntentIndex
from aimux.intent.model import ModelError, locate
from aimux.intent.reader import load_reader
from aimux.intent.scorer import ThreadedScorer


@dataclass(frozen=True, slots=True)
class Engine:
    """What reads texts for one generation or several. `made_for` is all that its scores and its waiting depend on."""

    scorer: ThreadedScorer
    encoder: Encoder
    index: IntentIndex
    bundled: bool
    made_for: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A generation with the configuration and the engine that it was made from, and when that was read."""

    generation: Generation
    loaded: Loaded
    engine: Engine | None
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
        routes = _routes_of(loaded.snapshot)
        try:
            # Reading the system's certificates takes time that requests in flight do not have.
            trust = await loop.run_in_executor(None, trust_of, routes)
            engine = await self._engine(loaded) if loaded.snapshot.needs_scores else None
        except ValueError as error:
            raise ReloadError(str(error)) from error
        except (OSError, EncodingError) as error:
            raise ModelError(f"the embedding model cannot be used: {error}; see semantic_engine.model_path") from error
        scorer = None if engine is None else engine.scorer
        model = None if engine is None else engine.encoder.digest
        made = Made(Generation(loaded.snapshot, scorer, model), loaded, engine, loaded_at)
        self._alive.append(made)
        self._upstreams.open(routes, trust)
        return made

    def index_of(self, generation: Generation) -> IntentIndex | None:
        """The intents of a generation as the model reads them; None where it has none, or is gone."""
        engine = next((made.engine for made in self._alive if made.generation is generation), None)
        return None if engine is None else engine.index

    def retire(self, generation: Generation) -> None:
        """Take a generation apart that nobody uses any more."""
        made = next((made for made in self._alive if made.generation is generation), None)
        if made is None:
            return  # everything was taken apart meanwhile
        self._upstreams.shut(_routes_of(generation.snapshot))
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

    async def _engine(self, loaded: Loaded) -> Engine:
        loop = asyncio.get_running_loop()
        limits, max_tokens = scorer_limits(loaded.config), loaded.config.semantic_engine.max_tokens
        intents = (
            *(route.intents for route in loaded.snapshot.routes),
            *(guard.intents for guard in loaded.snapshot.guards),
        )
        # What the parts of a text stand for is told by the thresholds.
        thresholds = (loaded.snapshot.ambiguity_threshold, *(route.min_score for route in loaded.snapshot.routes))
        files = locate(loaded.config.semantic_engine.model_path)
        encoder = None
        if self._alive:
            digest = await loop.run_in_executor(None, digest_of, files)
            # From here to its use nothing waits: meanwhile an engine could lose its last generation, and be closed.
            known = [made.engine for made in self._alive if made.engine is not None]
            for engine in known:
                if engine.made_for == (digest, max_tokens, limits, intents, thresholds):
                    return engine
            encoder = next((engine.encoder for engine in known if engine.encoder.digest == digest), None)
        reader = await loop.run_in_executor(None, load_reader, loaded.snapshot, files, max_tokens, encoder)
        made_for = (reader.encoder.digest, max_tokens, limits, intents, thresholds)
        return Engine(ThreadedScorer(reader, limits), reader.encoder, reader.index, files.bundled, made_for)


def _routes_of(snapshot: Snapshot) -> tuple[Route, ...]:
    return snapshot.routes if snapshot.fallback is None else (*snapshot.routes, snapshot.fallback)
