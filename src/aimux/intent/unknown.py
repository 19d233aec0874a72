"""Words of a text that a model cannot read: its tokenizer has only the one token for them that stands for all such.

Texts of such words have the vector of their length, whatever they say, so that nothing may be decided by it. Signs and
pictures that the model does not know say little beside words, and do not count as long as there are words.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from aimux.core.values import value
from aimux.intent.encoder import Encoder

MOST_UNKNOWN: Final = 1 / 3
"""A text, a part or a window is not read where more of its words' tokens than this are unknown.

English with foreign names and terms has fewer, nearly all of what is written in Chinese has more.
"""
# About two words, in columns: four ideographs, which are two columns wide each.
_SAYS_SOMETHING: Final = 8
_WIDE: Final = frozenset("WF")
_KEPT: Final = 4
_STRETCH: Final = re.compile(r"\S+")


class Kind(IntEnum):
    """A token is of a word, or of a sign without any letter or digit; the model knows it or does not."""

    WORD = 0
    SIGN = 1
    UNKNOWN_WORD = 2
    UNKNOWN_SIGN = 3


_SIGNS: Final = frozenset({Kind.SIGN, Kind.UNKNOWN_SIGN})


class Token(NamedTuple):
    """One token of a text: its kind, its first character, and the one behind its last."""

    kind: Kind
    start: int
    stop: int


@value
class Window:
    """The tokens that the model reads at once, special ones included, and whether it knows too little of them."""

    ids: Sequence[int]
    is_unread: bool = False


@value
class Read:
    """The windows of a text, and whether something in it that is unknown may say something."""

    windows: tuple[Window, ...]
    says_more: bool = False


class Unknowns:
    """Finds what is unknown to a model."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        # Several questions are asked of one text in a row.
        self.tokenize = lru_cache(maxsize=_KEPT)(encoder.tokenize)
        self._tokens = lru_cache(maxsize=_KEPT)(self._tokens_of)

    def is_in(self, text: str) -> bool:
        """Whether a text has anything unknown. Most have nothing, and no more is asked then."""
        return self._encoder.unknown is not None and self._encoder.unknown in self.tokenize(text)

    def read(self, text: str) -> Read:
        """The windows of a text."""
        windows = self._encoder.windows(self.tokenize(text))
        if not self.is_in(text):
            return Read(tuple(map(Window, windows)))
        tokens = self._tokens(text)
        kinds = [token.kind for token in tokens]
        all_of_it = is_unread(kinds)
        unread = [all_of_it or is_unread(kinds[start:stop]) for start, stop in self._encoder.ranges(len(kinds))]
        has_words = not _SIGNS.issuperset(kinds)
        says_more = (has_words and any(unread)) or _says_something(text, tokens)
        return Read(tuple(map(Window, windows, unread)), says_more)

    def kinds(self, text: str) -> list[Kind]:
        """The kind of each token of a text."""
        return [token.kind for token in self._tokens(text)]

    def divided(self, text: str) -> str:
        """The text with spaces between letters and signs, and in endless words, where the model knows neither for it.

        A picture in the place of a space, or right behind a word, makes one unknown word of all that it touches.
        """
        return self._replaced(text, self._apart) if self.is_in(text) else text

    def known(self, text: str) -> str:
        """The rest of a text without its unknown words and signs."""
        return " ".join(self._replaced(text, lambda _: " ").split())

    def _replaced(self, text: str, other: Callable[[str], str]) -> str:
        """The text with something else for each unknown word or sign."""
        pieces, behind = [], 0
        for token in self._tokens(text):
            if token.kind >= Kind.UNKNOWN_WORD:
                pieces += [text[behind : token.start], other(text[token.start : token.stop])]
                behind = token.stop
        return "".join((*pieces, text[behind:]))

    def _apart(self, said: str) -> str:
        longest = self._encoder.longest_word or len(said)
        if len(said) <= longest and said.isalnum():
            return said
        runs = ["".join(run) for _, run in groupby(said, _is_of_a_word)]
        return " ".join(run[start : start + longest] for run in runs for start in range(0, len(run), longest))

    def _tokens_of(self, text: str) -> Sequence[Token]:
        unknown = self._encoder.unknown
        coded = zip(self.tokenize(text), self._encoder.spans(text), strict=True)
        return [Token(_kind(text[start:stop], is_unknown=one == unknown), start, stop) for one, (start, stop) in coded]


def share(kinds: Sequence[Kind]) -> float:
    """The share of the words that is unknown, 0-1; where there are only signs, 1 if one of them is."""
    unknown, known = kinds.count(Kind.UNKNOWN_WORD), kinds.count(Kind.WORD)
    if unknown + known:
        return unknown / (unknown + known)
    return float(Kind.UNKNOWN_SIGN in kinds)


def is_unread(kinds: Sequence[Kind]) -> bool:
    """Whether the vector of such tokens says next to nothing."""
    return share(kinds) > MOST_UNKNOWN


def _kind(said: str, *, is_unknown: bool) -> Kind:
    if said.isalnum() or any(map(str.isalnum, said)):
        return Kind.UNKNOWN_WORD if is_unknown else Kind.WORD
    return Kind.UNKNOWN_SIGN if is_unknown else Kind.SIGN


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def _says_something(text: str, tokens: Sequence[Token]) -> bool:
    """Whether so much that is unknown stands together that it may say something.

    That is where words with something unknown follow one another and it is about as long as two words of English; or as
    many pictures in a text of signs alone.
    """
    if all(token.kind in _SIGNS for token in tokens):
        return _columns(text, tokens, Kind.UNKNOWN_SIGN) >= _SAYS_SOMETHING
    return any(
        is_unread([token.kind for token in run]) and _columns(text, run, Kind.UNKNOWN_WORD) >= _SAYS_SOMETHING
        for run in _runs(text, tokens)
    )


def _runs(text: str, tokens: Iterable[Token]) -> Iterator[list[Token]]:
    """The tokens of words that follow one another, between white space, and have each something unknown."""
    ends = [stretch.end() for stretch in _STRETCH.finditer(text)]
    words = [list(word) for _, word in groupby(tokens, lambda token: bisect_right(ends, token.start))]
    said = [word for word in words if any(token.kind not in _SIGNS for token in word)]
    for unknown, run in groupby(said, lambda word: any(token.kind is Kind.UNKNOWN_WORD for token in word)):
        if unknown:
            yield [token for word in run for token in word]


def _columns(text: str, tokens: Iterable[Token], kind: Kind) -> int:
    """The width of the tokens of a kind, in columns of a terminal."""
    return sum(
        2 if unicodedata.east_asian_width(character) in _WIDE else not unicodedata.combining(character)
        for token in tokens
        if token.kind is kind
        for character in text[token.start : token.stop]
    )
