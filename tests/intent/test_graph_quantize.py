"""Eight-bit weights: how far from the real ones they may be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aimux.intent import quantize

matrices = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-100, 100, width=32).filter(lambda value: value == 0 or abs(value) > 1e-20),
)


@given(matrices)
def test_columns_come_back_within_half_a_step(weight: np.ndarray) -> None:
    levels, scale = quantize.per_column(weight)

    assert levels.dtype == np.int8
    assert scale.shape == (weight.shape[1],)
    assert np.abs(levels).max() <= quantize.WEIGHT_LIMIT
    assert (np.abs(levels * scale - weight) <= scale * 0.501).all()
    assert np.isfinite(scale).all()


@given(matrices)
def test_rows_come_back_within_half_a_step(table: np.ndarray) -> None:
    levels, scale = quantize.per_row(table)

    assert levels.dtype == np.int8
    assert scale.shape == (table.shape[0], 1)
    assert (np.abs(levels * scale - table) <= scale * 0.501).all()
    assert all(np.abs(row).max() == 127 for row, real in zip(levels, table, strict=True) if real.any())


def test_each_column_has_a_scale_of_its_own() -> None:
    levels, scale = quantize.per_column(np.array([[1.0, 1000.0], [-0.5, 10.0]], np.float32))

    assert levels.tolist() == [[quantize.WEIGHT_LIMIT] * 2, [-45, 1]]
    assert scale[1] == pytest.approx(1000 * scale[0])


def test_two_neighbouring_products_fit_into_16_bits() -> None:
    largest = max(2 * quantize.ACTIVATION_LIMIT, quantize.GELU_ZERO + quantize.GELU_RANGE)

    assert 2 * largest * quantize.WEIGHT_LIMIT <= 2**15 - 1


def test_the_lowest_output_of_gelu_has_a_level() -> None:
    step = quantize.GELU_FLOOR / quantize.GELU_RANGE

    assert -0.16998 / step + quantize.GELU_ZERO >= 0


def test_loud_channels_are_quieted_and_the_rest_left_alone() -> None:
    factors = quantize.quieting(384)

    assert factors[99] == 0.25
    assert (factors < 1).sum() == len(quantize.LOUD_CHANNELS)
    assert (factors <= 1).all()
