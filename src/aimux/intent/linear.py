"""A matrix product in the graph: in float, or in exact 8-bit integers with one scale a token."""

from enum import Enum, auto

import numpy as np

from aimux.intent import quantize
from aimux.intent.model import Precision
from aimux.intent.nodes import FUSED, Nodes
from aimux.intent.quantize import Floats


class Reads(Enum):
    """What a product is applied to: it decides how that is quantised."""

    HIDDEN = auto()  # the hidden state, which has loud channels
    ATTENDED = auto()  # attention's output
    ACTIVE = auto()  # GELU's output, hardly ever negative


def linear(nodes: Nodes, name: str, value: str, weight: Floats, reads: Reads) -> str:
    """Multiply (batch, sequence, inputs) by a weight of shape (inputs, outputs)."""
    if nodes.precision is Precision.FP32:
        return nodes.add("MatMul", [value, nodes.constant(f"{name}.weight", weight)], f"{name}.out")
    if reads is Reads.HIDDEN:
        factors = quantize.quieting(weight.shape[0])
        value = nodes.add("Mul", [value, nodes.constant("quieting", factors)], f"{name}.quiet")
        weight = weight / factors[:, np.newaxis]
    return _integer_product(nodes, name, value, weight, reads)


def _integer_product(nodes: Nodes, name: str, value: str, weight: Floats, reads: Reads) -> str:
    step = _step(nodes, name, value, reads)
    one = nodes.constant("one", np.float32(1))
    zero = quantize.GELU_ZERO if reads is Reads.ACTIVE else quantize.ACTIVATION_LIMIT
    zero_point = nodes.constant(f"zero.{zero}", np.uint8(zero))
    ratio = nodes.add("Div", [value, step], f"{name}.ratio")
    levels = nodes.add("QuantizeLinear", [ratio, one, zero_point], f"{name}.levels")
    quantized, scale = quantize.per_column(weight)
    factors = [one, nodes.constant(f"{name}.scale", scale)]
    inputs = [levels, nodes.constant(f"{name}.weight", quantized), *factors, zero_point]
    product = nodes.add("MatMulIntegerToFloat", inputs, f"{name}.product", FUSED)
    return nodes.add("Mul", [product, step], f"{name}.out")


def _step(nodes: Nodes, name: str, value: str, reads: Reads) -> str:
    """What one level of a token's activations is worth, in shape (batch, sequence, 1)."""
    axis = nodes.constant("last_axis", [-1])
    if reads is Reads.ACTIVE:
        peak = nodes.add("ReduceMax", [value, axis], f"{name}.peak")
        floor = nodes.constant("gelu.floor", np.float32(quantize.GELU_FLOOR))
        largest = nodes.add("Max", [peak, floor], f"{name}.largest")
        levels = quantize.GELU_RANGE
    else:
        magnitude = nodes.add("Abs", [value], f"{name}.magnitude")
        largest = nodes.add("ReduceMax", [magnitude, axis], f"{name}.largest")
        levels = quantize.ACTIVATION_LIMIT
    share = nodes.constant(f"share.{levels}", np.float32(1 / levels))
    return nodes.add("Mul", [largest, share], f"{name}.step")
