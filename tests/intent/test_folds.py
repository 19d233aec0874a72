"""Folds: even, the same for the same rows in any order, and none shares a text with another."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from aimux.intent.folds import FOLDS, folds_of, words

TEXT = st.lists(st.sampled_from(("pay", "Pay", "the", "bill", "ÉTÉ", "été", "!", "-")), min_size=1, max_size=4)
ROW = st.tuples(TEXT.map(" ".join), st.sampled_from(("red", "green", None)))
ROWS = st.lists(ROW, min_size=1, max_size=60)


@given(ROWS, st.randoms(use_true_random=False))
def test_they_depend_on_the_rows_and_not_on_their_order(rows, chance):
    turned = chance.sample(rows, len(rows))
    assert sorted(zip(rows, folds_of(rows), strict=True), key=repr) == sorted(
        zip(turned, folds_of(turned), strict=True), key=repr
    )


@given(ROWS)
def test_texts_of_the_same_words_are_together(rows):
    homes = {}
    for (text, _), fold in zip(rows, folds_of(rows), strict=True):
        assert homes.setdefault(words(text), fold) == fold
        assert 0 <= fold < FOLDS


def test_case_and_what_is_between_words_do_not_matter():
    assert words("Pay, the BILL!") == words("pay the  bill") != words("pay the bills")
    assert words("?!") != words("!")


@given(st.dictionaries(st.sampled_from(("red", "green", "blue", None)), st.integers(1, 40), min_size=1))
def test_each_route_is_spread_evenly(counts):
    rows = [(f"{name} {number}", name) for name, count in counts.items() for number in range(count)]
    folds = folds_of(rows)
    for name, count in counts.items():
        spread = Counter(fold for (_, home), fold in zip(rows, folds, strict=True) if home == name)
        assert max(spread.values()) - (min(spread.values()) if len(spread) == FOLDS else 0) <= 1
        assert sum(spread.values()) == count
    whole = Counter(folds)
    assert max(whole.values()) - (min(whole.values()) if len(whole) == FOLDS else 0) <= 1
