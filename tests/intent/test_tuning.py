"""Fitting thresholds: what holds of every fit, on made-up scores, and what a few clear ones must give."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimux.intent.evidence import AMBIGUOUS, NOWHERE, Case, Evidence
from aimux.intent.tuning import LEADS, PRICES, STEPS, Thresholds, Worth, allowed_of, fit, not_below, outcome

ROUTES = 3
SCORE = st.integers(0, 40).map(lambda step: step / 40)
WHOLE = st.tuples(*[SCORE] * ROUTES)
CASE = st.builds(
    Case, st.integers(NOWHERE, ROUTES - 1), st.one_of(st.none(), WHOLE, WHOLE), st.lists(WHOLE, max_size=2)
).map(lambda case: case if case.whole is not None else case.unread())
LABELLED = st.lists(st.tuples(CASE, st.integers(0, 4)), min_size=5, max_size=40)
NOW = Thresholds((0.4, 0.5, 0.6), 0.05)
EVERY = np.ones(ROUTES, bool)
# A fit tries some hundred choices, and takes a tenth of a second.
few = settings(max_examples=12, deadline=None)


def evidence(labelled):
    return Evidence.of([case for case, _ in labelled], ROUTES), np.array([fold for _, fold in labelled], np.intp)


def unseen(rows, folds, lead, price, tuned):
    """False forwards of the texts of each fold by what is fitted on the others."""
    each = [(rows.some(folds != fold), rows.some(folds == fold)) for fold in np.unique(folds)]
    return sum(outcome(held, Worth(rest, NOW, lead, tuned).least(price), lead)[1] for rest, held in each)


def keeps_to(rows, folds, found, wanted, tuned):
    """Whether a fit keeps to the rate on all texts and, by some price, on those of each fold given the others."""
    allowed = allowed_of(rows.rows, wanted)
    return outcome(rows, np.array(found.least), found.lead)[1] <= allowed <= wanted * rows.rows + 1e-6 and any(
        tuple(Worth(rows, NOW, found.lead, tuned).least(price).tolist()) == found.least
        and unseen(rows, folds, found.lead, price, tuned) <= allowed
        for price in PRICES
    )


@few
@given(LABELLED, st.sampled_from((0.01, 0.05, 0.2, 0.5)), st.lists(st.booleans(), min_size=ROUTES, max_size=ROUTES))
def test_a_fit_keeps_to_the_wanted_rate_and_to_what_may_change(labelled, wanted, tuned):
    rows, folds = evidence(labelled)
    found = fit(rows, folds, NOW, wanted, np.array(tuned))
    if found is None:
        return
    assert keeps_to(rows, folds, found, wanted, np.array(tuned))
    assert found.lead in LEADS
    for least, now, may in zip(found.least, NOW.least, tuned, strict=True):
        assert (least in {step / STEPS for step in range(STEPS + 1)}) if may else least == now


@pytest.mark.parametrize("seed", range(24))
def test_a_fit_keeps_to_the_wanted_rate_where_texts_are_hard_to_tell(seed):
    chance = np.random.default_rng(seed)
    labelled = []
    for expected in range(NOWHERE, ROUTES):
        for _ in range(12):
            whole = chance.normal(0.4, 0.1, ROUTES)
            whole[expected] += 0.1 * (expected != NOWHERE)
            labelled.append((Case(expected, whole.clip(0, 1).tolist()), int(chance.integers(5))))
    rows, folds = evidence(labelled)
    found = fit(rows, folds, NOW, 0.1, EVERY)
    assert found is None or keeps_to(rows, folds, found, 0.1, EVERY)


@few
@given(LABELLED)
def test_whoever_wants_no_rate_gets_a_fit(labelled):
    assert fit(*evidence(labelled), NOW, 1.0, EVERY) is not None


@few
@given(LABELLED, st.randoms(use_true_random=False))
def test_the_order_of_the_texts_changes_nothing(labelled, chance):
    turned = chance.sample(labelled, len(labelled))
    assert fit(*evidence(labelled), NOW, 0.1, EVERY) == fit(*evidence(turned), NOW, 0.1, EVERY)


@given(LABELLED, st.sampled_from(LEADS))
def test_the_dearer_a_false_forward_the_higher_each_min_score(labelled, lead):
    worth = Worth(evidence(labelled)[0], NOW, lead, EVERY)
    found = [worth.least(price) for price in PRICES]
    assert all((dear >= cheap).all() for cheap, dear in pairwise(found))


def many(expected, whole, count=20):
    return [(Case(expected, whole), number % 5) for number in range(count)]


def test_min_score_comes_to_lie_between_what_belongs_and_what_does_not():
    labelled = [
        *many(0, (0.8, 0.0, 0.0)),
        *many(NOWHERE, (0.7, 0.0, 0.0)),
        *many(1, (0.0, 0.3, 0.0)),
        *many(NOWHERE, (0.0, 0.2, 0.1)),
    ]
    found = fit(*evidence(labelled), NOW, 0.01, np.array([True, True, False]))
    # Of all that do as well the highest, and for the route without texts what it had.
    assert found.least == (0.8, 0.3, 0.6)


def test_few_texts_of_a_route_do_not_decide_its_min_score_alone():
    # One text of the second route scores 0.9 by chance; those of the first say that 0.5 is enough.
    labelled = [
        *many(0, (0.5, 0.0, 0.0), 100),
        *many(NOWHERE, (0.4, 0.0, 0.0), 100),
        *many(1, (0.0, 0.9, 0.0), 1),
    ]
    assert fit(*evidence(labelled), NOW, 0.01, EVERY).least[:2] == (0.5, 0.5)
    labelled += many(NOWHERE, (0.0, 0.6, 0.0), 60)
    assert fit(*evidence(labelled), NOW, 0.01, EVERY).least[:2] == (0.5, 0.9)


def test_the_lead_is_as_high_as_false_forwards_ask_for():
    close, clear = (0.60, 0.56, 0.0), (0.60, 0.40, 0.0)
    both = [*many(0, clear), *many(1, (0.0, 0.5, 0.0), 40), *many(NOWHERE, (0.0, 0.4, 0.4))]
    assert fit(*evidence([*both, *many(1, close, 40)]), NOW, 0.01, EVERY).lead > 0.04
    assert fit(*evidence([*both, *many(0, close, 40)]), NOW, 0.01, EVERY).lead < 0.04


def test_the_lead_is_one_of_those_that_may_be_tried():
    close, clear = (0.60, 0.56, 0.0), (0.60, 0.40, 0.0)
    labelled = [*many(0, clear), *many(1, (0.0, 0.5, 0.0), 40), *many(NOWHERE, (0.0, 0.4, 0.4)), *many(0, close, 40)]
    assert fit(*evidence(labelled), NOW, 0.01, EVERY).lead < 0.04
    assert fit(*evidence(labelled), NOW, 0.01, EVERY, leads=not_below(0.035)).lead == 0.035
    assert not_below(0.035) == (0.035, 0.05, 0.07, 0.10, 0.15)
    assert not_below(0.05) == (0.05, 0.07, 0.10, 0.15)
    assert not_below(0.4) == (0.4,)
    # There is always something to try, and never 0.
    assert not_below(0.0) == LEADS


def test_there_is_no_fit_where_a_route_that_stays_lets_too_much_pass():
    labelled = [*many(0, (0.8, 0.0, 0.0)), *many(NOWHERE, (0.0, 0.0, 0.95))]
    assert fit(*evidence(labelled), NOW, 0.01, np.array([True, True, False])) is None
    assert fit(*evidence(labelled), NOW, 0.01, EVERY) is not None


def test_what_is_fitted_has_to_hold_on_texts_that_were_not():
    # What goes wrong in a fold is like nothing in the others: whoever looks at all texts thinks that 0.62 will do.
    labelled = [(Case(0, (score / 100, 0.0, 0.0)), fold) for fold in range(5) for score in range(62, 82) for _ in "ab"]
    labelled += [(Case(NOWHERE, (0.6 - fold / 50, 0.0, 0.0)), fold) for fold in range(5) for _ in "abcd"]
    labelled += [(Case(NOWHERE, (0.9, 0.0, 0.0)), 0)]
    rows, folds = evidence(labelled)
    assert outcome(rows, np.full(ROUTES, 0.62), 0.05)[1] == 1
    found = fit(rows, folds, NOW, 0.005, EVERY)
    assert outcome(rows, np.array(found.least), found.lead)[1] == 1


def test_what_is_fitted_has_to_hold_on_all_texts_too():
    # What scores 0.5 is worth letting pass by all texts and by those of the second fold, not by those of the first.
    # So where a false forward costs little, the folds keep to the rate by each other's fits, and all texts do not.
    of_folds = [(0.8, (4, 4), (1, 1)), (0.5, (3, 20), (2, 2))]
    labelled = [
        (Case(expected, (score, 0.0, 0.0)), fold)
        for score, right, false in of_folds
        for expected, counts in ((0, right), (NOWHERE, false))
        for fold, count in enumerate(counts)
        for _ in range(count)
    ]
    rows, folds = evidence(labelled)
    wanted = 5.5 / rows.rows
    cheap = Worth(rows, NOW, 0.05, EVERY).least(1.0)
    assert (outcome(rows, cheap, 0.05)[1], unseen(rows, folds, 0.05, 1.0, EVERY)) == (6, 4)
    found = fit(rows, folds, NOW, wanted, EVERY)
    assert outcome(rows, np.array(found.least), found.lead)[1] <= 5


@pytest.mark.parametrize(
    ("whole", "parts", "decided"),
    [
        ((0.5, 0.1, 0.1), [], 0),
        ((0.3, 0.1, 0.1), [], NOWHERE),
        ((0.5, 0.48, 0.1), [], AMBIGUOUS),
        ((0.5, 0.1, 0.1), [(0.1, 0.9, 0.1)], AMBIGUOUS),
        ((0.5, 0.1, 0.1), [(0.89, 0.9, 0.1)], 0),
        ((0.3, 0.1, 0.1), [(0.1, 0.9, 0.1)], 1),
        ((0.3, 0.1, 0.1), [(0.1, 0.9, 0.1), (0.1, 0.1, 0.9)], AMBIGUOUS),
        (None, [], NOWHERE),
    ],
)
def test_the_decision_in_numbers(whole, parts, decided):
    rows = Evidence.of([Case(NOWHERE, (0.9, 0.0, 0.0)), Case(0, whole, parts)], ROUTES)
    least = np.full(ROUTES, 0.4)
    assert rows.decided(least, 0.05).tolist() == [0, decided]
    assert rows.some(np.array([False, True])).decided(least, 0.05).tolist() == [decided]
