"""Characters that set the direction in which others are written, by the rules of Unicode's annex 9."""

import unicodedata
from typing import Final

LEFT_TO_RIGHT: Final = "\u202d"
RIGHT_TO_LEFT: Final = "\u202e"
OVERRIDES: Final = (LEFT_TO_RIGHT, RIGHT_TO_LEFT)
_END: Final = "\u202c"
_ISOLATES: Final = "\u2066\u2067\u2068"
_END_OF_ISOLATE: Final = "\u2069"
_BEGINNINGS: Final = f"\u202a\u202b{LEFT_TO_RIGHT}{RIGHT_TO_LEFT}{_ISOLATES}"
# The directions that a character has by itself, of which an override turns round the others.
_TURNED_BY: Final = {LEFT_TO_RIGHT: frozenset({"R", "AL"}), RIGHT_TO_LEFT: frozenset({"L", "EN", "AN"})}


def turns(text: str) -> bool:
    """Whether an override shows letters or digits in another order than the one they are read in by a program.

    Numbers are often pasted with overrides around them that change nothing.
    """
    if LEFT_TO_RIGHT not in text and RIGHT_TO_LEFT not in text:
        return False
    within: list[str] = []
    for character in text:
        if character in _BEGINNINGS:
            within.append(character)
        elif character == _END:
            if within and within[-1] not in _ISOLATES:
                within.pop()
        elif character == _END_OF_ISOLATE:
            within = _behind_isolate(within)
        elif unicodedata.bidirectional(character) == "B":
            within.clear()
        elif within and unicodedata.bidirectional(character) in _TURNED_BY.get(within[-1], ()):
            return True
    return False


def _behind_isolate(within: list[str]) -> list[str]:
    """All that is open behind the end of an isolate, which ends whatever was begun in it; all where there is none."""
    starts = [place for place, begun in enumerate(within) if begun in _ISOLATES]
    return within[: starts[-1]] if starts else within
