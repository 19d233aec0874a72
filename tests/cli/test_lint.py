"""`aimux lint`, and what `aimux check` says of routes: what they print and how they end."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aimux.cli.check import check
from aimux.cli.lint import lint

MODEL = Path(__file__).parents[2] / "models" / "all-MiniLM-L6-v2.onnx"
OVERLAPPING = """\
semantic_engine:
  model_path: {model}
agents: [alice]
routes:
  - name: users
    upstream: http://users
    intents:
      - delete a user account
      - create a new user
      - reset the password of a user
    allowed: [alice]
  - name: people
    upstream: http://people
    intents:
      - who is on holiday
      - delete a user account
      - birthdays of colleagues
  - name: hidden
    upstream: http://hidden
"""
GUARDED = OVERLAPPING.replace(
    "agents: [alice]",
    """\
  guards:
    - name: deletions
      intents: [remove an account, erase all users]
    - name: greetings
      intents:
        - the secret door
        - hello
        - the hidden treasure
      min_score: 0.6
agents: [alice]""",
)
SANE = OVERLAPPING.replace("      - delete a user account\n      - birthdays", "      - birthdays")
Command = Callable[..., int]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AIMUX_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, model: Path = MODEL) -> Path:
        path = tmp_path / "aimux.yaml"
        path.write_text(text.format(model=model))
        return path

    return write


@pytest.mark.parametrize("command", [lint, check])
@pytest.mark.parametrize("strict", [False, True])
def test_errors_stop_only_where_that_is_asked_for(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], command: Command, strict: bool
) -> None:
    path = config(OVERLAPPING)
    assert command(path, strict=strict, as_json=False) == int(strict)
    printed = capsys.readouterr()
    [line] = [line for line in printed.err.splitlines() if "error: overlap" in line]
    assert line.startswith(f"{path}:8: routes[0].intents[0]: error: overlap: ")
    assert (": ok: " in printed.out) is (command is check and not strict)
    path = config(SANE)
    assert command(path, strict=strict, as_json=False) == 0
    assert ": error: " not in capsys.readouterr().err


UNREADABLE = """\
semantic_engine:
  model_path: {model}
  guards:
    - {{name: deletions, intents: ["delete a user", "删除用户"]}}
routes:
  - name: orders
    upstream: http://upstream:8001
    intents:
      - "show my orders"
      - "查询订单"
      - "${{LONG}}"
"""
KNOWN_IN_PART = """\
semantic_engine: {{model_path: {model}}}
routes: [{{name: r, upstream: "http://x", intents: ["send an invoice to mister 谢 of Peking", "bills", "open bills"]}}]
"""


@pytest.mark.parametrize("command", [lint, check])
def test_intents_that_the_model_does_not_read_fail_with_their_places(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.setenv("LONG", "secret " * 300)
    path = config(UNREADABLE)
    assert command(path, strict=False, as_json=False) == 1
    printed = capsys.readouterr()
    assert ": ok: " not in printed.out
    lines = [line for line in printed.err.splitlines() if ": error: " in line]
    assert [line.partition(": intent ")[0] for line in lines] == [
        f"{path}:10: routes[0].intents[1]: error: unreadable-intent",
        f"{path}:11: routes[0].intents[2]: error: too-long-intent",
        f"{path}:4: semantic_engine.guards[0].intents[1]: error: unreadable-intent",
    ]
    assert all("that the model" in line and "; " in line for line in lines)
    assert "secret" not in printed.err
    assert command(path, strict=False, as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], len(found["findings"])) == (False, 3)


@pytest.mark.parametrize("command", [lint, check])
def test_an_intent_of_which_the_model_does_not_know_a_word_is_warned_of(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], command: Command
) -> None:
    path = config(KNOWN_IN_PART)
    assert command(path, strict=True, as_json=False) == 0
    [line] = [line for line in capsys.readouterr().err.splitlines() if "unreadable-intent" in line]
    assert line.startswith(f"{path}:2: routes[0].intents[0]: warning: unreadable-intent: ")


def test_lint_counts_and_has_notes_which_check_leaves_out(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(OVERLAPPING)
    lint(path, strict=False, as_json=False)
    printed = capsys.readouterr()
    assert f"{path}:18: routes[2]: note: by-name-only: " in printed.err
    assert printed.out.startswith(f"{path}: 1 error, ")
    assert "1 note in the routes and guards" in printed.out
    check(path, strict=False, as_json=False)
    assert "by-name-only" not in capsys.readouterr().err


@pytest.mark.parametrize("command", [lint, check])
def test_what_is_found_in_guards_has_its_place(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], command: Command
) -> None:
    path = config(GUARDED)
    assert command(path, strict=True, as_json=True) == 1
    found = [each for each in json.loads(capsys.readouterr().out)["findings"] if each["guards"]]
    assert [(each["code"], each["line"], each["where"], each["routes"], each["guards"]) for each in found] == [
        ("refused-by-guard", 17, "routes[0].intents[0]", ["users"], ["deletions"]),
        ("refused-by-guard", 25, "routes[1].intents[1]", ["people"], ["deletions"]),
        ("min-score-out-of-reach", 6, "semantic_engine.guards[1]", [], ["greetings"]),
        ("attracts-everyday-texts", 9, "semantic_engine.guards[1].intents[1]", [], ["greetings"]),
        ("too-few-intents", 4, "semantic_engine.guards[0]", [], ["deletions"]),
    ]
    # Guards alone stop nothing, whatever is asked for.
    path = config(GUARDED.replace("      - delete a user account\n      - birthdays", "      - birthdays"))
    assert command(path, strict=True, as_json=False) == 0
    assert f"{path}:17: routes[0].intents[0]: warning: refused-by-guard: " in capsys.readouterr().err


def test_what_is_found_in_groups_has_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "aimux.yaml"
    path.write_text(
        "agents:\n  - alice\n  - name: bob\n    groups: [own]\ngroups:\n  idle: [bob]\n  nobody: []\n"
        "fallback: {upstream: http://x, allowed: ['group:nobody', alice]}\n"
    )
    assert lint(path, strict=True, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [(each["code"], each["line"], each["where"], each["group"]) for each in found] == [
        ("unused-group", 6, "groups.idle", "idle"),
        ("empty-group", 7, "groups.nobody", "nobody"),
        ("unused-group", 4, "agents[1].groups", "own"),
    ]


@pytest.mark.parametrize("command", [lint, check])
def test_json_has_all_of_each_finding(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], command: Command
) -> None:
    path = config(OVERLAPPING)
    assert command(path, strict=True, as_json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["problems"]) == (False, [])
    finding = said["findings"][0]
    assert (finding["source"], finding["line"], finding["where"]) == (str(path), 8, "routes[0].intents[0]")
    assert (finding["severity"], finding["code"]) == ("error", "overlap")
    assert finding["routes"] == ["users", "people"]
    assert finding["texts"] == ["delete a user account"] * 2
    assert finding["similarity"] == pytest.approx(1.0, abs=0.001)
    assert finding["message"]
    assert finding["remedy"]


def test_without_the_model_that_it_needs_no_configuration_is_ok(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = config(SANE, tmp_path / "gone.onnx")
    assert lint(path, strict=False, as_json=False) == 2
    assert "gone.onnx is missing" in capsys.readouterr().err
    gone = tmp_path / "gone.onnx"
    assert check(path, strict=False, as_json=False) == 2
    printed = capsys.readouterr()
    assert printed.err == (
        f"{path}: no gateway starts with it here: the embedding model {gone} is missing; "
        f"run: aimux model pull --output {gone}\n"
    )
    assert printed.out == ""
    for command in (check, lint):
        assert command(path, strict=False, as_json=True) == 2
        found = json.loads(capsys.readouterr().out)
        assert (found["ok"], found["findings"]) == (False, [])
        assert "gone.onnx" in found["routes_not_looked_at"]
    by_name = config(
        "semantic_engine: {{model_path: " + str(gone) + "}}\nroutes:\n- {{name: a, upstream: 'http://x'}}\n"
    )
    assert check(by_name, strict=False, as_json=False) == 0


@pytest.mark.parametrize("as_json", [False, True])
def test_a_configuration_that_cannot_be_read_is_said_as_by_check(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    path = config("agents: [A]\n")
    said = []
    for command in (lint, check):
        assert command(path, strict=False, as_json=as_json) == 2
        printed = capsys.readouterr()
        said.append((printed.out, printed.err))
    assert said[0] == said[1]
    assert "agents[0]" in "".join(said[0])


def test_a_value_of_the_environment_is_not_shown(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHAT", "delete a user account")
    path = config(OVERLAPPING.replace("- delete a user account", '- "${{WHAT}}"'))
    assert lint(path, strict=True, as_json=False) == 1
    printed = capsys.readouterr()
    assert "${WHAT}" in printed.err
    assert "delete a user account" not in printed.err


def test_nor_is_one_in_a_guard(
    config: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHAT", "remove an account")
    path = config(GUARDED.replace("remove an account", '"${{WHAT}}"'))
    assert lint(path, strict=False, as_json=False) == 0
    printed = capsys.readouterr()
    assert 'there, "${WHAT}" has similarity' in printed.err
    assert "remove an account" not in printed.err
