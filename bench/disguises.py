"""Ways to write a text that a language model reads and a search for words does not find."""

import random
import re
import urllib.parse
from typing import Final

_LEET: Final = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7"}


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
