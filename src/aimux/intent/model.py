"""The embedding model's files: where they lie, and what a file that AIMux built says of itself."""

import shlex
from dataclasses import dataclass
from enum import StrEnum
from hashlib import file_digest
from importlib.resources import files
from pathlib import Path
from typing import Final

MODEL_NAME: Final = "all-MiniLM-L6-v2.onnx"
TOKENIZER_NAME: Final = "tokenizer.json"

# The published weights and tokenizer. Everything that is built comes from exactly these bytes.
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256: Final = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"

BUILDER: Final = "1"  # raise it whenever the same weights would give another graph
DIMENSIONS: Final = 384
MAX_TOKENS: Final = 256
MAX_TOKENS_MARK: Final = "aimux.max_tokens"
PRECISION_MARK: Final = "aimux.precision"


class Precision(StrEnum):
    """How the model's weights are stored and multiplied."""

    INT8 = "int8"
    FP32 = "fp32"


class ModelError(Exception):
    """The model cannot be used or got. The message is one line for the user and says what to do."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model and the tokenizer beside it. `bundled` says that they belong to the installed package."""

    onnx: Path
    tokenizer: Path
    bundled: bool

    @classmethod
    def at(cls, onnx: Path, *, bundled: bool = False) -> "ModelFiles":
        """The files of a model, by the place of its ONNX file."""
        return cls(onnx, onnx.parent / TOKENIZER_NAME, bundled)

    @property
    def remedy(self) -> str:
        """What to do where these files are missing or broken."""
        if self.bundled:
            return "install aimux-mesh again"
        return f"run: aimux model pull --output {shlex.quote(str(self.onnx))}"


def bundle() -> ModelFiles | None:
    """The model inside the installed package; only a built wheel carries one."""
    found = ModelFiles.at(Path(str(files("aimux"))) / "bundle" / MODEL_NAME, bundled=True)
    return found if found.onnx.is_file() and found.tokenizer.is_file() else None


def locate(model_path: Path) -> ModelFiles:
    """The model at this path or, where there is none and the path has the bundled model's name, the bundled one."""
    wanted = ModelFiles.at(model_path)
    if model_path.is_file():
        return wanted
    if model_path.exists():
        raise ModelError(f"the embedding model {model_path} is not a file: correct semantic_engine.model_path")
    carried = bundle() if model_path.name == MODEL_NAME else None
    if carried is not None:
        return carried
    raise ModelError(f"the embedding model {model_path} is missing; {wanted.remedy}")


def marks(precision: Precision) -> dict[str, str]:
    """The metadata of a file that this version builds: it tells an up-to-date file from any other."""
    return {
        "aimux.builder": BUILDER,
        "aimux.dimensions": str(DIMENSIONS),
        MAX_TOKENS_MARK: str(MAX_TOKENS),
        PRECISION_MARK: precision.value,
        "aimux.source_sha256": WEIGHTS_SHA256,
    }


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
