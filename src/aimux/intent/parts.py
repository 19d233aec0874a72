"""The parts of a text: its sentences, the clauses of these, what other marks divide, and stretches of words.

A request that is hidden among others says little in the vector of the whole, and everything in that of its own words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Final

from aimux.core.values import value

_SENTENCE: Final = re.compile(r"(?<=[.!?;:。！？；])\s+|[\r\n]+")
_CLAUSE: Final = re.compile(
    r"(?<!\d),|,(?!\d)|\s(?:--?|[–—&])\s"
    r"|\b(?:and(?: then| also)?|as well as|after that|then|also|but|or|plus|before|while)\b",
    re.IGNORECASE,
)
# Brackets and quotation marks, and whatever else is at the edge of a word: lists, tables, links and pages have such
# marks. What ends a sentence stays with it.
_SIGN: Final = r"[^\w\s.,!?;:。！？；]"
_EDGE: Final = re.compile(rf"{_SENTENCE.pattern}|[()\[\]{{}}<>\"“”„«»|\t–—]|(?<!\w){_SIGN}+|{_SIGN}+(?!\w)")
_MARK: Final = re.compile(rf"{_EDGE.pattern}|{_CLAUSE.pattern}", re.IGNORECASE)
_ASIDE: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>|\"[^\"]*\"|“[^“”]*”|«[^«»]*»")
# Three words or more that signs tie to one, as paths, addresses and the names in programs are made.
_TIED: Final = re.compile(r"(?<![^\W_])[^\W\d_][^\W_]*+(?:(?:[^\w\s'’\"“”„«»()\[\]{}<>]|_)++[^\W_]++){2,}+")
_TIE: Final = re.compile(r"[\W_]+")
# Words and nothing that could divide them but a word.
_PLAIN: Final = re.compile(r"(?:[^\W_]++(?:['’][^\W_]++)*+| ++)*+[.?!]?")
# One word alone says nothing that could be told from what stands beside it, and no number says anything.
_FEWEST_WORDS: Final = 2
# With fewer a part is as often a name, or a part of the answer that is wanted, as a request.
_FEWEST_OF_A_REQUEST: Final = 3
_SAID: Final = re.compile(r"[^\W_](?:\S*[^\W_])?")
_ARTICLES: Final = frozenset({"a", "an", "the"})
# How many words a view of a longer stretch has, and by how many the next one begins later. What is hidden is found
# by the view that holds little else, so that there are short ones and longer ones. A view is less than half of
# its stretch: most texts are no longer than two of them, and cost one reading.
_VIEWS: Final = ((5, 2), (9, 3))
_LONGEST_PLAIN: Final = 2 * _VIEWS[0][0]
# Who reads closely reads shorter stretches in halves, of so many words at least: most of them are one request, which
# costs three readings then, and a half of which may mean another route.
_FEWEST_OF_A_HALF: Final = 3
# Beyond so many words, a stretch is looked at less closely: thousands of words may not cost thousands of views.
_LONG_STRETCH: Final = 256
_COARSE_VIEWS: Final = ((5, 3),)
# Pieces of fewer words than this that follow one another are read as one: a mark behind every word, or behind every
# few, hides nothing. Those of single words by themselves too, for what is before them may be short as well.
_SHORT_PIECES: Final = (_FEWEST_WORDS, 4)


@value
class Part:
    """Some words of a text. `whole` says that the text itself sets them apart, as a sentence or a clause."""

    text: str
    whole: bool

    @property
    def brief(self) -> bool:
        """Whether it has hardly any words: fewer than three that say something, as numbers do and articles do not."""
        said = (word for word in _SAID.findall(self.text.lower()) if word not in _ARTICLES)
        return len(list(islice(said, _FEWEST_OF_A_REQUEST))) < _FEWEST_OF_A_REQUEST


def parts(text: str, *, closely: bool = False) -> list[Part]:
    """The parts of a text, each once, in their order; none for a text that has only one.

    `closely`: of stretches too short for views, the halves.
    """
    most = 2 * _FEWEST_OF_A_HALF - 1 if closely else _LONGEST_PLAIN
    if _PLAIN.fullmatch(text) and len(text.split()) <= most and not _CLAUSE.search(text):
        return []  # most texts, and each is as good as read then
    found: dict[str, Part] = {}
    for part in _parts(text, closely=closely):
        if part.text != text:
            known = found.get(part.text)
            if known is None or not known.whole:
                found[part.text] = part
    return list(found.values())


def _parts(text: str, *, closely: bool) -> Iterator[Part]:
    sentences = _joined(_SENTENCE.split(text))
    for sentence in map(" ".join, sentences):
        if len(sentences) > 1:
            yield Part(sentence, whole=True)
        clauses = _joined(_CLAUSE.split(sentence))
        if len(clauses) > 1:
            yield from (Part(" ".join(clause), whole=True) for clause in clauses)
    # What is said in brackets or in quotation marks is not always asked for: it is not whole.
    yield from (Part(words, whole=False) for words in _divided(text, closely=closely))
    asides = _ASIDE.findall(text)
    if asides:
        around = _ASIDE.sub(" ", text)
        apart = [
            words for words in map(str.split, (*(aside[1:-1] for aside in asides), around)) if not _is_short(words)
        ]
        yield from (Part(" ".join(words), whole=False) for words in apart)
        yield from (Part(words, whole=False) for words in _divided(around, closely=closely))


def _divided(text: str, *, closely: bool) -> Iterator[str]:
    """What any marks divide, runs of short pieces, and views of what is long."""
    tied = [_TIE.sub(" ", names) for names in _TIED.findall(text)]
    yield from tied
    loose = _TIED.sub(lambda names: f"\t{_TIE.sub(' ', names[0])}\t", text) if tied else text
    pieces = [words for piece in _MARK.split(loose) if (words := piece.split())]
    stretches = _joined(map(" ".join, pieces))
    for apart in (_joined(_EDGE.split(loose)), stretches):
        if len(apart) > 1:
            yield from map(" ".join, apart)
    runs = [run for size in _SHORT_PIECES for run in _runs(pieces, size)]
    said = sum(map(len, pieces))
    yield from (" ".join(run) for run in runs if len(run) < said)
    for stretch in (*stretches, *runs):
        yield from _views(stretch, closely=closely)


def _runs(pieces: Iterable[Sequence[str]], size: int) -> Iterator[list[str]]:
    """The words of several pieces, one behind the other, that have fewer words each than this."""
    for short, run in groupby(pieces, lambda words: len(words) < size):
        together = list(run)
        if short and len(together) > 1:
            yield [word for words in together for word in words]


def _joined(pieces: Iterable[str]) -> list[list[str]]:
    """The words of pieces, with those of pieces that are too short put to the one before, or behind."""
    joined: list[list[str]] = []
    for words in filter(None, map(str.split, pieces)):
        if joined and (_is_short(words) or _is_short(joined[-1])):
            joined[-1] += words
        else:
            joined.append(words)
    return joined


def _is_short(words: Sequence[str]) -> bool:
    said = (word for word in words if any(map(str.isalpha, word)))
    return len(list(islice(said, _FEWEST_WORDS))) < _FEWEST_WORDS


def _views(words: Sequence[str], *, closely: bool) -> Iterator[str]:
    if closely and 2 * _FEWEST_OF_A_HALF <= len(words) <= _LONGEST_PLAIN:
        half = len(words) // 2
        yield from (" ".join(words[:half]), " ".join(words[half:]))
    for size, step in _VIEWS if len(words) <= _LONG_STRETCH else _COARSE_VIEWS:
        last = len(words) - size
        if last > size:
            for start in (*range(0, last, step), last):
                yield " ".join(words[start : start + size])
