"""Which model is used, by the configured path."""

from pathlib import Path

import pytest

from aimux.intent import model
from aimux.intent.model import MODEL_NAME, ModelError, ModelFiles, bundle, locate


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package, which may be given a bundle."""
    folder = tmp_path / "site-packages" / "aimux"
    folder.mkdir(parents=True)
    monkeypatch.setattr(model, "files", lambda name: folder if name == "aimux" else None)
    return folder


@pytest.fixture
def carried(package: Path) -> ModelFiles:
    files = ModelFiles.at(package / "bundle" / MODEL_NAME, bundled=True)
    files.onnx.parent.mkdir()
    files.onnx.write_text("bundled")
    files.tokenizer.write_text("{}")
    return files


def test_a_file_at_the_path_is_used(carried: ModelFiles, tmp_path: Path) -> None:
    own = tmp_path / MODEL_NAME
    own.write_text("own")

    assert locate(own) == ModelFiles(own, tmp_path / "tokenizer.json", bundled=False)


def test_the_bundled_model_stands_in_for_a_missing_one_of_its_name(carried: ModelFiles, tmp_path: Path) -> None:
    assert locate(tmp_path / "models" / MODEL_NAME) == carried


def test_the_bundled_model_stands_in_for_no_other(carried: ModelFiles, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"other\.onnx is missing"):
        locate(tmp_path / "other.onnx")


def test_without_a_bundle_a_missing_model_is_to_be_pulled(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "my models" / MODEL_NAME

    with pytest.raises(ModelError) as caught:
        locate(path)

    assert str(caught.value) == f"the embedding model {path} is missing; run: aimux model pull --output '{path}'"


@pytest.mark.parametrize("missing", ["onnx", "tokenizer"])
def test_half_a_bundle_is_none(carried: ModelFiles, missing: str) -> None:
    assert bundle() == carried
    getattr(carried, missing).unlink()

    assert bundle() is None


def test_a_folder_is_no_model(carried: ModelFiles, tmp_path: Path) -> None:
    folder = tmp_path / MODEL_NAME
    folder.mkdir()

    with pytest.raises(ModelError, match=r"is not a file: correct semantic_engine\.model_path"):
        locate(folder)
