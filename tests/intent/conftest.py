"""Models to test with: the real one that `aimux model pull` put into the checkout, and tiny ones made on the spot."""

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from aimux.intent.encoder import Encoder
from aimux.intent.fetch import Weights, cache_folder, cached
from aimux.intent.model import MODEL_NAME, ModelFiles

CHECKOUT = Path(__file__).parents[2]

WORDS = ["<pad>", "<unk>", "<begin>", "<end>", "a", "red", "green", "blue", "poison", "nothing", "last"]
TABLE = np.random.default_rng(7).normal(size=(len(WORDS), 4)).astype(np.float32)


@dataclass(frozen=True)
class Reference:
    """One text as other software reads and embeds it."""

    text: str
    ids: list[int]
    vector: np.ndarray


@pytest.fixture(scope="session")
def references() -> list[Reference]:
    entries = json.loads(Path(__file__).with_name("reference_vectors.json").read_text("utf-8"))
    return [Reference(e["text"], e["ids"], np.frombuffer(base64.b64decode(e["vector"]), "<f4")) for e in entries]


@pytest.fixture(scope="session")
def real_files() -> ModelFiles:
    files = ModelFiles.at(CHECKOUT / "models" / MODEL_NAME)
    if not files.onnx.is_file():
        pytest.fail(f"{files.onnx} is missing; run: aimux model pull --output {files.onnx}")
    return files


@pytest.fixture(scope="session")
def encoder(real_files: ModelFiles) -> Encoder:
    return Encoder.load(real_files)


@pytest.fixture(scope="session")
def weights() -> Weights:
    """The published weights, from where the last pull kept them: no test downloads anything."""
    found = cached(cache_folder())
    if found is None:
        pytest.skip("no weights were kept by an earlier `aimux model pull`")
    return found


@dataclass(frozen=True)
class Tiny:
    """Makes models of four dimensions whose hidden state is a row of TABLE a token."""

    folder: Path

    def __call__(self, **changes: Any) -> ModelFiles:
        files = ModelFiles.at(self.folder / "tiny.onnx")
        self.tokenizer(files.tokenizer)
        self.model(files.onnx, **changes)
        return files

    def tokenizer(self, path: Path, extra: Iterable[str] = ()) -> None:
        """One word a token, framed in special tokens of its own, with settings that cut and pad."""
        words = {word: i for i, word in enumerate([*WORDS, *extra])}
        tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
        tokenizer.pre_tokenizer = Whitespace()
        tokenizer.add_special_tokens(["<pad>", "<unk>", "<begin>", "<end>"])
        tokenizer.post_processor = TemplateProcessing(
            single="<begin> $A <end>", special_tokens=[("<begin>", words["<begin>"]), ("<end>", words["<end>"])]
        )
        tokenizer.enable_truncation(5)
        tokenizer.enable_padding(length=12, pad_token="<pad>")
        tokenizer.save(str(path))

    def model(
        self,
        path: Path,
        *,
        inputs: Iterable[str] = ("input_ids", "attention_mask"),
        outputs: Iterable[str] = ("last_hidden_state",),
        integer: int = TensorProto.INT64,
        mask: int | None = None,
        table: np.ndarray = TABLE,
        positions: int | None = None,
        marks: dict[str, str] | None = None,
        swapped: bool = False,
        axis: str = "axis",
    ) -> None:
        """Write the model; its pooled output is the maximum over the tokens.

        With `positions`, windows of more tokens than that fail as a real model's would. With `swapped`, each output has
        the other one's shape. With `axis` "axis2", the pooled output has one number a token.
        """
        nodes, constants = self._hidden(set(inputs), table, positions)
        result = "placed" if positions else "masked"
        for output in outputs:
            if (output == "sentence_embedding") is swapped:
                nodes.append(helper.make_node("Identity", [result], [output]))
            else:
                nodes.append(helper.make_node("ReduceMax", [result, axis], [output], keepdims=0))
        kinds = {"attention_mask": integer if mask is None else mask}
        given = [
            helper.make_tensor_value_info(name, kinds.get(name, integer), ["batch", "sequence"]) for name in inputs
        ]
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(nodes, "tiny", given, made, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        helper.set_model_props(model, marks or {})
        path.write_bytes(model.SerializeToString())

    @staticmethod
    def _hidden(inputs: set[str], table: np.ndarray, positions: int | None) -> tuple[list[Any], list[Any]]:
        constants = {"table": table, "axis": np.array([1]), "axis2": np.array([2])}
        nodes = [helper.make_node("Gather", ["table", "input_ids"], ["words"])]
        mask = "attention_mask" if "attention_mask" in inputs else "input_ids"
        nodes += [
            helper.make_node("Cast", [mask], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["floats", "axis2"], ["column"]),
        ]
        hidden = "words"
        if "token_type_ids" in inputs:
            constants["types"] = np.array([[1, 2, 3, 4], [500, -500, 0, 0]], np.float32)
            nodes.append(helper.make_node("Gather", ["types", "token_type_ids"], ["typed"]))
            nodes.append(helper.make_node("Add", ["words", "typed"], ["sum"]))
            hidden = "sum"
        nodes.append(helper.make_node("Mul", [hidden, "column"], ["masked"]))
        if positions:
            constants["positions"] = np.zeros((positions, 4), np.float32)
            constants["zero"] = np.array([0])
            nodes.append(helper.make_node("Shape", ["input_ids"], ["length"], start=1, end=2))
            nodes.append(helper.make_node("Slice", ["positions", "zero", "length", "zero"], ["places"]))
            nodes.append(helper.make_node("Add", ["masked", "places"], ["placed"]))
        return nodes, [numpy_helper.from_array(value, name) for name, value in constants.items()]


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., ModelFiles]:
    return Tiny(tmp_path)


@pytest.fixture(scope="session")
def make_tiny() -> Callable[[Path], Tiny]:
    return Tiny
