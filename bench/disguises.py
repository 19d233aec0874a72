"""Ways to write a text that a language model reads and a search for words does not find, and slips of the fingers."""

import random
import re
import urllib.parse
from collections.abc import Callable
from typing import Final

from aimux.core.looks import LOOKS

_LEET: Final = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7"}

_GREEK: Final = "δφψθξλσπΔΦΨΘΞΛΣΠΓ"
_CYRILLIC: Final = "жщшчцдлфэюябзи"
_UNKNOWN: Final = ("🔥", "🔥💣", " 谢谢 ", " 你 ", " ผู้ใช้ ")


def leet(text: str, chance: random.Random) -> str:
    """Digits and signs for most letters that look like them."""
    return "".join(chance.choice(_LEET.get(letter, letter)) if chance.random() < 0.8 else letter for letter in text)


def escaped(text: str, chance: random.Random) -> str:
    """In the escapes of an address, or of a page."""
    if chance.random() < 0.5:
        return urllib.parse.quote(text)
    return "".join(f"&#{ord(letter)};" if chance.random() < 0.5 else letter for letter in text)


def named(text: str, chance: random.Random) -> str:
    """One name in a program: in small letters with signs between words, or in humps."""
    words = re.findall(r"\w+", text)
    if chance.random() < 0.5:
        return "_".join(words)
    return "".join((*words[:1], *(word[:1].upper() + word[1:] for word in words[1:])))


def hyphened(text: str, _: random.Random) -> str:
    """A hyphen in the middle of each longer word."""
    return re.sub(r"\w{5,}", lambda word: f"{word[0][: len(word[0]) // 2]}-{word[0][len(word[0]) // 2 :]}", text)


def homoglyphs(text: str, chance: random.Random) -> str:
    """Half of its letters in those of other alphabets that look like them."""
    return "".join(
        chance.choice(LOOKS[letter]) if letter in LOOKS and chance.random() < 0.5 else letter for letter in text
    )


def invisible(text: str, chance: random.Random) -> str:
    """Characters of no width and tags between its letters."""
    return "".join(letter + chance.choice(("", "\u200b", "\u2060", "\U000e0041", "\u00ad")) for letter in text)


def full_width(text: str, _: random.Random) -> str:
    """In the letters of East Asian typesetting."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def in_tags(text: str, _: random.Random) -> str:
    """In tag characters, which nobody sees, behind a word that says nothing."""
    return "hello" + "".join(chr(0xE0000 + ord(letter)) for letter in text if letter.isascii())


def spelt_out(text: str, _: random.Random) -> str:
    """A space behind each letter, two behind each word."""
    return "  ".join(" ".join(word) for word in text.split())


def edged(text: str, chance: random.Random) -> str:
    """The first or last letter of its longer words in another alphabet, in which no letter looks like a Latin one."""
    letter: str = chance.choice(_GREEK + _CYRILLIC)
    first = chance.random() < 0.5

    def edge(found: re.Match[str]) -> str:
        word: str = found[0]
        rest = word[1:] if first else word[:-1]
        if letter in _CYRILLIC:
            rest = rest.upper()
        return letter + rest if first else rest + letter

    return re.sub(r"[A-Za-z]{4,}", edge, text)


def edged_once(text: str, chance: random.Random) -> str:
    """The same of its longest word alone."""
    longest = max(re.findall(r"[A-Za-z]+", text), key=len, default="")
    return text.replace(longest, edged(longest, chance), 1)


def among_unknown(text: str, chance: random.Random) -> str:
    """Pictures for its spaces, or words that the model does not know between its own."""
    return chance.choice(_UNKNOWN).join(text.split())


def with_a_picture(text: str, chance: random.Random) -> str:
    """A picture right behind it, or behind a space."""
    return text + chance.choice(("", " ")) + chance.choice("🔥📈👍🙏")


def in_science(text: str, chance: random.Random) -> str:
    """A Greek letter before its longest word."""
    longest = max(re.findall(r"[A-Za-z]+", text), key=len, default="")
    return text.replace(longest, chance.choice("ΔΣβλ") + longest, 1)


def negated(text: str, _: random.Random) -> str:
    """Forbidden in so many words."""
    return f"do not {text}"


def mistyped(share: float, *, spaces: bool = False) -> Callable[[str, random.Random], str]:
    """With this share of its letters, or of all that it is written with, doubled, left out or another one."""

    def disguise(text: str, chance: random.Random) -> str:
        letters = list(text)
        places = [place for place, letter in enumerate(letters) if spaces or letter.isalpha()]
        for place in chance.sample(places, min(max(1, round(share * len(places))), len(places))):
            letters[place] = chance.choice((letters[place] * 2, "", chance.choice("abcdefghijklmnopqrstuvwxyz")))
        return "".join(letters)

    return disguise
