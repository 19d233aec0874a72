"""The parts of a text: its sentences, the clauses of these, and stretches of words where nothing divides them.

A request that is hidden among others says little in the vector of the whole, and everything in that of its own words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from aimux.core.values import value

_SENTENCE: Final = re.compile(r"(?<=[.!?;:。！？；])\s+|[\r\n]+")
_CLAUSE: Final = re.compile(
    r",|\s(?:--?|[–—&])\s|\b(?:and(?: then| also)?|as well as|after that|then|also|but|or|plus|before|while)\b",
    re.IGNORECASE,
)
# One word alone says nothing that could be told from what stands beside it, and no number says anything.
_FEWEST_WORDS: Final = 2
# Up to so many words a stretch is read as it is: most texts are, and cost one reading.
_LONGEST_STRETCH: Final = 10
# How many words a view of a longer stretch has, and by how many the next one begins later. What is hidden is found
# by the view that holds little else, so that there are short ones and longer ones.
_VIEWS: Final = ((5, 2), (9, 3))
# Beyond so many words, a stretch is looked at less closely: thousands of words may not cost thousands of views.
_LONG_STRETCH: Final = 64
_COARSE_VIEWS: Final = ((9, 4),)


@value
class Part:
    """Some words of a text. `whole` says that the text itself sets them apart, as a sentence or a clause."""

    text: str
    whole: bool


def parts(text: str) -> list[Part]:
    """The parts of a text, each once, in their order; none for a text that has only one."""
    found: dict[str, Part] = {}
    for part in _parts(text):
        if part.text != text:
            known = found.get(part.text)
            if known is None or not known.whole:
                found[part.text] = part
    return list(found.values())


def _parts(text: str) -> Iterator[Part]:
    sentences = _joined(_SENTENCE.split(text))
    for sentence in sentences:
        if len(sentences) > 1:
            yield Part(sentence, whole=True)
        clauses = _joined(_CLAUSE.split(sentence))
        if len(clauses) > 1:
            yield from (Part(clause, whole=True) for clause in clauses)
        for stretch in clauses if len(clauses) > 1 else (sentence,):
            yield from (Part(view, whole=False) for view in _views(stretch.split()))


def _joined(pieces: Iterable[str]) -> list[str]:
    """Pieces with those that are too short put to the one before, or behind."""
    joined: list[list[str]] = []
    for words in filter(None, map(str.split, pieces)):
        if joined and (_is_short(words) or _is_short(joined[-1])):
            joined[-1] += words
        else:
            joined.append(words)
    return [" ".join(words) for words in joined]


def _is_short(words: Sequence[str]) -> bool:
    said = (word for word in words if any(map(str.isalpha, word)))
    return len(list(islice(said, _FEWEST_WORDS))) < _FEWEST_WORDS


def _views(words: Sequence[str]) -> Iterator[str]:
    if len(words) <= _LONGEST_STRETCH:
        return
    for size, step in _VIEWS if len(words) <= _LONG_STRETCH else _COARSE_VIEWS:
        last = len(words) - size
        for start in (*range(0, last, step), last):
            yield " ".join(words[start : start + size])
