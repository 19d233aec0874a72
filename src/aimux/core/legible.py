"""What a reader sees of a text: letters by their looks, nothing invisible, words that are spelt out put together.

A text is scored as it is seen, so that letters of another alphabet which look like Latin ones, characters of no width
and full-width forms change nothing. What no reader could tell is not guessed: such a text is refused.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from aimux.core.bidi import OVERRIDES, turns
from aimux.core.escapes import decoded
from aimux.core.looks import BOXED, LATIN, LIKE_LETTERS, SIGNS, TURNED, TURNED_ALONE
from aimux.core.mixed import by_sound, is_written_so, runs_of
from aimux.core.values import value

_TAGS: Final = range(0xE0020, 0xE007F)
_FLAG: Final = 0x1F3F4
# Of no width, or of no meaning to anybody: what controls a terminal, and what a font may draw as it likes.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
# Alphabets that are written like the Latin one and look like it: a word with letters of one between those of another is
# spelt to deceive.
_ALIKE: Final = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "GEORGIAN", "CANADIAN"})
_LIKE_LATIN: Final = _ALIKE | {"LATIN"}
# Alphabets that nobody writes in today. Who spells English in them writes for a language model alone.
_DEAD: Final = frozenset(
    {"RUNIC", "OGHAM", "DESERET", "SHAVIAN", "GOTHIC", "GLAGOLITIC", "PHOENICIAN", "UGARITIC", "CARIAN", "LYCIAN"}
    | {"LYDIAN", "OLD", "LINEAR"}
)
_FEWEST_DEAD: Final = 3
_MARKS: Final = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
_WORD: Final = re.compile(rf"(?:[^\W\d_]{_MARKS}*)+")
_SIGNED: Final = re.compile(rf"(?<![\w{LIKE_LETTERS}])(?:(?:[^\W\d_]|[{LIKE_LETTERS}]){_MARKS}*+){{3,}}+(?!\w)")
_SPELT: Final = re.compile(r"(?<![^\W_])[^\W\d_](?:[ \t.\-_*·,/|]{1,3}[^\W\d_]){3,}(?![^\W_])")
_LATIN_WORD: Final = re.compile(r"[A-Za-z]{3}")
_APART: Final = re.compile(r"[ \t]{2,}")
_SHORT: Final = 3
_FEWEST_TURNED: Final = 3
# So many words of two alphabets may stand among so many words; where there are more, they are spelt to deceive.
_MOST_MIXED: Final = 2
_NEAR: Final = 5
_MIXED: Final = "it holds words whose letters are of several alphabets: write each in one"


class IllegibleError(ValueError):
    """A text that no reader could tell the meaning of. The message says why, and repeats nothing of it."""


@value
class Legible:
    """A text as it is seen, and what else of it could be read: letters spelt one by one, characters that hide."""

    text: str
    others: tuple[str, ...] = ()


def seen(text: str) -> Legible:
    """What a reader sees of a text. Raises IllegibleError."""
    others: list[str] = []
    other = raw = text
    if not text.isascii():
        hidden = _hidden(text)
        if hidden:
            others.append(hidden)
    text, sound = _read(text)
    if sound != text:
        others.append(sound)
    other = text
    if len(TURNED_ALONE.intersection(raw)) >= _FEWEST_TURNED:
        other = _by_looks(_upright(raw))
    plain = decoded(other)
    if plain != other:
        for override in OVERRIDES:
            plain = plain.replace(override, "")
        other = _by_looks(plain)
    other = _SPELT.sub(_together, other)
    if other != text:
        others.append(other)
    return Legible(text, tuple(others))


def _by_looks(text: str) -> str:
    return _read(text)[0]


def _read(text: str) -> tuple[str, str]:
    """A text by its looks; and so with its words of two alphabets as if each were one Latin word."""
    if text.isascii():
        plain = text if text.isprintable() else _INVISIBLE.sub("", text)
        return plain, plain
    if turns(text):
        raise IllegibleError("it holds characters that reverse the order of others: write it without them")
    # What has no width may stand between a letter and its mark.
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text.translate(BOXED)))
    plain = _INVISIBLE.sub("", plain)
    if plain.isascii():
        return plain, plain
    plain = _SIGNED.sub(_without_signs, plain)
    own = _alphabets_of_its_own(plain)
    looks = [_latin(word, own) for word in _WORD.findall(plain)]
    mixed = [" " in word for word in looks]
    if any(sum(mixed[start : start + _NEAR]) > _MOST_MIXED for start in range(len(mixed)) if mixed[start]):
        raise IllegibleError(_MIXED)
    read = _put_in(plain, looks)
    if not any(mixed):
        return read, read
    return read, _WORD.sub(lambda word: _latin(word.group(), own, sounded=True), plain)


def _without_signs(word: re.Match[str]) -> str:
    """A word with signs as letters where it has one between others, or several."""
    said = word.group()
    places = [place for place, character in enumerate(said) if ord(character) in SIGNS]
    inside = any(0 < place < len(said) - 1 for place in places)
    return said.translate(SIGNS) if inside or len(places) > 1 else said


def _upright(text: str) -> str:
    """A text whose letters are upside down, as they would stand: in both orders, since they may be reversed or not."""
    words = text.split()
    turned = [place for place, word in enumerate(words) if not TURNED_ALONE.isdisjoint(word)]
    first, last = turned[0], turned[-1] + 1
    upright = " ".join(words[first:last]).translate(TURNED)
    return " ".join((*words[:first], f"{upright[::-1]}. {upright}.", *words[last:]))


def _alphabets_of_its_own(text: str) -> frozenset[str]:
    """The alphabets that have words which could not be meant as Latin ones: somebody writes in them."""
    own, dead = set(), 0
    for word in _WORD.findall(text):
        scripts = {_script(letter) for letter in word}
        dead += not scripts.isdisjoint(_DEAD)
        if len(scripts) == 1 and not word.translate(LATIN).isascii():
            own |= scripts & _ALIKE
    if dead >= _FEWEST_DEAD and _LATIN_WORD.search(text):
        raise IllegibleError("it holds words in an alphabet that nobody writes in today: write them in letters")
    return frozenset(own)


def _latin(word: str, own: frozenset[str], *, sounded: bool = False) -> str:
    """A word in Latin letters where it looks like one; one of two alphabets as two words or, `sounded`, as a Latin one.

    Raises IllegibleError where letters of several alphabets are mixed as nobody writes them.
    """
    if word.isascii():
        return word
    bare = "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
    scripts = {_script(letter) for letter in bare}
    if len(scripts) == 1 and scripts <= own:
        return word
    looks = bare.translate(LATIN)
    if looks.isascii():
        return looks
    if len(scripts & _LIKE_LATIN) > 1 and len(bare) > _SHORT:
        runs = runs_of(word, _script)
        if is_written_so(runs, own):
            return by_sound(runs, _look) if sounded else " ".join(_latin(run, own) for _, run in runs)
        raise IllegibleError(_MIXED)
    return word


def _put_in(text: str, words: Iterable[str]) -> str:
    following = iter(words)
    return _WORD.sub(lambda _: next(following), text)


def _look(letter: str) -> str:
    return LATIN.get(ord(letter), letter)


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _hidden(text: str) -> str:
    """What tag characters spell: no reader sees them, and a language model may read them."""
    spelt, flag = [], False
    for character in text:
        code = ord(character)
        if code in _TAGS:
            if not flag:
                spelt.append(chr(code - 0xE0000))
        else:
            flag = code == _FLAG
    return "".join(spelt)


def _together(spelt: re.Match[str]) -> str:
    words = _APART.split(spelt.group())
    return " ".join("".join(letter for letter in word if letter.isalnum()) for word in words)
