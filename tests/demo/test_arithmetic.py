import random
from fractions import Fraction

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from aimux.demo.agents.arithmetic import NotArithmetic, work_out
from aimux.demo.agents.numerals import read_number, write_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("what is 50 times 3", 150),
        ("What's 50 × 3?", 150),
        ("50x3", 150),
        ("fifty times three", 150),
        ("how much is 1,000 minus 250 please", 750),
        ("calculate (2 + 3) * 4", 20),
        ("2 + 3 * 4", 14),
        ("2 * 3 + 4", 10),
        ("10 - 4 - 3", 3),
        ("100 / 10 / 5", 2),
        ("17 mod 5", 2),
        ("-2^2", -4),
        ("2^3^2", 512),
        ("2 to the power of -1", Fraction(1, 2)),
        ("2 ** 10", 1024),
        ("3 squared plus 4 squared", 25),
        ("2 cubed", 8),
        ("15% of 80", 12),
        ("15 percent of 80 plus 1", 13),
        ("50%", Fraction(1, 2)),
        ("square root of 81", 9),
        ("what is the square root of 16 plus 9", 13),
        ("sqrt(144) / 2", 6),
        ("cube root of -27", -3),
        ("half of 90", 45),
        ("a third of 9", 3),
        ("double 21", 42),
        ("a quarter of 8", 2),
        ("the square root 16", 4),
        ("cube root 27", 3),
        ("cube root of 1", 1),
        ("sqrt 1", 1),
        ("9 over 3", 3),
        ("the product of 6, 7", 42),
        ("add 3 and 4", 7),
        ("add 3 to 4", 7),
        ("add up the numbers 3 and 4", 7),
        ("subtract 3 from 10", 7),
        ("the difference between 10 and 4", 6),
        ("multiply 6 by 7", 42),
        ("the product of 6 and 7", 42),
        ("divide 144 by 12", 12),
        ("one hundred and five plus two", 107),
        ("two million three hundred thousand and then", 2_300_000),
        ("minus 5 plus 2", -3),
        (".5 + 1.25", Fraction(7, 4)),
    ],
)
def test_works_out_what_is_said(text: str, value: int | Fraction) -> None:
    assert work_out(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no number"),
        ("hello there", "no number"),
        ("5 apples and 3 bananas", "other words"),
        ("5 6", "where an operation should be"),
        ("2 +", "ends where"),
        ("2 + * 3", "where a number should be"),
        ("(2 + 3", "missing"),
        ("2 + 3)", "where an operation should be"),
        ("subtract 3 and 10", "'from' missing"),
        ("divide 3", "'by' missing"),
        ("1 / 0", "divided by zero"),
        ("1 mod 0", "divided by zero"),
        ("0 ^ -1", "divided by zero"),
        ("2 ^ 0.5", "whole powers"),
        ("2 ^ 99999", "too large"),
        ("9^99^99", "too large"),
        ("square root of -4", "negative"),
        ("1 + " * 80 + "1", "too long"),
        ("(" * 5000 + "1", "too long"),
        ("9" * 5000, "too long"),
        ("9" * 90 + "^20", "too large"),
        ("*".join(["9" * 90] * 10), "too large"),
        ("__import__('os').system('true')", "no number"),
    ],
)
def test_says_why_it_cannot(text: str, reason: str) -> None:
    with pytest.raises(NotArithmetic, match=reason):
        work_out(text)


SIGNS = {
    "+": ("+", "plus"),
    "-": ("-", "minus", "−"),
    "*": ("*", "times", "×", "multiplied by"),
    "/": ("/", "divided by"),
}


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Fraction | None, str]:
    """An expression as text, its value (None where it divides by zero), and the shape of its last operation."""
    if depth == 0 or draw(st.booleans()):
        number = draw(st.decimals(0, 1000, places=draw(st.integers(0, 2))))
        return str(number), Fraction(number), "number"
    left, left_value, _ = draw(expressions(depth - 1))
    right, right_value, _ = draw(expressions(depth - 1))
    operator = draw(st.sampled_from("+-*/"))
    text = f"({left}) {draw(st.sampled_from(SIGNS[operator]))} ({right})"
    if left_value is None or right_value is None or (operator == "/" and right_value == 0):
        return text, None, operator
    value = {
        "+": lambda: left_value + right_value,
        "-": lambda: left_value - right_value,
        "*": lambda: left_value * right_value,
        "/": lambda: left_value / right_value,
    }[operator]()
    return text, value, operator


@settings(deadline=None)
@given(expressions())
def test_agrees_with_fractions(expression: tuple[str, Fraction | None, str]) -> None:
    text, value, _ = expression
    if value is None:
        with pytest.raises(NotArithmetic, match="divided by zero"):
            work_out(text)
    else:
        assert work_out(f"what is {text}?") == value


@pytest.mark.parametrize("outcome", ["nothing", "number", "+", "-", "*", "/"])
def test_the_expressions_reach_every_outcome(outcome: str) -> None:
    assert find(expressions(), lambda found: outcome == ("nothing" if found[1] is None else found[2]))


WORDS = [
    "what",
    "is",
    "5",
    "0",
    "times",
    "(",
    ")",
    "-",
    "^",
    "%",
    "of",
    "and",
    "sqrt",
    "half of",
    "divide",
    "by",
    "9" * 60,
]


@settings(deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join)))
def test_nothing_else_than_a_number_or_a_reason_comes_of_any_text(text: str) -> None:
    try:
        written = write_number(work_out(text))
    except NotArithmetic as reason:
        written = str(reason)
    assert written


UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    "ten",
    "eleven",
    "twelve",
    *(f"{word}teen" for word in ("thir", "four", "fif", "six", "seven", "eigh", "nine")),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def _in_words(number: int) -> str:
    joint = random.Random(number).choice((" ", " and "))
    if number < 20:
        return (UNITS + TEENS)[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f"-{_in_words(number % 10)}" if number % 10 else "")
    if number < 1000:
        return _in_words(number // 100) + " hundred" + (joint + _in_words(number % 100) if number % 100 else "")
    return _in_words(number // 1000) + " thousand" + (f" {_in_words(number % 1000)}" if number % 1000 else "")


@settings(deadline=None)
@given(st.integers(0, 999_999))
def test_reads_numbers_in_words(number: int) -> None:
    assert work_out(_in_words(number)) == number


@settings(deadline=None)
@given(st.decimals(-(10**9), 10**9, places=10))
def test_writes_what_it_reads(number: Fraction) -> None:
    written = write_number(Fraction(number))
    assert Fraction(written) == Fraction(number)
    assert read_number(written.removeprefix("-")) == abs(Fraction(number))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Fraction(150), "150"),
        (Fraction(1000), "1000"),
        (Fraction(-5, 2), "-2.5"),
        (Fraction(10, 3), "about 3.3333333333"),
        (Fraction(-1, 10**11), "about 0"),
        (Fraction(0), "0"),
    ],
)
def test_writes_numbers(value: Fraction, written: str) -> None:
    assert write_number(value) == written


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_roots_of_squares_are_exact(number: int) -> None:
    assert work_out(f"square root of {number * number}") == number


@settings(deadline=None)
@given(st.fractions(0, 10**6))
def test_roots_are_as_close_as_their_places(value: Fraction) -> None:
    root = work_out(f"sqrt({value.numerator} / {value.denominator})")
    step = Fraction(1, 10**20)
    assert root**2 <= value < (root + step) ** 2
