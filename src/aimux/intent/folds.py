"""Parting labelled texts into folds, so that what is fitted on some is judged on others."""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

FOLDS: Final = 5
_WORD: Final = re.compile(r"\w+")


def folds_of(rows: Sequence[tuple[str, str | None]], folds: int = FOLDS) -> list[int]:
    """The fold of each row, from 0 on, of a text and the route that it should reach.

    Each route's texts are spread evenly. It depends on what the rows say and not on their order, and texts of the same
    words are in one fold: otherwise what was fitted would have been seen.
    """
    homes: dict[str, str] = {}
    for text, expected in rows:
        key, home = words(text), expected or ""
        homes[key] = min(home, homes.get(key, home))
    ordered = sorted(homes, key=lambda key: (homes[key], sha256(key.encode()).digest()))
    places = {key: number % folds for number, key in enumerate(ordered)}
    return [places[words(text)] for text, _ in rows]


def words(text: str) -> str:
    """The words of a text, whatever their case and what stands between them."""
    found = _WORD.findall(text.casefold())
    return " ".join(found) if found else text
