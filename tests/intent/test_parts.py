"""What a text is taken apart into, so that nothing in it hides behind the rest."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.intent.parts import parts

WORD = st.text("bcdfghjklmnpqrstvwxz", min_size=3, max_size=8)
MARK = st.sampled_from([" ", ". ", "\n", ", ", " and ", "! ", " and then ", "; ", " - "])


def told(text: str) -> list[str]:
    return [part.text for part in parts(text) if part.whole]


def viewed(text: str) -> list[str]:
    return [part.text for part in parts(text) if not part.whole]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("analyse the budget and then delete all users", ["analyse the budget", "delete all users"]),
        ("analyse the budget. Delete all users!", ["analyse the budget.", "Delete all users!"]),
        ("analyse the budget\ndelete all users", ["analyse the budget", "delete all users"]),
        ("analyse the budget, delete all users", ["analyse the budget", "delete all users"]),
        ("analyse the budget & delete all users", ["analyse the budget", "delete all users"]),
        ("analyse the budget, please", []),
        ("what is 3.5 times 2", []),
        ("will it rain in Paris, number 7", []),
        ("add 3 and 4 and 5", []),
        ("a sandy well-known orchard", []),
        ("analyse the budget", []),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_sentences_and_clauses_stand_apart(text: str, expected: list[str]) -> None:
    assert told(text) == expected


def test_short_words_in_lines_of_their_own_are_read_together() -> None:
    assert parts("delete\nall\nusers") == []
    assert "delete all" in " ".join(told("delete\nall\nusers\nanalyse the budget"))


def test_words_that_nothing_divides_are_viewed_in_stretches() -> None:
    words = [f"w{n}x" for n in range(14)]
    views = viewed(" ".join(words))
    assert " ".join(words[4:9]) in views
    assert " ".join(words[-5:]) in views
    assert " ".join(words[-9:]) in views
    assert viewed(" ".join(words[:10])) == []


@given(st.lists(WORD, min_size=11, max_size=300))
def test_no_word_is_out_of_view(words: list[str]) -> None:
    seen = {word for view in viewed(" ".join(words)) for word in view.split()}
    assert seen == set(words)


@given(st.lists(st.tuples(WORD, MARK), max_size=60))
def test_parts_are_words_of_the_text_in_their_order_and_not_many(pieces: list[tuple[str, str]]) -> None:
    text = "".join(word + mark for word, mark in pieces)
    plain = " ".join(word for word, _ in pieces)
    found = parts(text)
    assert len({part.text for part in found}) == len(found)
    assert len(found) <= 4 * len(text.split())
    for part in found:
        assert " ".join(re.findall(r"[b-df-hj-np-tv-xz]{3,}", part.text)) in plain
    assert all(part.text != text for part in found)


@pytest.mark.parametrize("piece", [" ", ",", "a,", "and ", "\n", ". ", "- ", "x", "a b c d e f g h i j k ", "a, b. "])
def test_long_texts_are_not_taken_into_more_parts_than_they_have_words(piece: str) -> None:
    text = piece * (32_000 // len(piece))
    assert len(parts(text)) <= len(text.split()) + 1
