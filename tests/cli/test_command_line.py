"""The command line as a whole: what each command is given, how it ends, and what help says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from aimux import __version__
from aimux.cli.commands import app
from aimux.cli.main import main

PYTHON = [sys.executable, "-c"]
MAIN = "from aimux.cli.main import main; main()"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs a command line in this process and gives its exit code."""

    def run_arguments(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["aimux", *arguments])
        monkeypatch.setattr("aimux.cli.main.hold", lambda: None)  # the signals of this process are pytest's
        with pytest.raises(SystemExit) as stop:
            main()
        assert isinstance(stop.value.code, int)
        return stop.value.code

    return run_arguments


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """Stands in for the commands' modules and notes what they are called with. Each ends with exit code 7."""
    made: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def stand_in(name: str) -> Callable[..., int]:
        def call(*args: Any, **kwargs: Any) -> int:
            made.append((name, args, kwargs))
            return 7

        return call

    for module, function in (
        ("run", "run"),
        ("reload", "reload"),
        ("route", "route"),
        ("demo", "demo"),
        ("model", "pull"),
        ("check", "check"),
        ("lint", "lint"),
        ("eval", "evaluate"),
        ("tune", "tune"),
        ("replay", "replay"),
    ):
        monkeypatch.setitem(sys.modules, f"aimux.cli.{module}", SimpleNamespace(**{function: stand_in(function)}))
    return made


DEFAULT = Path("aimux.yaml")
ROUTE = {"as_json": False, "scores": False, "explain": False}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config", "a.yaml"], ("run", (Path("a.yaml"),), {"strict": False})),
        (["-c", "a.yaml"], ("run", (Path("a.yaml"),), {"strict": False})),
        (["run"], ("run", (DEFAULT,), {"strict": False})),
        (["run", "--strict"], ("run", (DEFAULT,), {"strict": True})),
        (["run", "--config", "a.yaml"], ("run", (Path("a.yaml"),), {"strict": False})),
        (["check"], ("check", (DEFAULT,), {"strict": False, "as_json": False})),
        (["check", "a.yaml", "--json"], ("check", (Path("a.yaml"),), {"strict": False, "as_json": True})),
        (["lint"], ("lint", (DEFAULT,), {"strict": False, "as_json": False})),
        (
            ["lint", "--config", "a.yaml", "--strict", "--json"],
            ("lint", (Path("a.yaml"),), {"strict": True, "as_json": True}),
        ),
        (["route", "a text"], ("route", ("a text", None, DEFAULT, None), ROUTE)),
        (
            ["route", "x", "--as", "bot", "--config", "a.yaml", "--json"],
            ("route", ("x", "bot", Path("a.yaml"), None), {**ROUTE, "as_json": True}),
        ),
        (
            ["route", "--batch", "b.jsonl", "--scores"],
            ("route", (None, None, DEFAULT, Path("b.jsonl")), {**ROUTE, "scores": True}),
        ),
        (["route", "x", "--explain"], ("route", ("x", None, DEFAULT, None), {**ROUTE, "explain": True})),
        (["eval", "a.csv"], ("evaluate", (Path("a.csv"), DEFAULT), {"as_json": False, "show": 20})),
        (
            ["eval", "a.csv", "--config", "b.yaml", "--json", "--show", "0"],
            ("evaluate", (Path("a.csv"), Path("b.yaml")), {"as_json": True, "show": 0}),
        ),
        (
            ["tune", "a.csv"],
            ("tune", (Path("a.csv"), DEFAULT), {"false_forwards": 1.0, "lower_ambiguity": False, "as_json": False}),
        ),
        (
            ["tune", "-", "--false-forwards", "2", "--lower-ambiguity", "--json"],
            ("tune", (Path("-"), DEFAULT), {"false_forwards": 2.0, "lower_ambiguity": True, "as_json": True}),
        ),
        (["replay", "audit"], ("replay", (Path("audit"), DEFAULT, [], {}), {"as_json": False, "show": 20})),
        (
            [
                "replay",
                "a",
                "-c",
                "b",
                "--before",
                "c",
                "--before",
                "d",
                "--since",
                "1h",
                "--until",
                "1m",
                "--show",
                "3",
            ],
            (
                "replay",
                (Path("a"), Path("b"), [Path("c"), Path("d")], {"since": "1h", "until": "1m"}),
                {"as_json": False, "show": 3},
            ),
        ),
        (["demo"], ("demo", (), {"as_json": False})),
        (["demo", "--json"], ("demo", (), {"as_json": True})),
        (["model", "pull"], ("pull", ("int8", None, None), {"force": False})),
        (
            ["model", "pull", "--precision", "fp32", "--config", "a", "--output", "b", "--force"],
            ("pull", ("fp32", Path("a"), Path("b")), {"force": True}),
        ),
    ],
)
def test_each_command_gets_its_arguments_and_gives_the_exit_code(
    run: Callable[..., int],
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]],
    arguments: list[str],
    expected: tuple[str, tuple[Any, ...], dict[str, Any]],
) -> None:
    assert run(*arguments) == 7
    assert calls == [expected]


def configured(found: Any) -> list[tuple[str, ...]]:
    """The commands that read a configuration."""
    return [words for words, command in commands(found) if any("--config" in each.opts for each in command.params)]


def commands(found: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    for name, command in getattr(found, "commands", {}).items():
        yield (*words, name), command
        yield from commands(command, (*words, name))


CONFIGURED = configured(typer.main.get_command(app))
BEFORE_A_FILE = {"route": "a text", "eval": "rows.csv", "tune": "rows.csv", "replay": "audit"}


@pytest.fixture
def audit_calls(calls: list[Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The same for commands of the audit log."""

    def stand_in(name: str) -> Callable[..., int]:
        return lambda *arguments, **options: calls.append((name, arguments, options)) or 7  # type: ignore[func-returns-value]

    names = ("tail", "query", "commands", "verify", "export", "stats")
    made = SimpleNamespace(**{name: stand_in(name) for name in names})
    monkeypatch.setitem(sys.modules, "aimux.cli.audit", made)
    import aimux.cli

    monkeypatch.setattr(aimux.cli, "audit", made, raising=False)
    return calls


def test_every_command_that_reads_a_configuration_is_known_here() -> None:
    audit = {("audit", name) for name in ("tail", "query", "commands", "verify", "export", "stats")}
    others = {
        ("run",),
        ("reload",),
        ("check",),
        ("lint",),
        ("route",),
        ("eval",),
        ("tune",),
        ("replay",),
        ("model", "pull"),
    }
    assert set(CONFIGURED) == audit | others


@pytest.mark.parametrize("words", CONFIGURED, ids=" ".join)
def test_a_configuration_is_named_by_an_argument_or_an_option(
    run: Callable[..., int], audit_calls: list[Any], capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    first = [BEFORE_A_FILE[words[0]]] if words[0] in BEFORE_A_FILE else []
    for named in (["mesh.yaml"], ["--config", "mesh.yaml"], ["-c", "mesh.yaml"]):
        assert run(*words, *first, *named) == 7
    assert len(audit_calls) == 3
    assert audit_calls[0] == audit_calls[1] == audit_calls[2]
    assert Path("mesh.yaml") in audit_calls[0][1]
    assert run(*words, *first, "mesh.yaml", "--config", "other.yaml") == 2
    assert "give the configuration once: mesh.yaml, or --config other.yaml" in capsys.readouterr().err
    assert len(audit_calls) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["--bogus"],
        ["check", "--bogus"],
        ["check", "a", "b"],
        ["route"],
        ["route", "text", "--batch", "b.jsonl"],
        ["route", "--explain"],
        ["route", "--explain", "--batch", "b.jsonl"],
        ["eval"],
        ["eval", "a.csv", "--show", "-1"],
        ["--config"],
        ["--config", "a.yaml", "check"],
        ["model"],
        ["model", "pull", "--precision", "int4"],
    ],
)
def test_wrong_usage_ends_with_2_and_calls_nothing(
    run: Callable[..., int], calls: list[object], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(*arguments) == 2
    assert calls == []
    assert capsys.readouterr().err


def test_the_folder_of_a_log_is_no_configuration(
    run: Callable[..., int], audit_calls: list[Any], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("audit", "verify", str(tmp_path)) == 2
    assert f"--path {tmp_path}" in " ".join(capsys.readouterr().err.split())
    assert audit_calls == []


def test_a_misplaced_config_says_where_it_belongs(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--config", "a.yaml", "check") == 2
    assert "write --config behind the command: aimux check --config a.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("argument", ["version", "--version"])
def test_version(run: Callable[..., int], capsys: pytest.CaptureFixture[str], argument: str) -> None:
    assert run(argument) == 0
    assert capsys.readouterr().out == f"aimux {__version__}\n"


def test_schema_is_json(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "AIMux configuration"


def test_openapi_is_json(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("openapi") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["openapi"], document["info"]["version"]) == ("3.1.0", __version__)


def test_a_missing_configuration_ends_with_2(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("--config", str(tmp_path / "nope.yaml")) == 2
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_command_there_is_help(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run(*arguments) == 0
    printed = capsys.readouterr()
    assert "Usage: aimux" in printed.out
    names = (
        "run",
        "reload",
        "check",
        "lint",
        "route",
        "eval",
        "replay",
        "model",
        "demo",
        "schema",
        "openapi",
        "version",
    )
    for command in names:
        assert f"\n  {command} " in printed.out
    assert printed.err == ""


COMMANDS = [words for words, command in commands(typer.main.get_command(app)) if not hasattr(command, "commands")]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_each_command_teaches(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run(*words, "--help") == 0
    shown = capsys.readouterr().out
    assert f"Examples:\n    aimux {' '.join(words)}" in shown
    command = dict(commands(typer.main.get_command(app)))[words]
    assert "..." not in command.get_short_help_str(60), "the purpose does not fit on its line of the list"
    for parameter in command.params:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("debug", [False, True])
def test_a_fault_of_our_own_is_one_line_unless_the_traceback_is_wanted(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    def fail(_: Path, *, strict: bool) -> int:
        raise RuntimeError("first\nsecond")

    monkeypatch.setitem(sys.modules, "aimux.cli.run", SimpleNamespace(run=fail))
    monkeypatch.delenv("AIMUX_DEBUG", raising=False)
    if debug:
        monkeypatch.setenv("AIMUX_DEBUG", "1")
        monkeypatch.setattr(sys, "argv", ["aimux", "run"])
        monkeypatch.setattr("aimux.cli.main.hold", lambda: None)
        with pytest.raises(RuntimeError, match="first"):
            main()
        return
    assert run("run") == 1
    assert capsys.readouterr().err == (
        "aimux: internal error: RuntimeError: first second; run again with AIMUX_DEBUG=1 for the traceback\n"
    )


def test_ctrl_c_ends_quietly_with_130() -> None:
    interrupted = (
        "import os, signal, sys, types\n"
        "def schema(): os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.modules['aimux.cli.schema'] = types.SimpleNamespace(schema=schema)\n"
        "sys.argv = ['aimux', 'schema']\n" + MAIN
    )
    done = subprocess.run([*PYTHON, interrupted], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["schema", "version"])
def test_a_reader_that_is_gone_is_no_reason_to_complain(command: str, unbuffered: str) -> None:
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*PYTHON, MAIN, command], stdout=writing, stderr=subprocess.PIPE, env=environ, check=False
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_output_that_cannot_be_written_is_said() -> None:
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PYTHON, MAIN, "version"], stdout=full, stderr=subprocess.PIPE, env=buffered, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"aimux: the output cannot be written: No space left on device\n"


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules that a command line loads in a process of its own."""
    script = (
        f"import sys\nsys.argv = ['aimux', {', '.join(map(repr, arguments))}]\n"
        "from aimux.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([*PYTHON, script], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


def test_no_command_loads_what_it_does_not_need(tmp_path: Path) -> None:
    heavy = {"numpy", "onnxruntime", "tokenizers", "uvloop", "prometheus_client", "structlog", "rich", "onnx"}
    version = loaded_by("version")
    assert "aimux" in version
    assert not version & (heavy | {"typer", "pydantic", "yaml", "json"})
    others = {"aimux.cli.run", "aimux.cli.route", "aimux.cli.demo", "aimux.cli.model"}
    assert not loaded_by("schema") & (heavy | others | {"aimux.config.load"})
    openapi = loaded_by("openapi")
    assert "aimux.admin.models" in openapi
    assert not openapi & (heavy | others | {"aimux.config", "aimux.admin.management", "aimux.gateway", "aimux.intent"})
    config = tmp_path / "aimux.yaml"
    config.write_text("fallback: {upstream: http://x}\n")
    check = loaded_by("check", str(config))
    assert "aimux.config.load" in check
    assert not check & (heavy | others | {"aimux.gateway", "aimux.edge", "aimux.intent"})
