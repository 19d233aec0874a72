"""Numbers as people write them ("1,000", "2.5", "forty-two", "three hundred and five"), and back again."""

import re
from fractions import Fraction

PLACES = 10

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {
    **{word: number for number, word in enumerate(_UNITS + _TEENS)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=2)},
}
_SCALES = {"thousand": 1000, "million": 1000_000}

_UNIT = f"(?:{'|'.join(_UNITS)})"
_SMALL = rf"(?:(?:{'|'.join(_TENS)})(?:[\s-]+{_UNIT})?|{'|'.join(_TEENS)}|{_UNIT})"
_BELOW_1000 = rf"(?:{_UNIT}\s+hundred(?:\s+(?:and\s+)?{_SMALL})?|{_SMALL})"
_WORDS = rf"{_BELOW_1000}(?:\s+(?:{'|'.join(_SCALES)})(?:\s+{_BELOW_1000})?)*"
_DIGITS = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+"

NUMBER = rf"(?:{_DIGITS}|\b{_WORDS}\b)"
"""A regular expression for one number, in lower case."""


def read_number(written: str) -> Fraction:
    """The value of a text that NUMBER matches."""
    if not written[0].isalpha():
        return Fraction(written.replace(",", ""))
    total = group = 0
    for word in re.findall("[a-z]+", written):
        if word in _SCALES:
            total, group = total + group * _SCALES[word], 0
        elif word == "hundred":
            group *= 100
        else:
            group += _VALUES.get(word, 0)  # "and" adds nothing
    return Fraction(total + group)


def write_number(value: Fraction) -> str:
    """A whole number or a decimal one of at most PLACES places; "about" says that it was rounded."""
    scaled = round(value * 10**PLACES)
    whole, decimals = divmod(abs(scaled), 10**PLACES)
    written = f"{whole}.{decimals:0{PLACES}}".rstrip("0").rstrip(".")
    signed = f"-{written}" if scaled < 0 else written
    return signed if value * 10**PLACES == scaled else f"about {signed}"
