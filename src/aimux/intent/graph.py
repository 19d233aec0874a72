"""The ONNX graph of all-MiniLM-L6-v2, built from its published weights.

Token ids in, one vector of norm 1 a text out: mean pooling and normalisation are part of the graph. Attention, the skip
connections and GELU are fused operators of ONNX Runtime.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from onnx import TensorProto, helper

from aimux.intent import quantize
from aimux.intent.linear import Reads, linear
from aimux.intent.model import DIMENSIONS, MAX_TOKENS, Precision
from aimux.intent.nodes import FUSED, Nodes
from aimux.intent.quantize import Floats

LAYERS: Final = 6
HEADS: Final = 12

_EPSILON: Final = 1e-12
_OPSETS: Final = (("", 18), (FUSED, 1))


def build(weights: Mapping[str, Floats], precision: Precision, marks: Mapping[str, str]) -> bytes:
    """The ONNX file. `weights` are named as in the published model.safetensors; `marks` become the file's metadata."""
    nodes = Nodes(weights, precision)
    hidden = _embedding(nodes)
    mask = nodes.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    for layer in range(LAYERS):
        hidden = _layer(nodes, f"encoder.layer.{layer}", hidden, mask)
    _pooling(nodes, hidden)
    return _file(nodes, marks)


def _embedding(nodes: Nodes) -> str:
    words = _words(nodes)
    tables = nodes.weights
    # A text is one segment, so the first segment's vector is part of every position.
    positions = tables["embeddings.position_embeddings.weight"] + tables["embeddings.token_type_embeddings.weight"][0]
    table = nodes.constant("positions", positions[:MAX_TOKENS])
    length = nodes.add("Shape", ["input_ids"], "length", start=1, end=2)
    first = nodes.constant("first", [0])
    placed = nodes.add("Slice", [table, first, length, first], "position_vectors")
    together = nodes.add("Add", [words, placed], "embedding_sum")
    norm = _norm(nodes, "embeddings")
    return nodes.add("LayerNormalization", [together, *norm], "embedding", epsilon=_EPSILON)


def _words(nodes: Nodes) -> str:
    table = nodes.weights["embeddings.word_embeddings.weight"]
    if nodes.precision is Precision.FP32:
        return nodes.add("Gather", [nodes.constant("words", table), "input_ids"], "word_vectors")
    quantized, scale = quantize.per_row(table)
    rows = nodes.add("Gather", [nodes.constant("words", quantized), "input_ids"], "word_rows")
    scales = nodes.add("Gather", [nodes.constant("words.scale", scale), "input_ids"], "word_scales")
    floats = nodes.add("Cast", [rows], "word_floats", to=TensorProto.FLOAT)
    return nodes.add("Mul", [floats, scales], "word_vectors")


def _layer(nodes: Nodes, name: str, hidden: str, mask: str) -> str:
    qkv = linear(nodes, f"{name}.qkv", hidden, _qkv(nodes, name, "weight"), Reads.HIDDEN)
    attended = _attention(nodes, name, qkv, mask)
    mix = nodes.weights[f"{name}.attention.output.dense.weight"].T
    mixed = linear(nodes, f"{name}.mix", attended, mix, Reads.ATTENDED)
    inner = _skip(nodes, f"{name}.attention.output", mixed, hidden)
    widen = nodes.weights[f"{name}.intermediate.dense.weight"].T
    wide = linear(nodes, f"{name}.widen", inner, widen, Reads.HIDDEN)
    active = nodes.add("BiasGelu", [wide, nodes.weight(f"{name}.intermediate.dense.bias")], f"{name}.active", FUSED)
    narrow = nodes.weights[f"{name}.output.dense.weight"].T
    return _skip(nodes, f"{name}.output", linear(nodes, f"{name}.narrow", active, narrow, Reads.ACTIVE), inner)


def _qkv(nodes: Nodes, name: str, part: str) -> Floats:
    parts = [nodes.weights[f"{name}.attention.self.{which}.{part}"] for which in ("query", "key", "value")]
    return np.concatenate([one.T for one in parts], axis=-1)


def _attention(nodes: Nodes, name: str, qkv: str, mask: str) -> str:
    parts = [f"{name}.{which}" for which in ("query", "key", "value")]
    nodes.add_many("Split", [qkv, nodes.constant("qkv.sizes", [DIMENSIONS] * 3)], parts, axis=2)
    bias = nodes.constant(f"{name}.qkv.bias", _qkv(nodes, name, "bias"))
    return nodes.add("MultiHeadAttention", [*parts, bias, mask], f"{name}.attended", FUSED, num_heads=HEADS)


def _skip(nodes: Nodes, name: str, new: str, old: str) -> str:
    inputs = [new, old, *_norm(nodes, name), nodes.weight(f"{name}.dense.bias")]
    return nodes.add("SkipLayerNormalization", inputs, f"{name}.normed", FUSED, epsilon=_EPSILON)


def _norm(nodes: Nodes, name: str) -> list[str]:
    return [nodes.weight(f"{name}.LayerNorm.{part}") for part in ("weight", "bias")]


def _pooling(nodes: Nodes, hidden: str) -> None:
    """The sum over a text's tokens, normalised: their mean differs from it only in length."""
    mask = nodes.add("Cast", ["attention_mask"], "mask_floats", to=TensorProto.FLOAT)
    axis = nodes.constant("token_axis", [1])
    row = nodes.add("Unsqueeze", [mask, axis], "mask_row")
    total = nodes.add("MatMul", [row, hidden], "token_sum")
    flat = nodes.add("Squeeze", [total, axis], "token_total")
    nodes.add("LpNormalization", [flat], "sentence_embedding", axis=-1, p=2)


def _file(nodes: Nodes, marks: Mapping[str, str]) -> bytes:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", DIMENSIONS])
    graph = helper.make_graph(nodes.nodes, "all-MiniLM-L6-v2", inputs, [output], list(nodes.constants.values()))
    opsets = [helper.make_opsetid(*opset) for opset in _OPSETS]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="aimux")
    helper.set_model_props(model, dict(marks))
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized
