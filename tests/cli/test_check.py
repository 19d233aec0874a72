"""`aimux check`: what it prints and how it ends."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from aimux.cli.check import check

GOOD = "agents: [a, b]\nroutes: [{name: r, upstream: http://x}]\nfallback: {upstream: http://y}\n"
BAD = "agents: [A]\nfallback: {upstream: ftp://y}\nserver: {prt: 1}\n"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AIMUX_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "aimux.yaml"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD, "1 route, 2 agents, a fallback"),
        ("fallback: {upstream: http://y}\n", "0 routes, 0 agents, a fallback"),
        (
            "agents: [a]\nroutes: [{name: r, upstream: http://x}, {name: s, upstream: http://y}]\n",
            "2 routes, 1 agent, no",
        ),
    ],
)
def test_a_good_file_is_summed_up_in_one_line(
    config: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    config.write_text(text)
    assert check(config, strict=False, as_json=False) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{config}: ok: {says}")
    assert printed.out.count("\n") == 1
    assert printed.err == ""


def test_every_problem_is_printed_and_counted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(BAD)
    assert check(config, strict=False, as_json=False) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert [line.split(" ")[0] for line in lines[:3]] == [f"{config}:{number}:" for number in (1, 2, 3)]
    assert lines[3:] == ["3 problems found"]


def test_one_problem_is_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(config, strict=False, as_json=False) == 2
    assert capsys.readouterr().err.splitlines()[1:] == ["1 problem found"]


def test_the_environment_is_read(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(GOOD)
    monkeypatch.setenv("AIMUX_SERVER__PORT", "x")
    assert check(config, strict=False, as_json=False) == 2
    assert capsys.readouterr().err.startswith("environment: AIMUX_SERVER__PORT: ")


def test_advice_is_given_beside_the_result(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("fallback: {upstream: http://y, allowed: []}\n")
    assert check(config, strict=False, as_json=False) == 0
    printed = capsys.readouterr()
    assert printed.err == f"{config}: warning: the fallback allows nobody, since its `allowed` is empty\n"
    assert "ok" in printed.out


def test_json_holds_the_same(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(BAD)
    assert check(config, strict=False, as_json=True) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert [(p["source"], p["line"], p["where"]) for p in found["problems"]] == [
        (str(config), 1, "agents[0]"),
        (str(config), 2, "fallback.upstream"),
        (str(config), 3, "server.prt"),
    ]
    assert all(p["message"] and p["remedy"] for p in found["problems"])
    config.write_text("fallback: {upstream: http://y, allowed: []}\n")
    assert check(config, strict=False, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["problems"], len(found["warnings"])) == (True, [], 1)


@pytest.mark.parametrize(
    ("extra", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)], ids=str
)
def test_colours_are_for_terminals_that_want_them(config: Path, extra: dict[str, str], coloured: bool) -> None:
    config.write_text(BAD)
    near, far = pty.openpty()
    try:
        environ = {"PATH": os.environ["PATH"], "TERM": "xterm", **extra}
        command = [sys.executable, "-c", "from aimux.cli.main import main; main()", "check", str(config)]
        assert subprocess.run(command, stderr=far, env=environ, check=False).returncode == 2
        shown = os.read(near, 100_000).decode()
    finally:
        os.close(near)
        os.close(far)
    assert "3 problems found" in shown
    assert ("\x1b[" in shown) is coloured
