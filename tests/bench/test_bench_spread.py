"""Statistics over rounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import ADDED_P99, AIMUX, LOOP, NEW, NGINX, SEEN, CoreUse, Measured, Rounds
from bench.spread import Spread, percentile, ratio

finite = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False)


def test_a_spread_is_the_median_and_the_extremes() -> None:
    assert Spread.of([7.0, 1.0, 3.0]) == Spread(3.0, 1.0, 7.0)
    assert Spread.of([4.0, 1.0]) == Spread(2.5, 1.0, 4.0)


def test_a_ratio_is_taken_within_each_round() -> None:
    # The machine was half as fast in the second round: the ratio did not change, though the medians' would have.
    assert ratio([10.0, 5.0, 10.0], [40.0, 20.0, 20.0]) == Spread(0.25, 0.25, 0.5)


def test_rounds_without_a_usable_reference_are_left_out_of_a_ratio() -> None:
    assert ratio([1.0, 6.0, 8.0], [0.0, 2.0, -1.0]) == Spread(3.0, 3.0, 3.0)
    assert ratio([1.0], [-1.0]) is None


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.01, 1.0), (0.5, 50.0), (0.501, 51.0), (0.99, 99.0), (1.0, 100.0)]
)
def test_a_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == expected


@given(st.lists(finite, min_size=1), st.floats(0, 1))
def test_a_percentile_covers_its_share_and_nothing_smaller_does(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert found == min(values) or sum(value < found for value in values) < share * len(values)


def test_rows_compare_with_nginx_and_the_bare_loop_of_the_same_round() -> None:
    rounds = Rounds()
    for factor in (1.0, 0.5, 2.0):
        rounds.add(
            [
                Measured(SEEN, NGINX, 100 * factor, CoreUse(0.9, 0.1)),
                Measured(SEEN, AIMUX, 25 * factor, CoreUse(0.6 * factor, 0.0)),
                Measured(NEW, AIMUX, 4 * factor),
                Measured(NEW, LOOP, 5 * factor),
            ]
        )
    rows = {(row.figure, row.subject): row for row in rounds.rows()}
    assert list(rows) == [(SEEN, NGINX), (SEEN, AIMUX), (NEW, LOOP), (NEW, AIMUX)]
    seen, new = rows[SEEN, AIMUX], rows[NEW, AIMUX]
    assert (seen.values, seen.spread) == ((25.0, 12.5, 50.0), Spread(25.0, 12.5, 50.0))
    assert (seen.to_nginx, seen.to_loop) == (Spread(0.25, 0.25, 0.25), None)
    assert (seen.core_own, seen.core_others) == (Spread(0.6, 0.3, 1.2), Spread(0.0, 0.0, 0.0))
    assert (new.to_nginx, new.to_loop) == (Spread(0.04, 0.04, 0.04), Spread(0.8, 0.8, 0.8))
    assert new.core_own is None
    assert rows[SEEN, NGINX].to_nginx is None
    assert rows[NEW, LOOP].to_loop is None


def test_core_use_is_in_shares_of_the_time_and_never_below_nothing() -> None:
    assert CoreUse.of(own=1.5, whole=2.0, seconds=2.0) == CoreUse(0.75, 0.25)
    # The kernel counts in ticks: the sum of all may come out a little below its part.
    assert CoreUse.of(own=2.01, whole=2.0, seconds=2.0).others == 0.0


def test_without_nginx_there_is_nothing_to_compare_with() -> None:
    rounds = Rounds()
    rounds.add([Measured(ADDED_P99, AIMUX, 0.001)])
    (row,) = rounds.rows()
    assert row.to_nginx is None
