"""What keeps a gateway from starting: one clear message on stderr each, the right exit code, and never a traceback."""

import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from e2e_support.gateway import AIMUX, MODEL, Config, run_to_end, write_config
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE, until

ROUTES = [{"name": "one", "upstream": "http://127.0.0.1:9", "intents": ["analyze the budget"]}]


def failing(path: Path, code: int, **environment: str) -> list[str]:
    """The lines on stderr of a gateway that does not start."""
    exit_code, stdout, stderr = run_to_end(path, environment=environment)
    assert "Traceback" not in stderr + stdout
    assert exit_code == code, stderr
    assert '"ready"' not in stdout
    lines = stderr.splitlines()
    assert lines
    return lines


def failing_config(folder: Path, config: Config, code: int = 1) -> str:
    """The one line on stderr of a gateway with this configuration."""
    [line] = failing(write_config(folder / "aimux.yaml", config), code)
    assert line.startswith("aimux: ")
    assert "internal error" not in line
    return line


def test_the_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = failing_config(tmp_path, {"server": {"port": port}, "routes": ROUTES})
    assert f"127.0.0.1 port {port}" in line
    assert "AIMUX_SERVER__PORT" in line


def test_the_address_is_not_this_machines(tmp_path: Path) -> None:
    line = failing_config(tmp_path, {"server": {"host": "203.0.113.1"}, "routes": ROUTES})
    assert "203.0.113.1" in line


def test_the_model_is_missing(tmp_path: Path) -> None:
    config = {"semantic_engine": {"model_path": "gone/model.onnx"}, "routes": ROUTES}
    line = failing_config(tmp_path, config)
    assert str(tmp_path / "gone" / "model.onnx") in line
    assert "aimux model pull" in line


def test_the_model_does_not_read_an_intent(tmp_path: Path) -> None:
    routes = [{**ROUTES[0], "intents": ["show my orders", "查询订单"]}]
    line = failing_config(tmp_path, {"routes": routes})
    assert "intent 2 of route" in line
    assert "查询订单" not in line
    assert "write it in a language that the model knows" in line


def test_the_model_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").mkdir()
    line = failing_config(tmp_path, {"semantic_engine": {"model_path": "model.onnx"}, "routes": ROUTES})
    assert "model.onnx" in line


@pytest.mark.parametrize("content", ["empty", "truncated", "text", "flipped"])
def test_the_model_is_broken(tmp_path: Path, content: str) -> None:
    whole = MODEL.read_bytes()
    middle = len(whole) // 2
    broken = {
        "empty": b"",
        "truncated": whole[:middle],
        "text": b"not a model\n",
        "flipped": bytes(byte ^ 0xFF for byte in whole[:4096]) + whole[4096:],
    }
    (tmp_path / "model.onnx").write_bytes(broken[content])
    shutil.copy(MODEL.parent / "tokenizer.json", tmp_path)
    line = failing_config(tmp_path, {"semantic_engine": {"model_path": "model.onnx"}, "routes": ROUTES})
    assert "model.onnx" in line
    assert "aimux model pull" in line


@pytest.mark.parametrize("content", [None, "", "{}", "not JSON", '{"version": "1.0"'])
def test_the_tokenizer_is_missing_or_broken(tmp_path: Path, content: str | None) -> None:
    shutil.copy(MODEL, tmp_path / "model.onnx")
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    line = failing_config(tmp_path, {"semantic_engine": {"model_path": "model.onnx"}, "routes": ROUTES})
    assert "tokenizer.json" in line
    assert "aimux model pull" in line


def test_a_model_is_not_needed_where_no_route_has_intents(tmp_path: Path) -> None:
    config = {
        "server": {"host": "203.0.113.1"},
        "semantic_engine": {"model_path": "gone.onnx"},
        "routes": [{"name": "one", "upstream": "http://127.0.0.1:9"}],
    }
    assert "gone.onnx" not in failing_config(tmp_path, config)


def test_an_intent_is_longer_than_the_model_reads(tmp_path: Path) -> None:
    routes = [{**ROUTES[0], "intents": ["analyze the budget", "word " * 400 + "end"]}]
    line = failing_config(tmp_path, {"routes": routes})
    assert "intent" in line
    assert "256 tokens" in line


def test_a_certificate_file_is_missing_or_broken(tmp_path: Path) -> None:
    routes = [{"name": "one", "upstream": "https://127.0.0.1:9", "ca_file": "ca.pem"}]
    path = write_config(tmp_path / "aimux.yaml", {"routes": routes})
    for content in (None, "", "not a certificate"):
        if content is not None:
            (tmp_path / "ca.pem").write_text(content)
        assert "ca.pem" in " ".join(failing(path, 2))


def test_the_configuration_is_missing(tmp_path: Path) -> None:
    [line] = failing(tmp_path / "gone.yaml", 2)
    assert "gone.yaml" in line


def test_the_configuration_is_a_folder(tmp_path: Path) -> None:
    [line] = failing(tmp_path, 2)
    assert str(tmp_path) in line


@pytest.mark.parametrize(
    "content", [b"", b"# nothing\n", b"routes: [\n", b"\xff\xfe\x00", b"just text\n", b"- a\n- b\n"]
)
def test_the_configuration_is_empty_or_no_mapping(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "aimux.yaml"
    path.write_bytes(content)
    [line] = failing(path, 2)
    assert "aimux.yaml" in line


def test_all_problems_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "aimux.yaml"
    path.write_text(
        "server:\n"
        "  prot: 8080\n"
        "semantic_engine:\n"
        "  min_score: 7\n"
        "agents: [FinanceBot]\n"
        "routes:\n"
        "  - name: finance\n"
        "    upstream: ftp://finance:8001\n"
        "    allowed: [nobody-known]\n"
    )
    lines = failing(path, 2)
    for place in (2, 4, 5, 8, 9):
        assert len([line for line in lines if f"aimux.yaml:{place}" in line]) == 1, (place, lines)


def test_the_environment_is_wrong(tmp_path: Path) -> None:
    path = write_config(tmp_path / "aimux.yaml", {"routes": ROUTES})
    assert "AIMUX_SERVER__PORT" in " ".join(failing(path, 2, AIMUX_SERVER__PORT="many"))
    assert "AIMUX_SERVER__PROT" in " ".join(failing(path, 2, AIMUX_SERVER__PROT="1"))


def test_a_secret_of_the_configuration_is_in_no_message(tmp_path: Path) -> None:
    secret = "hunter2-hunter2\u00e9"
    path = write_config(tmp_path / "aimux.yaml", {"server": {"admin_token": secret}, "routes": ROUTES})
    lines = failing(path, 2)
    assert not any("hunter2" in line for line in lines)
    assert json.dumps(secret) not in " ".join(lines)


@pytest.mark.parametrize("closed", [">&-", ">&- <&-"])
def test_standard_output_is_closed(tmp_path: Path, closed: str) -> None:
    path = write_config(tmp_path / "aimux.yaml", {"routes": ROUTES, "logging": {"format": "json"}})
    command = ["/bin/sh", "-c", f'exec "$0" run --config "$1" {closed}', AIMUX, path]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=DEADLINE, check=False)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert b"standard output is closed" in line


def test_nothing_gets_the_number_of_standard_error_or_input_that_is_closed(tmp_path: Path, upstream: Upstream) -> None:
    path = write_config(tmp_path / "aimux.yaml", {"routes": [{"name": "one", "upstream": upstream.url}]})
    command = ["/bin/sh", "-c", 'exec "$0" run --config "$1" 2>&- <&-', AIMUX, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        until(lambda: b'"ready"' in process.stdout.readline(), "it to be ready")
        for number in (0, 2):
            assert Path(f"/proc/{process.pid}/fd/{number}").readlink() == Path("/dev/null")
        process.terminate()
        assert process.wait(DEADLINE) == 0
