"""What the score costs: a new text read as the gateway reads it, against one reading with plain maximum scores."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from aimux.intent.encoder import Encoder
from aimux.intent.reader import TextReader
from bench.routing_draws import Draw
from bench.routing_rows import CostRow
from bench.routing_scores import Bed

_TOKENS: Final = range(8, 13)
_TEXTS: Final = 200
_WARMED_BY: Final = 20


def costs(encoder: Encoder, drawn: Sequence[Draw]) -> list[CostRow]:
    """A row for the first draw of each configuration with texts of this length. The encoder may remember nothing."""
    firsts = {draw.case: draw for draw in reversed(drawn)}
    rows = [_cost(draw, encoder) for draw in reversed(firsts.values())]
    return [row for row in rows if row is not None]


def _cost(draw: Draw, encoder: Encoder) -> CostRow | None:
    texts = [text for text, _, _ in draw.rows if len(encoder.tokenize(text)) in _TOKENS][:_TEXTS]
    if len(texts) < 2 * _WARMED_BY:
        return None
    bed = Bed.of(draw)
    reader = TextReader.of(bed.policy, encoder, bed.max_tokens)
    plain, ours = _by_turns(texts, _plainly(draw, encoder), reader.score)
    ratios = [own / other for own, other in zip(ours, plain, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return CostRow(
        case=draw.case,
        plain_ms=statistics.median(plain) * 1000,
        own_ms=statistics.median(ours) * 1000,
        ratio=statistics.median(ratios),
        low=low,
        high=high,
        mean=sum(ours) / sum(plain),
        texts=len(ratios),
    )


def _plainly(draw: Draw, encoder: Encoder) -> Callable[[str], object]:
    """One reading, and for each route the cosine to the nearest intent."""
    rows = [encoder.encode(intents) for intents in draw.routes.values()]
    starts = np.cumsum([0, *map(len, rows[:-1])])
    columns = np.ascontiguousarray(np.concatenate(rows).T)

    def score(text: str) -> object:
        windows = encoder.embed(encoder.windows(encoder.tokenize(text)))
        return np.maximum.reduceat(windows @ columns, starts, axis=1).max(axis=0).tolist()

    return score


def _by_turns(
    texts: Sequence[str], first: Callable[[str], object], second: Callable[[str], object]
) -> tuple[list[float], list[float]]:
    """The seconds of each of two ways for each text, one after the other, so that both meet the same machine."""
    took: tuple[list[float], list[float]] = ([], [])
    for number, text in enumerate((*texts[:_WARMED_BY], *texts)):
        # Whoever comes second finds the text in the processor's caches: each is second as often.
        turns = ((0, first), (1, second)) if number % 2 else ((1, second), (0, first))
        for place, way in turns:
            began = time.perf_counter()
            way(text)
            took[place].append(time.perf_counter() - began)
    return took[0][_WARMED_BY:], took[1][_WARMED_BY:]
