"""Eight-bit numbers for the model's weights, and the ranges within which integer products stay exact.

Weights are symmetric per output channel. Activations are quantised per token while the model runs, not per tensor: a
text's vector then does not depend on what else shares its batch, and one token's outliers do not cost the others
their precision.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Int8s = npt.NDArray[np.int8]

# x86 processors without VNNI add two neighbouring products u8 * s8 in 16 bits and saturate silently. With activations
# in 0..2A and weights in -W..W nothing saturates as long as 2 * 2A * W <= 32767, so every processor computes the same.
WEIGHT_LIMIT: Final = 90
ACTIVATION_LIMIT: Final = 90

# GELU never goes below -0.17: its outputs need little room below zero.
GELU_ZERO: Final = 14
GELU_RANGE: Final = 2 * ACTIVATION_LIMIT - GELU_ZERO
GELU_FLOOR: Final = 0.17 * GELU_RANGE / GELU_ZERO

# Channels of all-MiniLM-L6-v2's hidden state that are up to 20 times larger than the rest. They are scaled down, and
# the weights that read them up by as much, so that a token's other channels keep their precision.
LOUD_CHANNELS: Final = {99: 4.0, 223: 2.0, 63: 2.0}


def per_column(weight: Floats) -> tuple[Int8s, Floats]:
    """Quantise (inputs, outputs) per output: weight ~ quantised * scale, where the scale's shape is (outputs,)."""
    scale = _scale(np.abs(weight).max(axis=0), WEIGHT_LIMIT)
    return _round(weight / scale, WEIGHT_LIMIT), scale


def per_row(table: Floats) -> tuple[Int8s, Floats]:
    """Quantise a table that is only looked up: table ~ quantised * scale, where the scale's shape is (rows, 1)."""
    scale = _scale(np.abs(table).max(axis=1, keepdims=True), 127)
    return _round(table / scale, 127), scale


def quieting(channels: int) -> Floats:
    """What each channel of the hidden state is multiplied with before it is quantised, in shape (channels,)."""
    factors = np.ones(channels, np.float32)
    for channel, factor in LOUD_CHANNELS.items():
        factors[channel] = 1 / factor
    return factors


def _scale(largest: Floats, limit: int) -> Floats:
    return (np.where(largest > 0, largest, 1) / limit).astype(np.float32)


def _round(values: Floats, limit: int) -> Int8s:
    return np.clip(np.rint(values), -limit, limit).astype(np.int8)
