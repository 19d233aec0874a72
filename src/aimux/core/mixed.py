"""Words in letters of two alphabets: those that people write, and how else such a word could be read.

Science puts a Greek letter before or behind a Latin word, languages put their endings behind foreign names, and brands
are two words in one. None of these has letters of one alphabet between those of the other.
"""

import unicodedata
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

_LATIN: Final = "LATIN"
_GREEK: Final = "GREEK"
_CYRILLIC: Final = "CYRILLIC"
# As a sign, of a change or of a kind of rays, a Greek letter stands alone or with another one.
_MOST_SIGNS: Final = 2
# What letters sound like that look like no Latin one; those of Greek have it in their names.
_SOUNDS: Final[dict[str, str]] = dict(zip("бвгджзийлпфцчшщыэюєїя", (*"bvgdjziilpfccssyeuei", "ya"), strict=True))


def runs_of(word: str, script_of: Callable[[str], str]) -> list[tuple[str, str]]:
    """The alphabets of a word in their order, each with its letters; a mark belongs to the letter before it."""
    scripts: list[str] = []
    for letter in word:
        scripts.append(scripts[-1] if scripts and unicodedata.combining(letter) else script_of(letter))
    pairs = groupby(zip(scripts, word, strict=True), lambda pair: pair[0])
    return [(script, "".join(letter for _, letter in run)) for script, run in pairs]


def is_written_so(runs: Sequence[tuple[str, str]], own: frozenset[str]) -> bool:
    """Whether people write such a word. `own` are the alphabets that the text has whole words in."""
    if len(runs) != 2 or {script for script, _ in runs} not in ({_LATIN, _GREEK}, {_LATIN, _CYRILLIC}):
        return False
    (script, first), (_, second) = runs
    if any(script == _GREEK and _letters(run) <= _MOST_SIGNS for script, run in runs):
        return True
    if script == _LATIN and second.islower():  # an ending behind an abbreviation, or in a text of that language
        return first[-1:].isupper() or runs[1][0] in own
    if script == _LATIN:
        return second.istitle() and not second.isupper()
    return second[:1].isupper() and (first[-1:].islower() or not second.isupper())


def by_sound(runs: Sequence[tuple[str, str]], looks: Callable[[str], str]) -> str:
    """Such a word as one Latin word, in small letters: what it would be if it were written so to deceive.

    `looks` gives the Latin letter that one of another alphabet looks like, or the letter itself.
    """
    said = [
        run.lower() if script == _LATIN else "".join(_sound(letter, looks) for letter in run) for script, run in runs
    ]
    return "".join(said)


def _letters(run: str) -> int:
    return sum(not unicodedata.combining(letter) for letter in run)


def _sound(letter: str, looks: Callable[[str], str]) -> str:
    alike = looks(letter).lower()
    if alike.isascii():
        return alike
    name = unicodedata.name(letter, "")
    if name.startswith(_GREEK):
        return name.partition(" LETTER ")[2].removeprefix("FINAL ")[:1].lower()
    return _SOUNDS.get(letter.lower(), "")
