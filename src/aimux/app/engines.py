"""Engines: the model, loaded, over the intents of a configuration. This module is loaded only where one has intents.

A gateway without intents has neither NumPy nor ONNX Runtime in its memory.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aimux.app.settings import scorer_limits
from aimux.config.load import Loaded
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


async def engine_for(loaded: Loaded, alive: Callable[[], Sequence[Engine]]) -> Engine:
    """The engine of a configuration with intents: one that is alive already, or a new one. Raises ModelError."""
    try:
        return await _engine_for(loaded, alive)
    except (OSError, EncodingError) as error:
        raise ModelError(f"the embedding model cannot be used: {error}; see semantic_engine.model_path") from error


async def _engine_for(loaded: Loaded, alive: Callable[[], Sequence[Engine]]) -> Engine:
    loop = asyncio.get_running_loop()
    limits, max_tokens = scorer_limits(loaded.config), loaded.config.semantic_engine.max_tokens
    intents = (
        *(route.intents for route in loaded.policy.routes),
        *(guard.intents for guard in loaded.policy.guards),
    )
    # What a text's parts are depends on how closely it is read, and what they stand for on the thresholds.
    policy = loaded.policy
    thresholds = (policy.ambiguity_threshold, *(route.min_score for route in policy.routes))
    parts = (policy.close_reading, *thresholds)
    files = locate(loaded.config.semantic_engine.model_path)
    encoder = None
    if alive():
        digest = await loop.run_in_executor(None, digest_of, files)
        # From here to its use nothing waits: meanwhile an engine could lose its last generation, and be closed.
        known = alive()
        for engine in known:
            if engine.made_for == (digest, max_tokens, limits, intents, parts):
                return engine
        encoder = next((engine.encoder for engine in known if engine.encoder.digest == digest), None)
    reader = await loop.run_in_executor(None, load_reader, loaded.policy, files, max_tokens, encoder)
    made_for = (reader.encoder.digest, max_tokens, limits, intents, parts)
    return Engine(ThreadedScorer(reader, limits), reader.encoder, reader.index, files.bundled, made_for)
