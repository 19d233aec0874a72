"""Scores of routes by their intents' vectors, held against the definition written out."""

import itertools
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimux.config.load import load
from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.core.routing import match
from aimux.core.scores import Scores
from aimux.intent.encoder import Encoder, EncodingError
from aimux.intent.index import IntentIndex

CHECKOUT = Path(__file__).parents[2]
UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")


def unit(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return found


def house(counts: list[int], threshold: float = 0.05) -> Policy:
    """Routes with so many intents each."""
    routes = tuple(
        Route(f"r{place}", UPSTREAM, Access.OPEN, intents=tuple(f"i{number}" for number in range(count)), min_score=0.2)
        for place, count in enumerate(counts)
    )
    return Policy.of(routes, ambiguity_threshold=threshold)


def values(index: IntentIndex, text: np.ndarray) -> list[float]:
    """The scores of all routes, each of which has intents."""
    found = index.scores(text[np.newaxis]).values
    assert None not in found
    return [value for value in found if value is not None]


def by_definition(counts: list[int], vectors: np.ndarray, windows: np.ndarray) -> list[float | None]:
    """Four tenths the nearest intent, six the route's direction; the best over the windows; all in double precision."""
    bounds = np.cumsum([0, *counts])
    owns = [vectors[start:end].astype(np.float64) for start, end in itertools.pairwise(bounds)]
    scored = [own for own in owns if len(own)]
    size = vectors.shape[1]
    common = np.zeros((size, size))
    for own in scored:
        common += sum(np.outer(intent, intent) for intent in own) / len(own) / len(scored)
    damped = np.linalg.inv(common + 0.03 * (1 + 6 / len(scored)) * np.eye(size))
    found: list[float | None] = []
    for own in owns:
        if not len(own):
            found.append(None)
            continue
        direction = damped @ own.mean(axis=0)
        direction /= np.linalg.norm(direction)
        best = 0.0
        for window in windows:
            nearest = max(own @ window)
            blend = 0.4 * nearest + 0.6 * (direction @ window) - 0.02 * math.log(len(own) / 20)
            best = max(best, blend, 1 - 10 * (1 - nearest))
        found.append(min(best, 1.0))
    return found


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 4), min_size=1, max_size=150).filter(any),
    windows=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_scores_are_those_of_the_definition(counts: list[int], windows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors, text = unit(random.normal(size=(sum(counts), 8))), unit(random.normal(size=(windows, 8)))
    scores = IntentIndex(house(counts), vectors).scores(text)
    expected = by_definition(counts, vectors, text)
    assert [value is None for value in scores.values] == [value is None for value in expected]
    found = [value for value in scores.values if value is not None]
    np.testing.assert_allclose(found, [value for value in expected if value is not None], atol=1e-5)


@settings(max_examples=150, deadline=None)
@given(
    size=st.integers(1, 300),
    gaps=st.lists(st.booleans(), min_size=300, max_size=300),
    threshold=st.sampled_from([0.0, 0.01, 0.05, 0.3, 1.0]),
    levels=st.sampled_from([2, 5, 1000]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_match_by_the_leaders_is_the_match_by_all(
    size: int, gaps: list[bool], threshold: float, levels: int, seed: int
) -> None:
    """Also where many scores are equal (few levels), and where routes without intents lie between."""
    counts = [0 if gap else 1 for gap in gaps[: size - 1]] + [1]
    random = np.random.default_rng(seed)
    angles = random.integers(0, levels, sum(counts)) / levels
    vectors = np.stack([angles, np.sqrt(1 - angles**2)], axis=1).astype(np.float32)
    policy = house(counts, threshold)
    scores = IntentIndex(policy, vectors).scores(np.array([[1.0, 0.0]], np.float32))
    assert match(policy, scores) == match(policy, Scores(scores.values))


def test_with_many_routes_a_decision_looks_at_few() -> None:
    counts = [1] * 500
    vectors = unit(np.random.default_rng(3).normal(size=(500, 8)))
    scores = IntentIndex(house(counts, 0.01), vectors).scores(vectors[123:124])
    assert 123 in scores.leaders
    assert len(scores.leaders) < 50
    assert list(scores.leaders) == sorted(scores.leaders)
    found = match(house(counts, 0.01), scores)
    assert found is not None
    assert (found.best.name, found.score) == ("r123", pytest.approx(1.0))


@settings(max_examples=100, deadline=None)
@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=100), seed=st.integers(0, 2**32 - 1))
def test_the_words_of_an_intent_score_one_in_their_route(counts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    # Around one point, so that routes are alike, too.
    vectors = unit(random.normal(size=8) + random.uniform(0.05, 5.0) * random.normal(size=(sum(counts), 8)))
    index = IntentIndex(house(counts), vectors)
    owners = np.repeat(np.arange(len(counts)), counts)
    for place in random.choice(len(vectors), min(len(vectors), 20), replace=False):
        assert values(index, vectors[place])[owners[place]] == pytest.approx(1.0, abs=1e-4)


def test_every_intent_of_the_sample_scores_one_and_leads_by_far(encoder: Encoder) -> None:
    policy = load(CHECKOUT / "aimux.yaml", {}).policy
    index = IntentIndex.build(policy, encoder)
    for route, (number, vectors) in zip(policy.routes, index.routes, strict=True):
        for intent, vector in zip(route.intents, vectors, strict=True):
            found = values(index, vector)
            own = found.pop(number)
            assert (intent, own) == (intent, pytest.approx(1.0, abs=1e-4))
            assert (intent, max(found) < 0.5) == (intent, True)


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(1, 6), min_size=1, max_size=12),
    alike=st.floats(-1.0, 1.0),
    seed=st.integers(0, 2**32 - 1),
)
def test_an_intent_that_is_added_never_lowers_its_own_score(counts: list[int], alike: float, seed: int) -> None:
    """Whether the new intent is like one that the route has, or like nothing in it."""
    random = np.random.default_rng(seed)
    vectors = unit(random.normal(size=(sum(counts), 8)))
    route = int(random.integers(len(counts)))
    end = sum(counts[: route + 1])
    added = unit(alike * vectors[end - 1] + (1 - abs(alike)) * unit(random.normal(size=8)) + 1e-3)
    more = [count + (place == route) for place, count in enumerate(counts)]
    before = values(IntentIndex(house(counts), vectors), added)[route]
    after = values(IntentIndex(house(more), np.insert(vectors, end, added, axis=0)), added)[route]
    assert after >= before - 1e-4


@settings(max_examples=100, deadline=None)
@given(counts=st.lists(st.integers(1, 6), min_size=1, max_size=80), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_routes_and_of_intents_is_of_no_account(counts: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors, text = unit(random.normal(size=(sum(counts), 8))), unit(random.normal(size=8))
    owns = np.split(vectors, np.cumsum(counts)[:-1])
    order = random.permutation(len(counts))
    turned = np.concatenate([random.permutation(owns[place]) for place in order])
    found = values(IntentIndex(house([counts[place] for place in order]), turned), text)
    expected = np.array(values(IntentIndex(house(counts), vectors), text))[order]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(1, 5), min_size=1, max_size=20),
    kinds=st.integers(1, 3),
    apart=st.sampled_from([0.0, 1e-7, 1e-4]),
    size=st.sampled_from([2, 16, 64]),
    seed=st.integers(0, 2**32 - 1),
)
def test_intents_that_are_equal_or_all_but_equal_give_scores(
    counts: list[int], kinds: int, apart: float, size: int, seed: int
) -> None:
    """In one route and across routes, and opposite ones, which cancel out."""
    random = np.random.default_rng(seed)
    base = unit(random.normal(size=(kinds, size)))
    base = np.concatenate([base, -base])
    vectors = unit(base[random.integers(0, len(base), sum(counts))] + apart * random.normal(size=(sum(counts), size)))
    text = unit(random.normal(size=size))
    index = IntentIndex(house(counts), vectors)
    assert all(0.0 <= value <= 1.0 for value in (*values(index, text), *values(index, vectors[0])))
    assert np.isfinite(index.directions).all()


def test_intents_that_cancel_out_have_no_direction() -> None:
    index = IntentIndex(house([2, 1]), np.array([[1, 0], [-1, 0], [0, 1]], np.float32))
    assert index.directions.tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert values(index, np.array([1, 0], np.float32)) == [pytest.approx(1.0), pytest.approx(0.06, abs=1e-3)]


@pytest.mark.parametrize("count", [1, 2, 20, 400])
def test_one_route_alone_has_scores(count: int) -> None:
    random = np.random.default_rng(count)
    vectors = unit(random.normal(size=(count, 16)))
    index = IntentIndex(house([count]), vectors)
    assert values(index, vectors[-1]) == [pytest.approx(1.0, abs=1e-4)]
    assert values(index, -unit(vectors.sum(axis=0))) == by_definition(
        [count], vectors, -unit(vectors.sum(axis=0))[None]
    )


def test_a_route_of_one_intent_alone_goes_by_its_cosine_and_gains_for_its_few_words() -> None:
    vectors = unit(np.array([[1.0, 2, 3, 4]]))
    text = unit(np.array([4.0, 3, 2, 1]))
    expected = float(vectors[0] @ text) + 0.02 * math.log(20)
    assert values(IntentIndex(house([1]), vectors), text) == [pytest.approx(expected, abs=1e-5)]


def test_a_direction_turns_away_from_what_all_routes_share() -> None:
    """The first number is the same in all intents: it says nothing of where a text belongs."""
    counts = [2, 2, 1]
    vectors = unit(np.array([[3.0, 1, 0, 0], [3.0, 1, 0, 0.5], [3.0, 0, 1, 0], [3.0, 0, 1, 0.5], [3.0, -1, -1, 0]]))
    directions = IntentIndex(house(counts), vectors).directions
    centroids = np.stack([unit(own.mean(axis=0)) for own in np.split(vectors, np.cumsum(counts)[:-1])])
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0, atol=1e-6)
    assert (np.abs(directions[:, 0]) < centroids[:, 0] / 2).all()


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bad", [(0,), (1,), (0, 1)])
def test_rows_that_hold_no_numbers_are_an_error(value: Any, bad: tuple[int, ...]) -> None:
    """In any window, in all of a row or in one place."""
    index = IntentIndex(house([2, 1]), unit(np.ones((3, 4))))
    for places in (slice(None), 2):
        windows = unit(np.ones((2, 4)))
        windows[list(bad), places] = value
        with pytest.raises(EncodingError):
            index.scores(windows)


def test_vectors_must_be_those_of_the_intents() -> None:
    with pytest.raises(ValueError, match="2 vectors for 3 intents"):
        IntentIndex(house([2, 1]), unit(np.ones((2, 4))))


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 3), min_size=1, max_size=12).filter(any),
    owners=st.lists(st.integers(0, 3), min_size=1, max_size=8),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_part_stands_for_its_best_route_where_that_is_good_enough(
    counts: list[int], owners: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    vectors = unit(random.normal(size=(sum(counts), 4)))
    windows = unit(random.normal(size=(len(owners), 4)))
    whole = [part % 2 == 0 for part in range(4)]
    policy = house(counts)
    index = IntentIndex(policy, vectors)
    expected = set()
    for part in set(owners):
        mine = windows[[place for place, owner in enumerate(owners) if owner == part]]
        scored = [(place, value) for place, value in enumerate(index.scores(mine).values) if value is not None]
        best, top = max(scored, key=lambda pair: pair[1])
        if top >= policy.routes[best].min_score:
            close = frozenset(p for p, v in scored if top - v < policy.ambiguity_threshold and p != best)
            expected.add((best, close, whole[part]))
    found = index.stands(windows, owners, whole)
    assert {(stand.place, stand.close, stand.whole) for stand in found} == expected
    assert len(found) == len(expected)
    assert all(stand.score >= policy.routes[stand.place].min_score for stand in found)


def test_a_guard_scores_as_if_it_were_one_of_the_routes() -> None:
    random = np.random.default_rng(3)
    vectors, windows = unit(random.normal(size=(6, 4))), unit(random.normal(size=(3, 4)))
    for counts, guards in (([2, 1], [2, 1]), ([0, 0], [2, 4]), ([3], [3])):
        own, split = vectors[: sum(counts)], [sum(counts), sum(counts) + guards[0]]
        guarding = [each for each in np.split(vectors[: sum(counts) + sum(guards)], split)[1:] if len(each)]
        index = IntentIndex(house(counts), own, guarding)
        as_routes = IntentIndex(house([*counts, *map(len, guarding)]), vectors[: sum(counts) + sum(guards)])
        assert index.guards(windows) == pytest.approx(as_routes.scores(windows).values[len(counts) :], abs=1e-6)


def test_guards_change_no_route() -> None:
    random = np.random.default_rng(4)
    vectors, windows = unit(random.normal(size=(5, 4))), unit(random.normal(size=(3, 4)))
    guarded, plain = (IntentIndex(house([2, 1]), vectors[:3], guards) for guards in ([vectors[3:]], []))
    assert guarded.scores(windows) == plain.scores(windows)
    assert plain.guards(windows) == ()


def test_where_no_route_has_intents_guards_are_scored_all_the_same() -> None:
    vectors = unit(np.eye(3))
    index = IntentIndex(house([0, 0]), vectors[:0], [vectors[:2]])
    assert index.scores(vectors).values == (None, None)
    assert index.stands(vectors, (0, 1, 1), (True, False)) == ()
    assert index.guards(vectors[1:2]) == pytest.approx([1.0])


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted by /proc")
@pytest.mark.parametrize(("said", "threads"), [(None, 1), ("2", min(2, os.cpu_count() or 1))])
def test_scores_are_computed_by_the_thread_that_asks_unless_the_operator_wants_more(
    said: str | None, threads: int
) -> None:
    code = "import os, aimux.intent.index; print(len(os.listdir('/proc/self/task')))"
    others = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    environment = others if said is None else {**others, "OPENBLAS_NUM_THREADS": said}
    run = [sys.executable, "-c", code]
    assert int(subprocess.run(run, env=environment, capture_output=True, check=True, text=True).stdout) == threads
