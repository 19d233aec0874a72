"""Learning the facts that a decision needs: the body and what it says, and scores, from the cache or the model."""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from typing import Final

from aimux.core.record import Record
from aimux.core.request import SILENT, Learnt, Need, NeedBody, NeedEarlier, NeedMore, NeedScores, Opaque, Reading
from aimux.core.routing import with_beside
from aimux.core.scores import Found, Scored, Scores
from aimux.gateway.live import Generation
from aimux.gateway.ports import Exchange, Scorer
from aimux.wire.dialects import BodyKind, Opening, read_body, read_earlier
from aimux.wire.documents import may_be_json

# Reading a body holds the event loop up; from this size on, and where it is encoded, a thread reads it.
_READ_INLINE: Final = 32 * 1024
_UNHEARD: Final = Reading(opaque=Opaque.UNHEARD)


class Learner:
    """Learns the facts of one exchange as its decision needs them, and notes in the record what that took.

    `body` is the body once it has been read, None before and where it was left where it is.
    """

    __slots__ = ("_exchange", "_generation", "_limit", "_opening", "_record", "body")

    def __init__(
        self, exchange: Exchange, opening: Opening, generation: Generation, record: Record, limit: int
    ) -> None:
        """`limit` is the most bytes that a body may decode to."""
        self._exchange = exchange
        self._opening = opening
        self._generation = generation
        self._record = record
        self._limit = limit
        self.body: bytes | None = None

    def learn(self, need: Need) -> Awaitable[Learnt]:
        """The fact that is needed. Raises Failure where it cannot be learnt, and TypeError for one of another kind."""
        if isinstance(need, NeedScores):
            return self._scores(need)
        if isinstance(need, NeedBody):
            return self._reading()
        if isinstance(need, NeedMore):
            return self._more(need.texts)
        if isinstance(need, NeedEarlier):
            return self._earlier()
        raise TypeError(f"nobody here learns what {type(need).__name__} needs")

    async def _reading(self) -> Reading:
        """The reading of the body. One of a type that nobody reads, and that cannot be JSON, is left where it is."""
        exchange, opening, policy = self._exchange, self._opening, self._generation.policy
        codings = exchange.head.values(b"content-encoding")
        kind = opening.body
        if kind is BodyKind.OPAQUE and not codings and not may_be_json(first := await exchange.first_byte()):
            reading = _UNHEARD if first else SILENT
        else:
            self.body = body = await exchange.read_body()
            known = body, kind, codings, policy.identity, self._limit
            hears, content_type, action = policy.hears, opening.content_type, opening.head.action
            if len(body) < _READ_INLINE and not codings:
                reading = read_body(*known, hears=hears, content_type=content_type, action=action)
            else:
                read = partial(read_body, *known, hears=hears, content_type=content_type, action=action)
                reading = await asyncio.get_running_loop().run_in_executor(None, read)
        if opening.head.text is None:
            self._record.dialect, self._record.said = reading.dialect or opening.head.dialect, reading
        return reading

    async def _earlier(self) -> tuple[str, ...]:
        """The user's texts before the last one. Few decisions need them: the body is read again."""
        codings = self._exchange.head.values(b"content-encoding")
        body = await self._exchange.read_body()
        if len(body) < _READ_INLINE and not codings:
            return read_earlier(body, codings, self._limit)
        return await asyncio.get_running_loop().run_in_executor(None, read_earlier, body, codings, self._limit)

    async def _scores(self, need: NeedScores) -> Found:
        """The scores of a text, together with those of what stands beside it."""
        scorer, record = self._scorer, self._record
        scored = scorer.cached(need.text)
        if scored is None:
            record.scoring_began = time.perf_counter() - self._exchange.started
            scored = await scorer.score(need.text)
        if need.beside:
            beside = [scorer.cached(text) or await scorer.score(text) for text in need.beside]
            scored = _together(scored, beside, self._generation)
        record.cached = scored.cached
        record.model_seconds = None if scored.cached else scored.seconds
        if isinstance(scored.scores, Scores):
            record.scored = (self._generation.policy, scored.scores)
        return scored.scores

    async def _more(self, texts: Sequence[str]) -> tuple[Found, ...]:
        """The scores of texts, one after the other: a long list leaves others their turns at the model."""
        scorer, record, found = self._scorer, self._record, []
        for text in texts:
            scored = scorer.cached(text)
            if scored is None:
                if record.scoring_began is None:
                    record.scoring_began = time.perf_counter() - self._exchange.started
                scored = await scorer.score(text)
                record.cached = False
                record.model_seconds = (record.model_seconds or 0.0) + scored.seconds
            found.append(scored.scores)
        return tuple(found)

    @property
    def _scorer(self) -> Scorer:
        if self._generation.scorer is None:
            raise RuntimeError("the decision needs scores, but the configuration has no intents")
        return self._generation.scorer


def _together(scored: Scored, beside: Sequence[Scored], generation: Generation) -> Scored:
    """A text's scores with those of the conversation's other messages; cached where none was read by the model."""
    return Scored(
        with_beside(generation.policy, scored.scores, [other.scores for other in beside]),
        all(each.cached for each in (scored, *beside)),
        sum(each.seconds for each in (scored, *beside)),
    )
