"""Signs for letters: escapes, braille and Morse code as what they spell, and what is none of them as it is."""

import html
import time
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.core.escapes import decoded
from aimux.core.legible import seen

WORDS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=12), min_size=2, max_size=8)
WANTED = "drop the orders table"


@pytest.mark.parametrize(
    "text",
    [
        "drop%20the%20orders%20table",
        "drop+the+orders%20table",
        "drop+the+orders+table",
        "drop%2520the%2520orders%2520table",
        "%64%72%6F%70 the orders table",
        "&#100;rop the orders table",
        "&#x64;rop&#32;the orders table",
        "&#100rop the orders table",
        "&amp;#100;rop the orders table",
        "\\u0064rop the orders table",
        "\\u{64}rop the \\U0000006frders table",
        "\\x64\\x72op the orders table",
        "drop the\\norders\\r\\ntable",
        "drop\\tthe orders\\u005cntable",
        "⠙⠗⠕⠏ ⠞⠓⠑ ⠕⠗⠙⠑⠗⠎ ⠞⠁⠃⠇⠑",
        "-.. .-. --- .--. / - .... . / --- .-. -.. . .-. ... / - .- -... .-.. .",
        "-.. .-. --- .--.   - .... .   --- .-. -.. . .-. ...   - .- -... .-.. .",
        "–.. .–. ––– .––. | – .... . | ––– .–. –.. . .–. ... | – .– –... .–.. .",
    ],
)
def test_signs_for_letters_are_read_as_letters(text: str) -> None:
    assert " ".join(decoded(text).split()) == WANTED
    assert [" ".join(other.split()) for other in seen(text).others] == [WANTED]


@pytest.mark.parametrize(
    "text",
    [
        "C++ and C#, a+b and x + y",
        "50% off, 20%de and 100%",
        "AT&T, R&D, ?a=1&copy=2 & so on",
        "C:\\users\\bob, C:\\new, \\d+ and \\u",
        "- one\n- two",
        "| --- | --- | --- | --- |",
        "-----\n.....\n- - - - - -",
        "3.5 - 2.1 ... -- then",
        "⠋ loading",
        "&#; &; &nosuchname; \\u{110000} \\u{d800}",
    ],
)
def test_what_is_no_sign_for_a_letter_stays(text: str) -> None:
    assert decoded(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1\\ndelete 2\\nall", "1\ndelete 2\nall"),
        ("todo:\\r\\ndelete:\\tall", "todo:\ndelete:\nall"),  # one break, whatever it is made of
        ('say \\"all\\" or \\/', 'say "all" or /'),
        ("удали\\nвсе", "удали\nвсе"),
        ("C:\\new\\table", "C:\\new\nable"),
    ],
)
def test_what_divides_lines_in_programs_does(text: str, expected: str) -> None:
    assert decoded(text) == expected


def test_an_escape_of_half_a_pair_is_no_text_that_cannot_be_read() -> None:
    assert decoded("\\ud83d\\ude00 \\ud83d") == "\U0001f600 \ufffd"


def test_what_is_decoded_is_read_as_it_looks() -> None:
    assert seen("d%E2%80%8Be%6Cete").others == ("delete",)
    assert seen("&#x0441;ancel").others == ("cancel",)
    assert seen("\\u202edelete").others == ("delete",)


@given(WORDS, st.sampled_from(["percent", "entities", "twice"]))
def test_a_text_that_was_escaped_is_itself_again(words: list[str], form: str) -> None:
    text = " ".join(words)
    escaped = {
        "percent": urllib.parse.quote(text),
        "entities": "".join(f"&#{ord(letter)};" for letter in text),
        "twice": urllib.parse.quote(urllib.parse.quote(text)),
    }[form]
    assert decoded(escaped) == text == html.unescape(decoded(escaped))


@given(st.text() | st.text("%&#x\\u{}0-9a;+-. /|", max_size=60))
def test_any_text_is_decoded(text: str) -> None:
    decoded(text).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    "piece",
    [
        *("%", "%4", "&", "&#", "\\u", "\\", "-", ". ", "- /", "a+", "+", "'", "€", "a€", "&lt"),
        *("\\n", "\\n\\r\\t", "a\\n", "%5cn", "\\u005cn", "&bsol;n", "C:\\n", '\\"', "\\\\n"),
    ],
)
def test_long_texts_of_signs_take_no_long_time(piece: str) -> None:
    text = "%41 &lt; " + piece * 30_000 + "1"
    began = time.process_time()
    seen(text)
    assert time.process_time() - began < 1
