"""How close routes are: held against each pair of intents taken one by one."""

import numpy as np
import pytest

from aimux.core.policy import Access, Policy, Route, Upstream
from aimux.intent.index import IntentIndex
from aimux.intent.overlaps import closeness

UPSTREAM = Upstream("http://upstream:8001", False, "upstream", 8001, "")
COUNTS = [2, 0, 1, 4]


def index_of(counts: list[int], vectors: np.ndarray) -> IntentIndex:
    routes = tuple(
        Route(f"r{place}", UPSTREAM, Access.OPEN, intents=tuple(f"i{number}" for number in range(count)))
        for place, count in enumerate(counts)
    )
    return IntentIndex(Policy.of(routes), vectors)


def unit(rows: np.ndarray) -> np.ndarray:
    found: np.ndarray = (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_each_pair_has_its_most_similar_intents_and_its_smallest_lead(seed: int) -> None:
    vectors = unit(np.random.default_rng(seed).normal(0.4, 1.0, (sum(COUNTS), 6)))
    index = index_of(COUNTS, vectors)
    own = {0: vectors[:2], 2: vectors[2:3], 3: vectors[3:]}
    found = closeness(index)
    assert [(pair.first, pair.second) for pair in found] == [(0, 2), (0, 3), (2, 3)]
    for pair in found:
        mine, theirs = own[pair.first], own[pair.second]
        alike = [(float(a @ b), i, j) for i, a in enumerate(mine) for j, b in enumerate(theirs)]
        similarity, first, second = max(alike)
        assert pair.similarity == pytest.approx(max(similarity, 0.0), abs=1e-5)
        assert (pair.first_intent, pair.second_intent) == (first, second)
        # The score of each intent without the 1 that its very words have.
        leads = []
        for ahead, behind in ((pair.first, pair.second), (pair.second, pair.first)):
            for intent in own[ahead]:
                scores = [
                    0.4 * max(own[route] @ intent)
                    + 0.6 * (index.directions[list(own).index(route)] @ intent)
                    - 0.02 * np.log(len(own[route]) / 20)
                    for route in (ahead, behind)
                ]
                mine, other = np.clip(scores, 0.0, 1.0)
                leads.append(mine - other)
        assert pair.lead == pytest.approx(min(leads), abs=1e-5)


def test_a_small_lead_is_seen_though_the_words_of_an_intent_score_one() -> None:
    vectors = unit(np.array([[7.0, 1, 0, 0, 0], [0, 0, 0, 1, 0], [7, 0, 1, 0, 0], [0, 0, 0, 0, 1]]))
    index = index_of([2, 2], vectors)
    (pair,) = closeness(index)
    assert index.scores(vectors[:1]).values == (pytest.approx(1.0, abs=1e-4), pytest.approx(0.8, abs=1e-2))
    assert pair.lead < 0.05


def test_the_same_intent_in_two_routes_leads_nowhere() -> None:
    (pair,) = closeness(index_of([1, 1], unit(np.array([[1.0, 2.0], [1.0, 2.0]]))))
    assert (pair.similarity, pair.lead) == (pytest.approx(1.0), pytest.approx(0.0))


def test_routes_beyond_the_most_are_left_out() -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(5, 4)))
    assert {(pair.first, pair.second) for pair in closeness(index_of([1] * 5, vectors), most=3)} == {
        (0, 1),
        (0, 2),
        (1, 2),
    }
    assert closeness(index_of([1, 0], vectors[:1])) == []


@pytest.mark.parametrize("counts", [[], [0], [0, 0], [3], [0, 3]])
def test_fewer_than_two_routes_with_intents_have_no_pair(counts: list[int]) -> None:
    index = index_of(counts, unit(np.random.default_rng(1).normal(size=(sum(counts), 6))))
    assert [place for place, _ in index.routes] == [place for place, count in enumerate(counts) if count]
    assert closeness(index) == []
