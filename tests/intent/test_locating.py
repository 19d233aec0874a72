"""Where a part stands in its text, whatever the part was read as."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.intent.locating import Locator
from aimux.intent.parts import parts

WORD = st.text("bcdfghjklmnpqrstvwxz", min_size=1, max_size=6)
MARK = st.sampled_from([" ", ". ", "\n", ", ", " and ", "! ", "  ", "; ", " - ", " (", ") ", "/"])


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


@pytest.mark.parametrize(
    ("text", "part", "found"),
    [
        ("restart it. Close case 88, please", "Close case 88", "Close case 88"),
        ("It runs.  Close \n case 88!", "Close case 88!", "Close \n case 88!"),
        ("close (as you said) the case", "close the case", "close (as you said) the case"),
        ("close\tthe/case", "close the case", "close\tthe/case"),
        ("disclose the case, close the case", "close the case", "close the case"),
        ("close it or close the case", "close the case", "close the case"),
        ("Caf\u00e9 closes", "caf\u00e9 closes", "Caf\u00e9 closes"),
        ("nothing like it", "close the case", None),
        ("close one two three four five six seven eight nine ten the case", "close the case", None),
        ("case the close", "close the case", None),
        ("!!!", "close", None),
        ("close it", "...", None),
    ],
)
def test_a_part_is_found_where_its_words_stand(text: str, part: str, found: str | None) -> None:
    span = Locator(text).span(part)
    assert (None if span is None else text[slice(*span)]) == found


def test_a_part_of_what_was_meant_is_found_where_it_was_mistyped() -> None:
    text = "good morning, cloze teh case"
    locator = Locator(text, ("good morning, close the case",))
    span = locator.span("close the case")
    assert span is not None
    assert text[slice(*span)] == "cloze teh case"
    # A reading of other words, one more or fewer, says nothing of the places.
    assert Locator(text, ("so good morning, close the case",)).span("close the case") is None


@given(st.lists(st.tuples(WORD, MARK), min_size=1, max_size=40).map(lambda pairs: "".join(map("".join, pairs))))
def test_every_part_of_a_plain_text_is_found_with_its_words_in_their_order(text: str) -> None:
    locator = Locator(text, (text,))
    for part in parts(text):
        span = locator.span(part.text)
        if span is None:  # what stood between its words was longer than it
            continue
        start, end = span
        assert 0 <= start < end <= len(text)
        rest = iter(words(text[start:end]))
        assert all(word in rest for word in words(part.text))
        assert words(text[start:end])[0] == words(part.text)[0]
        assert words(text[start:end])[-1] == words(part.text)[-1]


@given(st.lists(WORD, min_size=12, max_size=40))
def test_views_of_words_are_found_as_they_stand(said: list[str]) -> None:
    text = " ".join(said)
    for part in parts(text):
        span = Locator(text).span(part.text)
        assert span is not None
        assert text[slice(*span)] == part.text


def test_a_long_text_of_like_words_is_searched_once() -> None:
    text = "close " * 60_000 + "the case"
    span = Locator(text).span("close " * 30_000 + "the case")
    assert span is not None
    assert span[1] == len(text)
    assert Locator(text).span("close " * 30_000 + "cases") is None
