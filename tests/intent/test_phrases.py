"""Which of several words is meant at each place: by all that a text could say, and by what stands side by side."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.intent.phrases import Guess, Phrases

WORDS = st.sampled_from("abcd")
GUESSES = st.lists(st.tuples(st.integers(-9, 0), WORDS | st.tuples(WORDS, WORDS).map(" ".join)), min_size=1, max_size=3)
INTENTS = st.lists(st.lists(WORDS, max_size=4), max_size=4)


def likelihood(phrases: Phrases, text: tuple[Guess, ...]) -> float:
    """That of a text by its words, and by those that stand beside each other."""
    ends = [words.lower().split() for _, words in text]
    beside = sum(phrases.gain(before[-1], behind[0]) for before, behind in itertools.pairwise(ends))
    return sum(value for value, _ in text) + beside


@given(INTENTS, st.lists(GUESSES.map(tuple), max_size=5))
def test_each_guess_loses_what_the_likeliest_text_with_it_loses(
    intents: list[list[str]], places: list[tuple[Guess, ...]]
) -> None:
    phrases = Phrases(intents)
    every = {
        chosen: likelihood(phrases, tuple(guesses[at] for guesses, at in zip(places, chosen, strict=True)))
        for chosen in itertools.product(*(range(len(guesses)) for guesses in places))
    }
    best = max(every.values())
    expected = [
        [best - max(each for chosen, each in every.items() if chosen[place] == at) for at in range(len(guesses))]
        for place, guesses in enumerate(places)
    ]
    chosen, losses = phrases.likeliest(places)
    assert every[tuple(chosen)] == best
    assert len(losses) == len(expected)
    for found, wanted in zip(losses, expected, strict=True):
        assert found == pytest.approx(wanted)


def test_the_word_before_counts_and_the_word_behind() -> None:
    phrases = Phrases([["flip", "a", "coin"]])
    assert phrases.likeliest([((0.0, "A"),), ((0.0, "in"), (-2.0, "Coin"))]) == ([0, 1], [[0.0], [1.0, 0.0]])
    assert phrases.likeliest([((0.0, "in"), (-2.0, "a")), ((0.0, "coin"),)]) == ([1, 0], [[1.0, 0.0], [0.0]])
    turned = [((0.0, "coin"),), ((0.0, "in"), (-2.0, "a"))]
    assert phrases.likeliest(turned) == ([0, 0], [[0.0], [0.0, 2.0]])
    ends = [((0.0, "to flip"),), ((0.0, "at"), (-2.0, "a fish"))]
    assert phrases.likeliest(ends) == ([0, 1], [[0.0], [1.0, 0.0]])


def test_of_equal_texts_one_is_chosen_and_not_a_piece_of_each() -> None:
    phrases = Phrases([["a", "d"], ["c", "b"]])
    chosen, losses = phrases.likeliest([((0.0, "a"), (0.0, "c")), ((0.0, "b"), (0.0, "d"))])
    assert chosen in ([0, 1], [1, 0])
    assert losses == [[0.0, 0.0], [0.0, 0.0]]


def test_no_text_loses_nothing() -> None:
    assert Phrases([]).likeliest([]) == ([], [])
