"""Which models load, and what is said of those that do not."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from aimux.intent.encoder import Encoder
from aimux.intent.model import ModelError, ModelFiles

TABLE = np.random.default_rng(7).normal(size=(11, 4)).astype(np.float32)


def refusal(files: ModelFiles) -> str:
    with pytest.raises(ModelError) as caught:
        Encoder.load(files)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("inputs", [("input_ids", "attention_mask"), ("attention_mask", "token_type_ids", "input_ids")])
@pytest.mark.parametrize("integer", [TensorProto.INT64, TensorProto.INT32])
@pytest.mark.parametrize(
    "outputs",
    [("last_hidden_state",), ("sentence_embedding",), ("token_embeddings", "sentence_embedding")],
)
def test_the_usual_exports_load(tiny: Any, inputs: tuple[str, ...], integer: int, outputs: tuple[str, ...]) -> None:
    encoder = Encoder.load(tiny(inputs=inputs, integer=integer, outputs=outputs))

    assert encoder.dimensions == 4
    assert encoder.max_tokens == 256
    assert encoder.name == "tiny"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"inputs": ("input_ids",)}, "its inputs are input_ids, not"),
        (
            {"inputs": ("input_ids", "attention_mask", "pixels")},
            "its inputs are input_ids, attention_mask, pixels, not",
        ),
        ({"mask": TensorProto.FLOAT}, "its input attention_mask is tensor(float), not int64 or int32"),
        ({"outputs": ("logits",)}, "its outputs are logits, not"),
        ({"positions": 128}, "failed"),
        ({"table": np.full((11, 4), np.nan, np.float32)}, "finite"),
        ({"table": np.zeros((11, 4), np.float32)}, "zero"),
        ({"table": TABLE[:-1]}, "failed"),
        ({"table": TABLE[:-1], "marks": {"aimux.max_tokens": "9"}}, "failed"),
        ({"marks": {"aimux.max_tokens": "many"}}, "many"),
        ({"marks": {"aimux.max_tokens": "2"}}, "no room"),
        ({"marks": {"aimux.max_tokens": "-9"}}, "no room"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(tiny: Any, changes: dict[str, Any], said: str) -> None:
    files = tiny(**changes)

    message = refusal(files)

    assert said in message
    assert str(files.onnx) in message
    assert f"run: aimux model pull --output {files.onnx}" in message


@pytest.mark.parametrize("output", ["sentence_embedding", "last_hidden_state"])
def test_a_model_that_gives_vectors_of_an_unknown_shape_is_refused(tiny: Any, output: str) -> None:
    assert f"output {output} has shape" in refusal(tiny(outputs=(output,), swapped=True))


def test_a_model_whose_vectors_change_their_length_is_refused(tiny: Any) -> None:
    assert "instead of" in refusal(tiny(outputs=("sentence_embedding",), axis="axis2"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def blank(path: Path) -> None:
    path.write_bytes(b"")


def scribble(path: Path) -> None:
    path.write_text("<html>404 not found</html>")


@pytest.mark.parametrize("which", ["onnx", "tokenizer"])
@pytest.mark.parametrize("breaking", [cut, blank, scribble, Path.unlink], ids=["cut", "empty", "text", "missing"])
def test_a_broken_file_is_named(tiny: Any, which: str, breaking: Callable[[Path], None]) -> None:
    files = tiny()
    path = getattr(files, which)
    breaking(path)

    message = refusal(files)

    assert str(path) in message
    assert "aimux model pull" in message
    assert "missing" in message if breaking is Path.unlink else re.search("broken|cannot be used", message)


def test_the_real_model_cut_short_is_refused(real_files: ModelFiles, tmp_path: Path) -> None:
    files = ModelFiles.at(tmp_path / "cut.onnx")
    files.onnx.write_bytes(real_files.onnx.read_bytes()[:-1000])
    files.tokenizer.write_bytes(real_files.tokenizer.read_bytes())

    assert "broken" in refusal(files)


def test_a_broken_bundle_is_not_mended_by_a_pull(tiny: Any) -> None:
    made = tiny()
    scribble(made.onnx)

    message = refusal(ModelFiles(made.onnx, made.tokenizer, bundled=True))

    assert "install aimux-mesh again" in message
    assert "pull" not in message


def test_the_digest_names_model_and_tokenizer(tiny: Any) -> None:
    files = tiny()
    first = Encoder.load(files).digest
    again = Encoder.load(files).digest
    tiny.tokenizer(files.tokenizer, extra=())
    tiny.model(files.onnx, table=TABLE * 2)
    other_model = Encoder.load(files).digest
    tiny.model(files.onnx, table=np.vstack([TABLE, TABLE[:1]]))
    plain = Encoder.load(files).digest
    tiny.tokenizer(files.tokenizer, extra=["more"])
    other_tokenizer = Encoder.load(files).digest

    assert re.fullmatch("[0-9a-f]{64}", first)
    assert first == again
    assert len({first, other_model, plain, other_tokenizer}) == 4


def test_the_digest_covers_weights_kept_beside_the_model(tiny: Any) -> None:
    files = tiny()
    without = Encoder.load(files).digest
    files.onnx.with_name("tiny.onnx.data").write_bytes(b"weights")

    assert Encoder.load(files).digest != without


def run_python(program: str, home: Path) -> str:
    """Run a program as a user with this home would, outside of any continuous integration."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_loading_imports_nothing_that_only_building_needs(real_files: ModelFiles, tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
from aimux.intent.encoder import Encoder
from aimux.intent.model import locate
Encoder.load(locate(Path({str(real_files.onnx)!r})))
print(sorted(sys.modules.keys() & {{"onnx", "safetensors", "rich", "torch", "subprocess", "asyncio"}}))
"""
    assert run_python(program, tmp_path).strip() == "[]"


def test_running_the_model_tells_nobody(real_files: ModelFiles, tmp_path: Path) -> None:
    """ONNX Runtime's telemetry, where it is on, leaves an identifier and a queue in the user's cache folder."""
    program = f"""
import os
from pathlib import Path
from aimux.intent.encoder import Encoder
from aimux.intent.model import locate
encoder = Encoder.load(locate(Path({str(real_files.onnx)!r})))
print(os.environ["ORT_DISABLE_TELEMETRY"], len(encoder.encode(["who listens?"])))
"""
    assert run_python(program, tmp_path).split() == ["1", "1"]
    assert list(tmp_path.rglob("*")) == []
