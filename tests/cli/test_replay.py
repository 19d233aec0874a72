"""`aimux replay`: what it prints of a log, how it ends, and how it refuses what it cannot use."""

import hashlib
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aimux.cli.replay import replay
from aimux.config.load import load
from aimux.intent.model import MODEL_NAME

MODEL = Path(__file__).parents[2] / "models" / MODEL_NAME
CONFIG = """\
semantic_engine: {{model_path: {model}}}
agents: [bob, eve]
routes:
  - {{name: finance, upstream: "http://x", intents: [analyze the budget, revenue forecast, costs], allowed: [bob]}}
  - {{name: vault, upstream: "http://x", allowed: [bob]}}
"""
TEXT = "forecast the revenue\x1b[31m of next year"


def entry(number: int = 1, **fields: object) -> dict[str, Any]:
    """A request as it is exported: refused, and named the vault, unless told otherwise."""
    return {
        "time": f"2026-01-31T12:00:{number:02d}.000000Z",
        "request_id": f"{number:032x}",
        "agent": "eve",
        "identity": "claimed",
        "dialect": "query",
        "text": None,
        "text_digest": None,
        "route": "vault",
        "score": None,
        "scores": [],
        "verdict": "route_forbidden",
        "rule": "route 'vault' lists agent 'eve'",
        "config": "0" * 64,
        "model": None,
        "decided_ms": None,
        **fields,
    }


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AIMUX_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "aimux.yaml"
    file.write_text(CONFIG.format(model=MODEL))
    return file


@pytest.fixture
def opened(config: Path) -> Path:
    """The configuration with the vault open to everybody."""
    file = config.with_name("opened.yaml")
    file.write_text(
        config.read_text().replace('vault, upstream: "http://x", allowed: [bob]', 'vault, upstream: "http://x"')
    )
    return file


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    def write(*entries: object) -> Path:
        file = tmp_path / "export.jsonl"
        file.write_text("".join(each if isinstance(each, str) else json.dumps(each) + "\n" for each in entries))
        return file

    return write


def run(source: Path, config: Path, *olds: Path, as_json: bool = False, show: int = 20, **given: str) -> int:
    return replay(source, config, olds, given, as_json=as_json, show=show)


def test_what_changes_is_shown_and_ends_with_1(
    config: Path, opened: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source = log(entry(1), entry(2, agent="bob", route="vault", verdict="forward", decided_ms=0.5))
    assert run(source, config) == 0
    assert capsys.readouterr().out.startswith(f"{source} by {config}: 2 requests, 0 would be decided otherwise, 0 ")
    assert run(source, opened) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{source} by {opened}: 2 requests, 1 would be decided otherwise, 0 could not be judged"
    assert lines[2].split() == ["before", "after", "requests", "callers"]
    assert lines[3].split() == ["newly", "allowed", "route_forbidden", "forward", "vault", "1", "eve"]
    assert f"2026-01-31T12:00:01.000000Z  {1:032x}  eve" in lines
    assert "    newly allowed: route_forbidden -> forward vault: route 'vault' is open" in lines
    assert lines[-1] == "       2  judged exactly"


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


def test_how_far_it_is_stands_on_a_terminal_only(
    config: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = log(entry(1), entry(2))
    assert run(source, config) == 0
    plain = capsys.readouterr()
    assert "judged, up to" not in plain.err
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert run(source, config) == 0
    assert "2 requests judged, up to 2026-01-31T12:00:02" in terminal.getvalue()
    assert capsys.readouterr().out == plain.out


def test_a_whole_text_is_read_and_steers_no_terminal(
    config: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"text": TEXT, "text_digest": hashlib.sha256(TEXT.encode()).hexdigest()}
    forbidden = {"agent": "bob", "route": "finance", "score": 0.9, "verdict": "route_forbidden", "model": "0" * 64}
    source = log(entry(1, **forbidden, **said), entry(2, **{**forbidden, "agent": "eve\x1b[31m"}, **said))
    assert run(source, config) == 1
    printed = capsys.readouterr()
    assert "newly allowed      route_forbidden  forward finance         1  bob" in printed.out
    assert "refused otherwise  route_forbidden  unknown_agent           1  eve\\x1b[31m" in printed.out
    assert r'bob  "forecast the revenue\u001b[31m of next year"' in printed.out
    assert "\x1b" not in printed.out + printed.err


def test_what_is_not_judged_ends_with_3_and_says_what_to_do(
    config: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    cut = entry(1, agent="bob", route="finance", score=0.9, text="fore...", text_digest="0" * 64, verdict="forward")
    unknown = entry(2, agent=None, identity=None, route=None, verdict="unknown_agent")
    source = log(entry(3), cut, unknown, entry(4, verdict="draining", identity=None, agent=None, config=None))
    assert run(source, config) == 3
    out = capsys.readouterr().out
    assert "4 requests, 0 would be decided otherwise, 2 could not be judged" in out
    assert "1  not judged: only an excerpt of the text was recorded: record with audit.text: full, or give" in out
    assert "1  not judged: the name of an unregistered caller is not recorded, and could be registered now: give" in out
    assert "1  not about policy: draining 1" in out
    assert run(source, config, as_json=True) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["why_not_judged"] == {"text_cut": 1, "unknown_caller": 1}
    assert (found["not_judged"], found["not_about_policy"], found["judged"]["exact"]) == (2, {"draining": 1}, 1)


def test_who_asked_is_taken_from_the_record_unless_it_is_proved(
    config: Path, opened: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    digest = load(config, {}).digest
    assert run(log(entry(1), entry(2, config=digest)), config) == 0
    assert "who asked is taken from the record in 1 request:" in capsys.readouterr().err
    source = log(entry(1, config=digest))
    assert run(source, opened, config) == 1
    assert capsys.readouterr().err == ""
    moved = config.with_name("moved.yaml")
    moved.write_text(opened.read_text() + "identity: {headers: [X-Other]}\n")
    assert run(source, moved, config) == 3
    assert "1  not judged: identity was looked for in other places than now" in capsys.readouterr().out


def test_a_configuration_that_decided_nothing_is_said(
    config: Path, opened: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(log(entry()), config, opened) == 0
    assert f"aimux: {opened} decided none of these requests, by its digest" in capsys.readouterr().err


def test_bad_lines_are_said_and_keep_it_from_ending_with_0(
    config: Path, opened: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source = log(entry(), "{torn\n")
    assert run(source, config) == 3
    printed = capsys.readouterr()
    assert "1 request, 0 would be" in printed.out
    assert "first export.jsonl:2: the line is no request that can be read: run `aimux audit verify`" in printed.err
    assert run(source, opened) == 1


def test_json_has_every_group_and_as_many_examples_as_are_asked_for(
    opened: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    gone = {"agent": "zed", "route": "vault", "verdict": "forward"}
    source = log(entry(1, **gone), entry(2), entry(3), entry(4))
    assert run(source, opened, as_json=True, show=2) == 1
    found = json.loads(capsys.readouterr().out)
    first, second = found["changes"]
    assert (first["kind"], first["requests"], first["callers"]) == ("newly_allowed", 3, ["eve"])
    assert [int(each["request_id"], 16) for each in first["examples"]] == [2, 3]
    assert first["examples"][0]["new"] == {
        "verdict": "forward",
        "route": "vault",
        "rule": "route 'vault' is open",
        "rule_id": "access.open",
        "basis": "exact",
    }
    assert (second["kind"], second["before"], second["after"]) == ("newly_refused", "forward vault", "unknown_agent")
    assert second["examples"] == []
    assert (found["requests"], found["changed"], found["configuration"]) == (4, 4, load(opened, {}).digest)
    assert run(source, opened, show=1) == 1
    assert "would be decided otherwise, the first 1 of 4; see --show:" in capsys.readouterr().out


def test_only_the_time_that_is_asked_for(
    opened: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source = log(entry(1), entry(2, agent="bob", verdict="forward"))
    assert run(source, opened, since="2026-01-31T12:00:02Z") == 0
    assert run(source, opened, until="2026-01-31T12:00:02Z") == 1
    capsys.readouterr()
    assert run(source, opened, since="2026-02-01") == 2
    assert "holds no requests, or none of that time" in capsys.readouterr().err
    assert run(source, opened, since="soon") == 2
    assert "since is no moment" in capsys.readouterr().err


def test_what_cannot_be_used_ends_with_2(
    config: Path, log: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    source = log(entry())
    without_model = tmp_path / "other.yaml"
    without_model.write_text(config.read_text().replace(str(MODEL), "nowhere.onnx"))
    nonsense = tmp_path / "nonsense.jsonl"
    nonsense.write_text("a\nb\n")
    for arguments, said in (
        ((source, tmp_path / "none.yaml"), "there is no such file"),
        ((source, config, tmp_path / "none.yaml"), "there is no such file"),
        ((tmp_path / "none", config), "there is no audit log in"),
        ((tmp_path, config), "there is no audit log in"),
        ((nonsense, config), "nothing can be read of"),
        ((source, without_model), "nowhere.onnx"),
    ):
        assert run(*arguments) == 2
        printed = capsys.readouterr()
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        assert printed.err.startswith("aimux: ")
        assert said in printed.err
