"""An operator's token tells a typo at once, wherever in it that is."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.core.operator_tokens import CHANCE, PREFIX, is_mistyped, with_checksum

ALPHABET = string.ascii_letters + string.digits + "-_"
chance = st.text(ALPHABET, min_size=CHANCE, max_size=CHANCE)


@given(chance)
def test_a_token_is_none_with_a_typo(text: str) -> None:
    token = with_checksum(text)
    assert token.startswith(PREFIX + text)
    assert not is_mistyped(token)


@given(chance, st.integers(min_value=len(PREFIX)), st.sampled_from(ALPHABET))
def test_another_character_is_a_typo(text: str, place: int, other: str) -> None:
    token = with_checksum(text)
    place = len(PREFIX) + place % (len(token) - len(PREFIX))
    changed = token[:place] + other + token[place + 1 :]
    assert is_mistyped(changed) == (changed != token)


@given(chance, st.integers(min_value=1))
def test_a_token_that_is_cut_off_is_a_typo(text: str, missing: int) -> None:
    token = with_checksum(text)
    kept = len(PREFIX) + missing % (len(token) - len(PREFIX))
    assert is_mistyped(token[:kept])


@given(chance, st.data())
def test_two_letters_that_change_places_are_a_typo(text: str, data: st.DataObject) -> None:
    token = with_checksum(text)
    place = data.draw(st.integers(len(PREFIX), len(token) - 2))
    swapped = token[:place] + token[place + 1] + token[place] + token[place + 2 :]
    assert is_mistyped(swapped) == (swapped != token)


@given(st.text())
def test_any_other_text_was_not_meant_as_one(text: str) -> None:
    assert not is_mistyped(text) or text.startswith(PREFIX)


@pytest.mark.parametrize("text", ["", "short", "x" * (CHANCE + 1), "ä" * CHANCE])
def test_only_the_whole_chance_makes_a_token(text: str) -> None:
    with pytest.raises(ValueError, match="43 URL-safe characters"):
        with_checksum(text)
