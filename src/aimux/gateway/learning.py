"""Learning the facts that a decision asks for: the body and what it says, and scores, from the cache or the model."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from aimux.core.policy import Policy
from aimux.core.record import Record
from aimux.core.request import SILENT, Ask, Found, Opaque, Reading, Scored
from aimux.core.routing import with_beside
from aimux.gateway.live import Generation
from aimux.gateway.ports import Exchange, Scorer
from aimux.wire.dialects import BodyKind, Opening, read_body, read_earlier
from aimux.wire.documents import may_be_json

# Reading a body holds the event loop up; from this size on, and where it is encoded, a thread reads it.
_READ_INLINE: Final = 32 * 1024
_UNHEARD: Final = Reading(opaque=Opaque.UNHEARD)


async def learn_body(exchange: Exchange, opening: Opening, policy: Policy, limit: int) -> tuple[bytes | None, Reading]:
    """The body, and what it says; `limit` is the most bytes that it may decode to. Raises Failure.

    A body of a type that nobody reads, and that cannot be JSON, is left where it is.
    """
    codings = exchange.head.values(b"content-encoding")
    kind = opening.body
    if kind is BodyKind.OPAQUE and not codings and not may_be_json(first := await exchange.first_byte()):
        return None, _UNHEARD if first else SILENT
    body = await exchange.read_body()
    hears, content_type, identity = policy.hears, opening.content_type, policy.identity
    if len(body) < _READ_INLINE and not codings:
        return body, read_body(body, kind, codings, identity, limit, hears=hears, content_type=content_type)
    read = partial(read_body, body, kind, codings, identity, limit, hears=hears, content_type=content_type)
    return body, await asyncio.get_running_loop().run_in_executor(None, read)


async def learn_earlier(exchange: Exchange, limit: int) -> tuple[str, ...]:
    """The user's texts before the last one. Few decisions ask for them: the body is read again. Raises Failure."""
    codings = exchange.head.values(b"content-encoding")
    body = await exchange.read_body()
    if len(body) < _READ_INLINE and not codings:
        return read_earlier(body, codings, limit)
    return await asyncio.get_running_loop().run_in_executor(None, read_earlier, body, codings, limit)


async def score(asked: Ask, exchange: Exchange, generation: Generation, record: Record) -> Scored:
    """The scores of a text, together with those of what stands beside it. Raises Failure."""
    scorer = _scorer_of(generation)
    scored = scorer.cached(asked.text)
    if scored is None:
        record.scoring_began = time.perf_counter() - exchange.started
        scored = await scorer.score(asked.text)
    if not asked.beside:
        return scored
    beside = [scorer.cached(text) or await scorer.score(text) for text in asked.beside]
    return _together(scored, beside, generation.policy)


async def score_more(
    texts: Sequence[str], exchange: Exchange, generation: Generation, record: Record
) -> tuple[Found, ...]:
    """The scores of texts, one after the other: a long list leaves others their turns at the model. Raises Failure."""
    scorer, found = _scorer_of(generation), []
    for text in texts:
        scored = scorer.cached(text)
        if scored is None:
            if record.scoring_began is None:
                record.scoring_began = time.perf_counter() - exchange.started
            scored = await scorer.score(text)
            record.cached = False
            record.model_seconds = (record.model_seconds or 0.0) + scored.seconds
        found.append(scored.scores)
    return tuple(found)


def _scorer_of(generation: Generation) -> Scorer:
    if generation.scorer is None:
        raise RuntimeError("the decision asks for scores, but the configuration has no intents")
    return generation.scorer


def _together(scored: Scored, beside: Sequence[Scored], policy: Policy) -> Scored:
    """A text's scores with those of the conversation's other messages; cached where none was read by the model."""
    return Scored(
        with_beside(policy, scored.scores, [other.scores for other in beside]),
        all(each.cached for each in (scored, *beside)),
        sum(each.seconds for each in (scored, *beside)),
    )
