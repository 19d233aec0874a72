"""The generated texts."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from bench.texts import DISTINCT, Supply, body, conversation, text

_TOKENIZER = Path(__file__).parents[2] / "models" / "tokenizer.json"
numbers = st.integers(0, DISTINCT - 1)


@given(numbers, numbers)
def test_different_numbers_have_different_texts(one: int, other: int) -> None:
    assert (text(one) == text(other)) == (one == other)


def test_a_long_run_repeats_no_text() -> None:
    assert len({text(number) for number in range(50_000)}) == 50_000


@pytest.mark.parametrize("number", [-1, DISTINCT])
def test_there_are_no_texts_beyond_the_last(number: int) -> None:
    with pytest.raises(ValueError, match="there are"):
        text(number)


def test_neighbours_differ_in_more_than_a_word() -> None:
    for number in range(200):
        one, other = set(text(number).split()), set(text(number + 1).split())
        assert len(one - other) >= 3


@pytest.mark.skipif(not _TOKENIZER.is_file(), reason="needs models/tokenizer.json: run aimux model pull")
def test_texts_have_8_to_12_tokens() -> None:
    tokenizer = Tokenizer.from_file(str(_TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    lengths = [len(tokenizer.encode(text(number), add_special_tokens=False).ids) for number in range(5000)]
    assert 8 <= min(lengths) < max(lengths) <= 12


def test_bodies_are_json_in_one_line_of_about_90_bytes() -> None:
    bodies = [body(number) for number in range(1000)]
    assert all(json.loads(each)["query"] == text(number) for number, each in enumerate(bodies))
    assert not any("\n" in each for each in bodies)
    sizes = sorted(len(each) for each in bodies)
    assert sizes[0] >= 65
    assert 80 <= sizes[500] <= 100
    assert sizes[-1] <= 110


def test_a_conversation_asks_the_same_text() -> None:
    made = conversation(body(7), "some-model")
    assert json.loads(made) == {"model": "some-model", "messages": [{"role": "user", "content": text(7)}]}
    assert "\n" not in made


def test_a_supply_gives_each_body_once() -> None:
    supply = Supply()
    given_out = [*supply.bodies(3), *supply.bodies(2)]
    assert given_out == [body(number) for number in range(5)]
