"""Arithmetic in plain words or signs, worked out exactly: "what is 50 times 3", "15% of 80", "(2 + 3) * 4".

A text is cut into tokens, and a recursive-descent parser works out the value as it reads. No part of a text is ever
given to Python to evaluate.

    sum     = product { ("+" | "-") product }
    product = signed { ("*" | "/" | "mod") signed }
    signed  = "-" signed | power
    power   = postfix [ "^" signed ]
    postfix = atom { "squared" | "cubed" | "%" [ "of" signed ] }
    atom    = number | "(" sum ")" | root signed | share signed | verb sum separator sum
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from operator import add, mul, sub
from typing import NoReturn

from aimux.demo.agents.numerals import NUMBER, read_number

MAX_TOKENS = 100
MAX_DIGITS = 100
MAX_BITS = 2048
ROOT_PLACES = 20


class NotArithmetic(Exception):  # noqa: N818  (says what the text is)
    """The text holds no arithmetic that can be worked out; the message says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """A number (with its value), a sign of the language above (its meaning in `sign`), or another word."""

    sign: str
    value: Fraction | None = None


def _divide(value: Fraction, by: Fraction) -> Fraction:
    if by == 0:
        raise NotArithmetic("nothing can be divided by zero")
    return value / by


Operation = Callable[[Fraction, Fraction], Fraction]

_SIGNS = {
    "plus": "+",
    "minus": "-",
    "−": "-",
    "x": "*",
    "×": "*",
    "times": "*",
    "multiplied by": "*",
    "÷": "/",
    "divided by": "/",
    "over": "/",
    "modulo": "mod",
    "**": "^",
    "to the power of": "^",
    "percent": "%",
    "per cent": "%",
    ",": "and",
    **{sign: sign for sign in ("+", "-", "*", "/", "mod", "^", "%", "(", ")", "squared", "cubed")},
    **{separator: separator for separator in ("of", "and", "by", "to", "from")},
}
_ROOTS = {"square root of": 2, "square root": 2, "sqrt": 2, "cube root of": 3, "cube root": 3}
_SHARES = {"half of": Fraction(1, 2), "third of": Fraction(1, 3), "quarter of": Fraction(1, 4), "double": Fraction(2)}
_VERBS: dict[str, tuple[tuple[str, ...], Operation]] = {
    "sum of": (("and",), add),
    "add": (("and", "to"), add),
    "difference between": (("and",), sub),
    "subtract": (("from",), lambda less, whole: whole - less),
    "product of": (("and",), mul),
    "multiply": (("and", "by"), mul),
    "divide": (("by",), _divide),
}
_EDGES = ("of", "and", "by", "to", "from")
_FILLERS = ("the", "a", "number", "numbers", "up", "together")


def _pattern(phrase: str) -> str:
    spaced = re.escape(phrase).replace(r"\ ", r"\s+")
    return rf"(?<![a-z]){spaced}(?![a-z])" if phrase[-1].isalpha() else spaced


_PHRASES = sorted((*_SIGNS, *_ROOTS, *_SHARES, *_VERBS), key=len, reverse=True)
_TOKEN = re.compile(rf"(?P<number>{NUMBER})|(?P<phrase>{'|'.join(map(_pattern, _PHRASES))})|(?P<word>[a-z]+|\S)")


def work_out(text: str) -> Fraction:
    """The value of the arithmetic in a text. Words around it are passed over. Raises NotArithmetic."""
    parser = _Parser(_expression(_tokens(text)))
    value = parser.sum()
    if parser.rest:
        raise NotArithmetic(f"it goes on with '{parser.rest[0].sign}' where an operation should be")
    return value


def _tokens(text: str) -> list[Token]:
    tokens = []
    for found in _TOKEN.finditer(text.lower()):
        written = re.sub(r"\s+", " ", found.group())
        if found.lastgroup == "number":
            tokens.append(Token("number", _fitting(_number(written))))
        elif found.lastgroup == "phrase":
            tokens.append(Token(_SIGNS.get(written, written)))
        elif written not in _FILLERS:
            tokens.append(Token("word"))
        if len(tokens) > MAX_TOKENS:
            raise NotArithmetic("it is too long")
    return tokens


def _number(written: str) -> Fraction:
    if len(written) > MAX_DIGITS:
        raise NotArithmetic("a number in it is too long")
    return read_number(written)


def _expression(tokens: list[Token]) -> list[Token]:
    """The one run of tokens between other words that holds a number."""
    runs: list[list[Token]] = [[]]
    for token in tokens:
        if token.sign == "word":
            runs.append([])
        else:
            runs[-1].append(token)
    worth = [run for run in runs if any(token.value is not None for token in run)]
    if len(worth) != 1:
        raise NotArithmetic("there are other words between its numbers" if worth else "there is no number in it")
    run = worth[0]
    while run[0].sign in _EDGES:
        run = run[1:]
    while run[-1].sign in _EDGES:
        run = run[:-1]
    return run


class _Parser:
    """One method a line of the grammar. `rest` are the tokens that have not been read yet."""

    def __init__(self, tokens: list[Token]) -> None:
        self.rest = tokens

    def sum(self) -> Fraction:
        value = self.product()
        while sign := self._next("+", "-"):
            other = self.product()
            value = _fitting(value + other if sign == "+" else value - other)
        return value

    def product(self) -> Fraction:
        value = self.signed()
        while sign := self._next("*", "/", "mod"):
            value = _fitting({"*": mul, "/": _divide, "mod": _modulo}[sign](value, self.signed()))
        return value

    def signed(self) -> Fraction:
        return -self.signed() if self._next("-") else self.power()

    def power(self) -> Fraction:
        value = self.postfix()
        return _power(value, self.signed()) if self._next("^") else value

    def postfix(self) -> Fraction:
        value = self.atom()
        while sign := self._next("squared", "cubed", "%"):
            if sign == "%":
                value = _fitting(value / 100 * (self.signed() if self._next("of") else 1))
            else:
                value = _power(value, Fraction(2 if sign == "squared" else 3))
        return value

    def atom(self) -> Fraction:
        if not self.rest:
            raise NotArithmetic("it ends where a number should be")
        token, self.rest = self.rest[0], self.rest[1:]
        if token.value is not None:
            return token.value
        if token.sign == "(":
            value = self.sum()
            return value if self._next(")") else _missing(")")
        if token.sign in _ROOTS:
            return _root(self.signed(), _ROOTS[token.sign])
        if token.sign in _SHARES:
            return _fitting(_SHARES[token.sign] * self.signed())
        if token.sign in _VERBS:
            return self._verb(*_VERBS[token.sign])
        raise NotArithmetic(f"there is '{token.sign}' where a number should be")

    def _verb(self, separators: tuple[str, ...], operation: Operation) -> Fraction:
        first = self.sum()
        if not self._next(*separators):
            _missing(separators[0])
        return _fitting(operation(first, self.sum()))

    def _next(self, *signs: str) -> str | None:
        """Read the next token if it is one of these."""
        if self.rest and self.rest[0].sign in signs:
            token, self.rest = self.rest[0], self.rest[1:]
            return token.sign
        return None


def _missing(sign: str) -> NoReturn:
    raise NotArithmetic(f"there is a '{sign}' missing in it")


def _fitting(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise NotArithmetic("the numbers grow too large")
    return value


def _modulo(value: Fraction, by: Fraction) -> Fraction:
    _divide(value, by)
    return value % by


def _power(value: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise NotArithmetic("only whole powers are known here")
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits > 1 and bits * abs(exponent) > MAX_BITS:
        raise NotArithmetic("the numbers grow too large")
    return _divide(Fraction(1), value ** -int(exponent)) if exponent < 0 else value ** int(exponent)


def _root(value: Fraction, degree: int) -> Fraction:
    """The root to ROOT_PLACES decimal places, exact where it has no more than these."""
    if value < 0 and degree % 2 == 0:
        raise NotArithmetic("a negative number has no square root here")
    scale = 10**ROOT_PLACES
    root = Fraction(_whole_root(math.floor(abs(value) * scale**degree), degree), scale)
    return _fitting(-root if value < 0 else root)


def _whole_root(value: int, degree: int) -> int:
    """The largest whole number whose power is not over the value, by halving the interval."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= value else (low, middle)
    return low
