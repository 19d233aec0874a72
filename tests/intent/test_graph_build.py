"""The graph, judged by a plain numpy reading of the same network, and by other software on the published weights."""

import math
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from safetensors.numpy import load_file

from aimux.intent import quantize
from aimux.intent.encoder import Encoder
from aimux.intent.fetch import Weights
from aimux.intent.graph import HEADS, LAYERS, build
from aimux.intent.model import DIMENSIONS, MAX_TOKENS, ModelFiles, Precision, marks
from aimux.intent.runtime import InferenceSession

VOCABULARY = 60
Named = dict[str, np.ndarray]

ERF = np.vectorize(math.erf, otypes=[np.float64])


@pytest.fixture(scope="module")
def network() -> Named:
    """Random weights in the published shapes, but few words."""
    random = np.random.default_rng(3)
    wide = 4 * DIMENSIONS
    shapes = {
        "embeddings.word_embeddings.weight": (VOCABULARY, DIMENSIONS),
        "embeddings.position_embeddings.weight": (512, DIMENSIONS),
        "embeddings.token_type_embeddings.weight": (2, DIMENSIONS),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        squares = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        for square in (*squares, f"{name}.attention.output.dense"):
            shapes |= {f"{square}.weight": (DIMENSIONS, DIMENSIONS), f"{square}.bias": (DIMENSIONS,)}
        shapes |= {f"{name}.intermediate.dense.weight": (wide, DIMENSIONS), f"{name}.intermediate.dense.bias": (wide,)}
        shapes |= {f"{name}.output.dense.weight": (DIMENSIONS, wide), f"{name}.output.dense.bias": (DIMENSIONS,)}
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    weights = {name: random.normal(0, 0.06, shape) for name, shape in shapes.items()}
    for norm in norms:
        weights |= {
            f"{norm}.weight": random.normal(1, 0.2, DIMENSIONS),
            f"{norm}.bias": random.normal(0, 0.1, DIMENSIONS),
        }
    return {name: value.astype(np.float32) for name, value in weights.items()}


@pytest.fixture(scope="module")
def models(network: Named) -> dict[Precision, bytes]:
    return {precision: build(network, precision, marks(precision)) for precision in Precision}


def oracle(weights: Named, ids: list[int]) -> np.ndarray:
    """BERT with mean pooling, in double precision, one text at a time, straight from its definition."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + w["embeddings.position_embeddings.weight"][: len(ids)], "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        q, k, v = (dense(x, f"{name}.attention.self.{part}") for part in ("query", "key", "value"))
        heads = []
        for columns in np.split(np.arange(DIMENSIONS), HEADS):
            energy = q[:, columns] @ k[:, columns].T / math.sqrt(len(columns))
            share = np.exp(energy - energy.max(-1, keepdims=True))
            heads.append(share / share.sum(-1, keepdims=True) @ v[:, columns])
        mixed = dense(np.concatenate(heads, axis=1), f"{name}.attention.output.dense")
        x = norm(mixed + x, f"{name}.attention.output.LayerNorm")
        inner = dense(x, f"{name}.intermediate.dense")
        active = inner * 0.5 * (1 + ERF(inner / math.sqrt(2)))
        x = norm(dense(active, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)


def run(model: bytes, texts: list[list[int]], output: str = "sentence_embedding") -> np.ndarray:
    """All texts in one batch, padded to the longest."""
    length = max(map(len, texts))
    ids = np.array([text + [0] * (length - len(text)) for text in texts], np.int64)
    mask = np.array([[1] * len(text) + [0] * (length - len(text)) for text in texts], np.int64)
    session = InferenceSession(model, providers=["CPUExecutionProvider"])
    return np.asarray(session.run([output], {"input_ids": ids, "attention_mask": mask})[0])


TEXTS = [[1, 2], [1, 7, 9, 2], [1, *range(3, VOCABULARY), 2], [1, 7, 2]]


@pytest.mark.parametrize(("precision", "closest"), [(Precision.FP32, 0.999999), (Precision.INT8, 0.995)])
def test_the_graph_computes_the_network(
    network: Named, models: dict[Precision, bytes], precision: Precision, closest: float
) -> None:
    vectors = run(models[precision], TEXTS)

    expected = np.stack([oracle(network, text) for text in TEXTS])
    assert (vectors * expected).sum(axis=1).min() > closest
    if precision is Precision.FP32:
        np.testing.assert_allclose(vectors, expected, atol=1e-5)


@pytest.mark.parametrize("precision", Precision)
def test_a_text_in_a_padded_batch_is_read_as_if_alone(models: dict[Precision, bytes], precision: Precision) -> None:
    together = run(models[precision], TEXTS)

    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(run(models[precision], [text])[0], vector, atol=1e-5)


@pytest.mark.parametrize("precision", Precision)
def test_a_build_is_the_same_every_time_and_says_what_it_is(
    network: Named, models: dict[Precision, bytes], precision: Precision
) -> None:
    model = models[precision]

    assert model == build(network, precision, marks(precision))
    loaded = onnx.load_from_string(model)
    assert {prop.key: prop.value for prop in loaded.metadata_props} == marks(precision)
    onnx.checker.check_model(loaded)


def test_int8_is_small(models: dict[Precision, bytes]) -> None:
    assert len(models[Precision.INT8]) < 0.3 * len(models[Precision.FP32])


def test_a_text_that_is_too_long_fails(models: dict[Precision, bytes]) -> None:
    model = models[Precision.INT8]

    assert run(model, [[1] * MAX_TOKENS]).shape == (1, DIMENSIONS)
    with pytest.raises(Exception, match="running Add node"):
        run(model, [[1] * (MAX_TOKENS + 1)])


def test_no_integer_product_can_saturate(models: dict[Precision, bytes]) -> None:
    """Two neighbouring products fit into 16 bits: so processors that add them there compute the same as others."""
    model = onnx.load_from_string(models[Precision.INT8])
    products = [node for node in model.graph.node if node.op_type == "MatMulIntegerToFloat"]
    constants = {value.name: onnx.numpy_helper.to_array(value) for value in model.graph.initializer}
    levels = [node.input[0] for node in products]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.UINT8, None) for name in levels)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = np.array([TEXTS[2]], np.int64)

    largest_weights = {int(np.abs(constants[node.input[1]].astype(int)).max()) for node in products}
    found = session.run(levels, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    largest_levels = {int(level.max()) for level in found}

    assert len(products) == 4 * LAYERS
    assert largest_weights == {quantize.WEIGHT_LIMIT}
    assert max(largest_levels) == 2 * quantize.ACTIVATION_LIMIT
    assert 2 * max(largest_levels) * quantize.WEIGHT_LIMIT <= 2**15 - 1


def test_the_published_weights_in_full_precision_agree_with_other_software(
    weights: Weights, references: list[Any], tmp_path: Any
) -> None:
    files = ModelFiles.at(tmp_path / "fp32.onnx")
    files.onnx.write_bytes(build(load_file(weights.safetensors), Precision.FP32, marks(Precision.FP32)))
    files.tokenizer.write_bytes(weights.tokenizer.read_bytes())

    vectors = Encoder.load(files).encode([reference.text for reference in references])

    np.testing.assert_allclose(vectors, np.stack([reference.vector for reference in references]), atol=1e-4)
