"""The figures of routing, against counting by hand and against published values."""

import math
import random
from itertools import product
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.intent.quality import FEW, Estimate, Kind, Outcome, Trial, assess, auroc, passing_threshold, share

SCORES = st.lists(st.sampled_from((0.0, 0.1, 0.25, 0.5, 0.5000001, 0.75, 1.0)), min_size=1, max_size=30)


def counted(inside, outside):
    """The area by looking at every pair."""
    return sum((i > o) + (i == o) / 2 for i, o in product(inside, outside)) / (len(inside) * len(outside))


@given(SCORES, SCORES)
def test_the_area_is_the_share_of_pairs_in_order_with_ties_by_half(inside, outside):
    found = auroc(inside, outside)
    assert math.isclose(found.value, counted(inside, outside), abs_tol=1e-12)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.rows == min(len(inside), len(outside))
    turned = auroc(outside, inside)
    assert math.isclose(turned.value, 1 - found.value, abs_tol=1e-12)
    assert math.isclose(turned.low, 1 - found.high, abs_tol=1e-9)


def test_scores_that_are_wholly_apart_leave_room_for_doubt():
    few, many = auroc([1.0] * 10, [0.0] * 10), auroc([1.0] * 1000, [0.0] * 1000)
    assert few.value == few.high == many.high == 1.0
    assert few.low < 0.85
    assert 0.99 < many.low < 1.0


@pytest.mark.parametrize(("inside", "outside", "apart"), [(50, 50, 1.0), (200, 60, 2.0), (25, 30, 0.0)])
def test_the_interval_of_the_area_holds_the_true_one_about_as_often_as_it_says(inside, outside, apart):
    chance = random.Random(7)
    true = NormalDist().cdf(apart / math.sqrt(2))
    held = 0
    for _ in range(400):
        found = auroc([chance.gauss(apart, 1) for _ in range(inside)], [chance.gauss(0, 1) for _ in range(outside)])
        held += found.low <= true <= found.high
    assert 0.92 <= held / 400 <= 0.99


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [
        # Newcombe 1998, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_the_interval_of_a_share_is_the_published_one(hits, rows, low, high):
    found = share([True] * hits + [False] * (rows - hits))
    assert found.value == hits / rows
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_a_share_is_within_its_interval(hits):
    found = share(hits)
    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    assert found.low < found.high


def test_of_no_rows_there_is_no_figure():
    nothing = Estimate(None, None, None, 0)
    assert share([]) == auroc([], [0.5]) == auroc([0.5], []) == nothing
    assert passing_threshold([]) is None
    assert nothing.is_on_few


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300))
def test_the_threshold_is_the_highest_at_which_the_coverage_passes(scores):
    threshold = passing_threshold(scores)
    assert 100 * sum(score >= threshold for score in scores) >= 95 * len(scores)
    higher = [score for score in scores if score > threshold]
    assert 100 * len(higher) < 95 * len(scores)


def trial(expected, outcome, best="a", score=0.5, kind=None):
    return Trial("x", expected, kind, outcome, best, score, best_score=score)


def test_each_row_is_counted_where_it_belongs():
    forwarded, ambiguous, no_match, unread = Outcome
    trials = [
        *[trial("a", forwarded, score=0.9)] * 12,
        *[trial("a", forwarded, "b", 0.8)] * 3,
        *[trial("a", ambiguous, score=0.7)] * 2,
        *[trial("a", no_match, score=0.3)] * 2,
        trial("a", unread, None, 0.0),
        *[trial(None, no_match, score=0.2, kind=Kind.NEAR)] * 3,
        trial(None, forwarded, score=0.6, kind=Kind.NEAR),
        *[trial(None, ambiguous, score=0.3, kind=Kind.FAR)] * 2,
        trial(None, no_match, score=0.1),
    ]
    found = assess(trials)
    inside = found.in_scope
    # The right route is best in all rows but the three that went elsewhere and the one that nobody read.
    assert (inside.accuracy.value, inside.accuracy.rows) == (0.8, 20)
    shares = (inside.right, inside.wrong, inside.ambiguous, inside.no_match, inside.unread)
    assert [each.value for each in shares] == [0.6, 0.15, 0.1, 0.1, 0.05]
    # 19 of 20 score 0.3 or more.
    assert found.threshold == 0.3
    assert (found.near.false_forwards.value, found.far.false_forwards.value) == (0.25, 1.0)
    assert found.all_outside.false_forwards.value == 3 / 7
    assert (found.near.forwarded.value, found.near.no_match.value, found.far.ambiguous.value) == (0.25, 0.75, 1.0)
    assert found.near.auroc.value == counted([each.score for each in trials[:20]], [0.2, 0.2, 0.2, 0.6])
    assert (found.ambiguous.value, found.ambiguous.rows, found.rows) == (4 / 27, 27, 27)
    assert found.far.forwarded.is_on_few
    assert not inside.right.is_on_few
    assert FEW == 20


def test_a_row_is_right_only_where_it_went_where_it_should():
    forwarded, ambiguous, no_match, unread = Outcome
    assert trial("a", forwarded).is_right
    assert not any(trial("a", each).is_right for each in (ambiguous, no_match, unread))
    assert not trial("b", forwarded).is_right
    assert trial(None, no_match).is_right
    assert trial(None, unread).is_right
    assert not any(trial(None, each).is_right for each in (forwarded, ambiguous))
