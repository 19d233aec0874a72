"""What guards catch: a class of texts that is forbidden, beside ten routes of other classes, at several thresholds."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from aimux.core.policy import Access, Guard, Policy, Route, Upstream
from aimux.core.scores import Scores
from aimux.intent.encoder import Encoder
from aimux.intent.quality import share
from aimux.intent.reader import TextReader
from bench.routing_draws import Data
from bench.routing_rows import GuardRow

_INTENTS: Final = (3, 5, 10, 20)
_THRESHOLDS: Final = (0.4, 0.5, 0.6)
_CLASSES: Final = 40
_ROUTES: Final = 10
_OF_A_CLASS: Final = 8
_OF_NONE: Final = 200
_MAX_TOKENS: Final = 8192
_NOWHERE: Final = Upstream("http://127.0.0.1:1", secure=False, host="127.0.0.1", port=1, base_path="")
_FORBIDDEN, _NEAR, _ELSEWHERE = range(3)


def guards(encoder: Encoder, data: Data) -> Iterator[GuardRow]:
    """A row for each number of intents and each threshold."""
    chance = random.Random("guards")  # noqa: S311  (to be had again)  # nosec B311
    domain = {name: each for each, names in data.domains.items() for name in names}
    texts = [(text, name) for name in data.test for text in _some(data.test[name], _OF_A_CLASS, chance)]
    texts += [(text, "") for text in _some(data.far, _OF_NONE, chance)]
    chosen = _some(sorted(data.train), _CLASSES, chance)
    for count in _INTENTS:
        scores: tuple[list[float], list[float], list[float]] = ([], [], [])
        for forbidden in chosen:
            reader = TextReader.of(_policy(forbidden, count, data, chance), encoder, _MAX_TOKENS)
            for text, name in texts:
                near = _NEAR if domain.get(name) == domain.get(forbidden) else _ELSEWHERE
                found = reader.score(text)
                if isinstance(found, Scores):
                    scores[_FORBIDDEN if name == forbidden else near].append(found.guards[0])
        yield from _rows(count, scores)


def _rows(count: int, scores: Sequence[Sequence[float]]) -> Iterator[GuardRow]:
    for least in _THRESHOLDS:
        refused = (share(score >= least for score in each) for each in scores)
        yield GuardRow(count, least, *((each.value or 0.0, each.low or 0.0, each.high or 0.0) for each in refused))


def _policy(forbidden: str, count: int, data: Data, chance: random.Random) -> Policy:
    others = _some([name for name in sorted(data.train) if name != forbidden], _ROUTES, chance)
    routes = (Route(name, _NOWHERE, Access.OPEN, intents=_intents(name, 10, data, chance)) for name in others)
    guard = Guard(forbidden, _intents(forbidden, count, data, chance), 0.5)
    return Policy.of(tuple(routes), guards=(guard,))


def _intents(name: str, count: int, data: Data, chance: random.Random) -> tuple[str, ...]:
    return tuple(_some(data.train[name], count, chance))


def _some(names: Sequence[str], count: int, chance: random.Random) -> list[str]:
    return chance.sample(names, min(count, len(names)))
