"""Suites of texts too short for views: two requests in ten words, and what reading in halves does to such texts."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from aimux.intent.parts import parts
from aimux.intent.reader import TextReader
from bench.fields import EACH, MAX_TOKENS, Field, permitted
from bench.hiding import undivided

_WORDS: Final = range(6, 11)
_BRIEF: Final = 5


def joined(*, closely: bool) -> Callable[[Field, random.Random], Iterator[bool]]:
    """A brief forbidden request and a brief permitted one, with nothing between them: whether that is refused."""

    def suite(field: Field, chance: random.Random) -> Iterator[bool]:
        theirs = _brief(field, [name for name in field.intents if name not in field.mine])
        ours = _brief(field, field.mine)
        if not theirs or not ours:
            return
        attacked = _read_closely(field) if closely else field
        both = (undivided(chance.choice(theirs), [chance.choice(ours)], chance) for _ in range(8 * EACH))
        for text in islice((text for text in both if len(text.split()) in _WORDS), EACH):
            yield attacked.reached(text) is None

    return suite


def honest(field: Field, chance: random.Random) -> Iterator[bool]:
    """A permitted request of as many words: whether it still reaches its route when it is read closely."""
    closely = _read_closely(field)
    short = ((name, text) for name, text in permitted(field, chance) if len(text.split()) in _WORDS and not parts(text))
    for name, text in islice(short, EACH):
        yield closely.reached(text) == name


def _brief(field: Field, names: Sequence[str]) -> list[str]:
    """Requests of few words, intents among them, that are clearly meant for one of these routes."""
    said = [(name, text) for name in names for text in (*field.texts.get(name, ()), *field.intents[name])]
    return [text for name, text in said if len(text.split()) <= _BRIEF and field.meant(text) == name]


def _read_closely(field: Field) -> Field:
    policy = replace(field.policy, close_reading=True)
    return replace(field, policy=policy, reader=TextReader.of(policy, field.reader.encoder, MAX_TOKENS))
