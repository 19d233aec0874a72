"""From scores to a match: the best, the runner-up, and the routes that the text could mean."""

import math
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.routing import match
from aimux.core.scores import Scores

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")


def house(*min_scores, threshold=0.05):
    """Routes r0, r1, ... with these thresholds; None for a route without intents."""
    routes = tuple(
        Route(f"r{i}", UPSTREAM, Access.OPEN, frozenset(), ("x",) if low is not None else (), low or 0.0)
        for i, low in enumerate(min_scores)
    )
    return Policy.of(routes, ambiguity_threshold=threshold)


def matched(policy, *values):
    found = match(policy, Scores(values))
    runner_up = None if found.runner_up is None else found.runner_up.name
    return found.best.name, runner_up, [route.name for route in found.contenders]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.9, 0.5, 0.1), ("r0", "r1", ["r0"])),
        ((0.1, 0.5, 0.9), ("r2", "r1", ["r2"])),
        ((0.5, 0.9, 0.7), ("r1", "r2", ["r1"])),
        ((0.7, 0.9, 0.5), ("r1", "r0", ["r1"])),
        ((0.9, 0.1, 0.5), ("r0", "r2", ["r0"])),
        ((0.9, 0.88, 0.1), ("r0", "r1", ["r0", "r1"])),
        ((0.88, 0.1, 0.9), ("r2", "r0", ["r0", "r2"])),
        ((0.86, 0.88, 0.9), ("r2", "r1", ["r0", "r1", "r2"])),
        ((0.9, 0.9, 0.9), ("r0", "r1", ["r0", "r1", "r2"])),
        ((0.39, 0.38, 0.1), ("r0", "r1", [])),
        ((0.42, 0.39, 0.1), ("r0", "r1", ["r0"])),
    ],
)
def test_best_runner_up_and_contenders(values, expected):
    assert matched(house(0.4, 0.4, 0.4), *values) == expected


def test_the_margin_is_the_lead_over_the_second_best():
    assert match(house(0.4, 0.4), Scores((0.75, 0.5))).lead.margin == 0.25
    assert match(house(0.4, None), Scores((0.75, None))).lead.margin is None


def test_a_lead_of_exactly_the_threshold_is_enough():
    assert matched(house(0.25, 0.25, threshold=0.25), 0.75, 0.5)[2] == ["r0"]
    assert matched(house(0.25, 0.25, threshold=0.25), 0.75, 0.5000001)[2] == ["r0", "r1"]


def test_without_a_threshold_nothing_is_ambiguous():
    assert matched(house(0.4, 0.4, threshold=0.0), 0.8, 0.8)[2] == ["r0"]


def test_each_route_has_its_own_min_score():
    assert matched(house(0.4, 0.8), 0.75, 0.75)[2] == ["r0"]
    assert matched(house(0.8, 0.4), 0.75, 0.74)[2] == []
    assert matched(house(0.75, 0.4), 0.75, 0.6)[2] == ["r0"]


def test_routes_without_intents_are_never_matched():
    assert matched(house(None, 0.4, None), None, 0.5, None) == ("r1", None, ["r1"])
    assert match(house(None, None), Scores((None, None))) is None
    assert match(house(), Scores(())) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.001, 1.001, 2.0, -1.0])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_score_that_is_no_number_in_0_to_1_is_refused(value, position):
    values = [0.9, 0.2, 0.1]
    values[position] = value
    with pytest.raises(ValueError, match=f"the score of route 'r{position}'"):
        match(house(0.4, 0.4, 0.4), Scores(tuple(values)))


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_there_is_one_score_a_route(count):
    with pytest.raises(ValueError, match=f"{count} scores for 3 routes"):
        match(house(0.4, 0.4, 0.4), Scores((0.5,) * count))


def test_a_match_is_what_sorting_says():
    reached = Counter()
    scores = st.one_of(st.none(), st.floats(0, 1), st.sampled_from((0.0, 0.4, 0.42, 0.5, 0.51, 1.0)))
    pairs = st.lists(st.tuples(scores, st.sampled_from((0.0, 0.4, 0.5, 1.0))), min_size=1, max_size=6)

    @settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(pairs, st.sampled_from((0.0, 0.05, 0.5)))
    def check(pairs, threshold):
        policy = house(*(None if score is None else low for score, low in pairs), threshold=threshold)
        found = match(policy, Scores(tuple(score for score, _ in pairs)))
        ranked = sorted((-score, i) for i, (score, _) in enumerate(pairs) if score is not None)
        if not ranked:
            assert found is None
            reached["none"] += 1
            return
        assert (found.best.name, found.score) == (f"r{ranked[0][1]}", -ranked[0][0])
        if len(ranked) > 1:
            assert found.runner_up_score == -ranked[1][0]
            assert found.runner_up is not found.best
        else:
            assert (found.runner_up, found.runner_up_score) == (None, None)
        assert (found.contenders == ()) == (found.score < found.best.min_score)
        if found.contenders:
            assert found.best in found.contenders
        for i, (score, low) in enumerate(pairs):
            if policy.routes[i] in found.contenders and policy.routes[i] is not found.best:
                assert score >= low
                assert found.score - score < threshold
        reached[min(len(found.contenders), 2)] += 1

    check()
    assert set(reached) == {"none", 0, 1, 2}
