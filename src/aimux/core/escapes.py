"""Texts that are written in signs for letters: the escapes of addresses, pages and programs, braille, Morse code.

A language model reads them as easily as letters, so that they are read as what they spell as well.
"""

import html
import re
from typing import Final

# What is escaped twice is read, and what is so more often than this nobody reads.
_ROUNDS: Final = 3
_ANY: Final = re.compile(
    r"%[0-9A-Fa-f]{2}|&#[0-9xX]|&[A-Za-z]{2,31};|\\[uUx][0-9A-Fa-f{]|\\[nrt\"'/]|[A-Za-z]\+[A-Za-z]"
)
_STRETCH: Final = re.compile(r"\S+")
_PERCENT: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_PLUSES: Final = re.compile(r"(?<![\w+])[A-Za-z]+(?:\+[A-Za-z0-9']+){2,}+")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9A-Fa-f]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)")
_UNITS: Final = re.compile(r"(?:\\u[0-9A-Fa-f]{4})+")
_POINT: Final = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}|\\U([0-9A-Fa-f]{8})")
_BYTES: Final = re.compile(r"(?:\\x[0-9A-Fa-f]{2})+")
# Ends of lines, tabs and marks as JSON and programs write them. In a path they may be names, and right behind a drive's
# letter they are.
_BREAK: Final = re.compile(r"(?<!\b[A-Za-z]:)(?:\\[nrt])++")
_QUOTED: Final = re.compile(r"\\([\"'/])")
_SURROGATES: Final = range(0xD800, 0xE000)
_LAST: Final = 0x10FFFF

_BRAILLE: Final = str.maketrans("⠁⠃⠉⠙⠑⠋⠛⠓⠊⠚⠅⠇⠍⠝⠕⠏⠟⠗⠎⠞⠥⠧⠺⠭⠽⠵⠀⠲⠂⠄", "abcdefghijklmnopqrstuvwxyz .,'", "⠠⠰")
_CELLS: Final = re.compile(r"[\u2800-\u28ff]{2,}")
_STROKES: Final = str.maketrans("·•−–—_", "..----")
_MORSE: Final = re.compile(r"(?<!\S)[-.·•−–—_]{1,6}+(?:[ \t/|]++[-.·•−–—_]{1,6}+){3,}+")
_MORSE_WORD: Final = re.compile(r"[ \t]*[/|][ \t/|]*|[ \t]{2,}")
_MORSE_LETTERS: Final = dict(
    zip(
        (
            *(".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-..", "--", "-.", "---"),
            *(".--.", "--.-", ".-.", "...", "-", "..-", "...-", ".--", "-..-", "-.--", "--..", "-----", ".----"),
            *("..---", "...--", "....-", ".....", "-....", "--...", "---..", "----.", ".-.-.-", "--..--", "..--.."),
        ),
        "abcdefghijklmnopqrstuvwxyz0123456789.,?",
        strict=True,
    )
)
# A line of dashes and dots is no message.
_FEWEST_LETTERS: Final = 3


def decoded(text: str) -> str:
    """A text without escapes, and what is in braille or Morse code in letters; the same text where nothing is."""
    for _ in range(_ROUNDS):
        if not _ANY.search(text):
            break
        plain = _once(text)
        if plain == text:
            break
        text = plain
    if not text.isascii():
        text = _CELLS.sub(lambda cells: cells.group().translate(_BRAILLE), text)
    return _MORSE.sub(_from_morse, text)


def _once(text: str) -> str:
    if "%" in text:
        text = _STRETCH.sub(_of_address, text)
    if "+" in text:
        text = _PLUSES.sub(lambda words: words.group().replace("+", " "), text)
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity.group().removesuffix(";") + ";"), text)
    if "\\" in text:
        text = _UNITS.sub(_from_units, text)
        text = _POINT.sub(_from_point, text)
        text = _BYTES.sub(_from_bytes, text)
        text = _QUOTED.sub(r"\1", _BREAK.sub("\n", text))
    return text


def _of_address(word: re.Match[str]) -> str:
    plain = _PERCENT.sub(_from_percent, word.group())
    return word.group() if plain == word.group() else _PERCENT.sub(_from_percent, word.group().replace("+", " "))


def _from_percent(escaped: re.Match[str]) -> str:
    raw = bytes.fromhex(escaped.group().replace("%", ""))
    try:
        return raw.decode()
    except UnicodeDecodeError:  # per cent of something
        return escaped.group()


def _from_units(escaped: re.Match[str]) -> str:
    return bytes.fromhex(escaped.group().replace("\\u", "")).decode("utf-16-be", "replace")


def _from_point(escaped: re.Match[str]) -> str:
    code = int(escaped[1] or escaped[2], 16)
    return escaped.group() if code > _LAST or code in _SURROGATES else chr(code)


def _from_bytes(escaped: re.Match[str]) -> str:
    raw = bytes.fromhex(escaped.group().replace("\\x", ""))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _from_morse(code: re.Match[str]) -> str:
    strokes = code.group().translate(_STROKES)
    words = [word.split() for word in _MORSE_WORD.split(strokes)]
    letters = [[_MORSE_LETTERS.get(letter) for letter in word] for word in words]
    spelt = [letter for word in letters for letter in word]
    if None in spelt or len(set(spelt)) < _FEWEST_LETTERS or not {"-", "."} <= set(strokes):
        return code.group()
    return " ".join("".join(filter(None, word)) for word in letters)
