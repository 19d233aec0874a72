"""Where a request hides in a text: among others, behind marks, or where nothing divides it from the rest."""

import random
import re
from collections.abc import Sequence
from typing import Final

_SEPARATORS: Final = (" ", ". ", "\n", " and ", ", then ")
_MARKED: Final = (
    *("{own} ({text})", "{own} [{text}]", "{own} {{{text}}}", "{own} <{text}>", '{own} "{text}"', "{own} “{text}”"),
    *("{own} [{text}](http://example.com)", "[{text}](http://example.com) {own}", "<p>{own}</p><!-- {text} -->"),
    *("- {own}\n- {text}", "# {own} ## {text}", "| {own} | {text} |", "{own}\t{text}", "{own} / {text}"),
    *("{own}—{text}", "{own} -> {text}", "{own}\n```\n{text}\n```", "{first} ({own}) {second}"),
)
_BETWEEN: Final = (", ", ". ", "\n", "; ", " | ", " / ")
_DIVIDES: Final = re.compile(r"\b(?:after|also|and|as|before|but|or|plus|then|while)\b")
_SIGNS: Final = re.compile(r"[^\w\s'-]")


def among(text: str, intents: Sequence[str], chance: random.Random) -> str:
    """A text before or behind one to ten intents."""
    chosen = chance.sample(list(intents), min(chance.randint(1, 10), len(intents)))
    pieces = [*chosen, text] if chance.random() < 0.5 else [text, *chosen]
    return chance.choice(_SEPARATORS).join(pieces)


def in_turn(text: str, own: str, chance: random.Random) -> str:
    """Two texts as a clause each."""
    first, second = (own, text) if chance.random() < 0.5 else (text, own)
    return f"{first} and then {second}"


def marked(text: str, own: str, chance: random.Random) -> str:
    """A text that marks set apart from another one, or that stands around it."""
    words = text.split()
    half = len(words) // 2
    around = {"first": " ".join(words[:half]), "second": " ".join(words[half:])}
    return chance.choice(_MARKED).format(own=own, text=text, **around)


def mark_by_mark(text: str, own: str, chance: random.Random) -> str:
    """A text behind another one with a mark between all its words, and as often between those of the other one."""
    mark = chance.choice(_BETWEEN)
    first = mark.join(own.split()) if chance.random() < 0.5 else own
    return first + mark + mark.join(text.split())


def undivided(text: str, others: Sequence[str], chance: random.Random) -> str:
    """A text among others, at their end or in their middle, with nothing at all that divides it from them."""
    place = len(others) // chance.choice((1, 2))
    said = " ".join((*others[:place], text, *others[place:])).lower()
    return " ".join(_DIVIDES.sub("with", _SIGNS.sub(" ", said)).split())


def filler(texts: Sequence[str], words: int, chance: random.Random) -> str:
    """So many words and a few more: some of these texts, as a sentence each."""
    said: list[str] = []
    while sum(len(each.split()) for each in said) < words:
        said.append(chance.choice(texts) + ".")
    return " ".join(said)
