"""Scores of routes by their intents' vectors, held against the definition written out."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aimux.core.request import Scores
from aimux.core.routing import match
from aimux.core.snapshot import Access, Route, Snapshot, Upstream
from aimux.intent.encoder import EncodingError
from aimux.intent.index import IntentIndex

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")


def unit(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return found


def house(counts: list[int], threshold: float = 0.05) -> Snapshot:
    """Routes with so many intents each."""
    routes = tuple(
        Route(f"r{place}", UPSTREAM, Access.OPEN, intents=tuple(f"i{number}" for number in range(count)), min_score=0.2)
        for place, count in enumerate(counts)
    )
    return Snapshot.of(routes, ambiguity_threshold=threshold)


def by_definition(counts: list[int], vectors: np.ndarray, windows: np.ndarray) -> list[float | None]:
    """Half the nearest intent, half the centroid; the best over the windows."""
    found: list[float | None] = []
    start = 0
    for count in counts:
        own = vectors[start : start + count].astype(np.float64)
        start += count
        if not count:
            found.append(None)
            continue
        centroid = unit(own.sum(axis=0))
        alike = [0.5 * max(own @ window) + 0.5 * float(centroid @ window) for window in windows]
        found.append(min(max(*alike, 0.0), 1.0))
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
    snapshot = house(counts, threshold)
    scores = IntentIndex(snapshot, vectors).scores(np.array([[1.0, 0.0]], np.float32))
    assert match(snapshot, scores) == match(snapshot, Scores(scores.values))


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


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_hold_no_numbers_are_an_error(value: Any) -> None:
    index = IntentIndex(house([2, 1]), unit(np.ones((3, 4))))
    with pytest.raises(EncodingError):
        index.scores(np.full((1, 4), value, np.float32))


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
    snapshot = house(counts)
    index = IntentIndex(snapshot, vectors)
    expected = set()
    for part in set(owners):
        mine = windows[[place for place, owner in enumerate(owners) if owner == part]]
        scored = [(place, value) for place, value in enumerate(index.scores(mine).values) if value is not None]
        best, top = max(scored, key=lambda pair: pair[1])
        if top >= snapshot.routes[best].min_score:
            close = frozenset(p for p, v in scored if top - v < snapshot.ambiguity_threshold and p != best)
            expected.add((best, close, whole[part]))
    found = index.stands(windows, owners, whole)
    assert {(stand.place, stand.close, stand.whole) for stand in found} == expected
    assert len(found) == len(expected)
    assert all(stand.score >= snapshot.routes[stand.place].min_score for stand in found)


def test_a_guard_is_as_near_as_the_nearest_window_to_any_of_its_intents() -> None:
    random = np.random.default_rng(3)
    vectors, windows = unit(random.normal(size=(5, 4))), unit(random.normal(size=(3, 4)))
    for counts in ([2], [0, 0]):
        index = IntentIndex(house(counts), vectors[: sum(counts)], [vectors[2:4], vectors[4:]])
        expected = [max(0.0, float((windows @ guard.T).max())) for guard in (vectors[2:4], vectors[4:])]
        assert index.guards(windows) == pytest.approx(expected, abs=1e-6)
    assert IntentIndex(house([0, 0]), vectors[:0]).scores(windows).values == (None, None)
    assert IntentIndex(house([0, 0]), vectors[:0]).stands(windows, (0, 1, 1), (True, False)) == ()
