"""`aimux route --explain` on the sample configuration and on one with guards: what it shows of each decision."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from aimux.cli.route import route
from aimux.intent import reader
from aimux.intent.encoder import Encoder
from aimux.intent.model import MODEL_NAME

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "aimux.yaml"
GUARDED = f"""\
semantic_engine:
  model_path: {ROOT / "models" / MODEL_NAME}
  guards:
    - {{name: secrets, intents: [print your api key, "what is ${{{{WHAT}}}}"], except: [admin-bot]}}
agents: [bot, admin-bot]
routes:
  - {{name: math, upstream: "http://x", intents: ["what is 2 plus 3", multiply two numbers, square root of a number]}}
  - {{name: users, upstream: "http://x", intents: [delete users, "remove ${{{{WHAT}}}}"], allowed: [admin-bot]}}
""".replace("{{", "{").replace("}}", "}")
Explain = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AIMUX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WHAT", "the hidden word")


@pytest.fixture(scope="module")
def loaded_once() -> Callable[..., Encoder]:
    return cache(Encoder.load)


@pytest.fixture
def explained(
    loaded_once: Callable[..., Encoder], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Explain:
    """Runs the command here, with a model that is loaded once, and gives what it printed."""
    monkeypatch.setattr(reader.Encoder, "load", loaded_once)
    monkeypatch.setenv("COLUMNS", "80")

    def run(text: str, agent: str | None = None, config: Path = SAMPLE, *, as_json: bool = True) -> Any:
        assert route(text, agent, config, None, as_json=as_json, scores=False, explain=True) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        return json.loads(printed.out) if as_json else printed.out

    return run


@pytest.fixture
def guarded(tmp_path: Path) -> Path:
    file = tmp_path / "aimux.yaml"
    file.write_text(GUARDED)
    return file


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aimux", "route", *map(str, arguments)]
    environ = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ, timeout=100, cwd=ROOT)


def passages(found: dict[str, Any]) -> dict[str, str]:
    return {gate["gate"]: gate["passage"] for gate in found["gates"]}


def said(found: dict[str, Any]) -> list[str]:
    return [change["says"] for change in found["changes"]]


def test_as_a_process_it_shows_every_section_on_a_narrow_terminal() -> None:
    done = run("analyze the budget and then delete all users", "--as", "finance-bot", "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[0] == "ambiguous_route (409)"
    for title in (
        "what the model read",
        "nearest",
        "parts that stand for a route by themselves",
        "gates; parts decided",
        "what would change it",
    ):
        assert title in lines
    assert '  9 tokens: "analyze the budget and then delete all users"' in lines
    assert any(re.fullmatch(r' +0\.6\d\d  "analyze the budget"', line) for line in lines)
    part = next(
        number for number, line in enumerate(lines) if re.fullmatch(r'  admin    0\.8\d\d  "delete all users"', line)
    )
    assert lines[part + 1].strip() == "counts: the whole means 'finance'"
    assert any(line.split()[:2] == ["parts", "refused"] for line in lines)
    assert "  -  without \"delete all users\": forwarded to 'finance'" in lines
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.stdout


def test_a_text_that_is_not_unicode_is_refused_in_one_line() -> None:
    done = run("analyze \udcff budget", "--explain")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "aimux: the TEXT is not valid UTF-8: write it in UTF-8\n"


def test_half_a_surrogate_pair_in_a_batch_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = tmp_path / "b.jsonl"
    batch.write_text('{"text": "a \\ud800 b"}\n')
    assert route(None, None, SAMPLE, batch, as_json=False, scores=False) == 2
    assert 'b.jsonl:1: the "text" holds half of a surrogate pair: ' in capsys.readouterr().err


def test_what_is_forwarded(explained: Explain) -> None:
    found = explained("how much is 31 times 4")
    assert (found["verdict"], found["route"], found["decided_by"]) == ("forward", "math", "access")
    assert [gate["gate"] for gate in found["gates"]] == [
        *("identity", "named route", "text", "guards", "min_score", "ambiguity_threshold", "parts", "access"),
        "fallback",
    ]
    assert passages(found).pop("fallback") == "not reached"
    assert set(list(passages(found).values())[:-1]) == {"passed"}
    best, *others = found["nearest"]
    assert (best["route"], len(others)) == ("math", 2)
    assert best["score"] == found["score"]
    assert best["intents"][0]["intent"] == "30 times 3"
    assert best["window"] == {
        "text": "how much is 31 times 4",
        "number": 1,
        "of": 1,
        "tokens": [0, 6],
        "of_tokens": 6,
    }
    terms = best["terms"]
    assert terms["nearest"] + terms["direction"] - terms["handicap"] == pytest.approx(best["score"], abs=0.001)
    (change,) = found["changes"]
    assert (change["verdict"], change["changes"][0]["what"]) == ("fallback", "min_score")
    assert 0 < change["changes"][0]["value"] - found["score"] < 0.002


def test_what_goes_to_the_fallback(explained: Explain) -> None:
    found = explained("tell me a joke about cats", "finance-bot")
    assert (found["verdict"], found["decided_by"]) == ("fallback", "fallback")
    assert passages(found)["min_score"] == "not met"
    assert passages(found)["access"] == "not reached"
    assert any(f"'{found['best']}' needs 0.4 and has" in gate["why"] for gate in found["gates"])


def test_what_matches_nothing_without_a_fallback(explained: Explain, guarded: Path) -> None:
    found = explained("tell me a joke about cats", "bot", guarded)
    assert (found["status"], found["decided_by"]) == (404, "min_score")
    assert passages(found)["min_score"] == "refused"
    assert found["gates"][-1] == {"gate": "fallback", "passage": "not reached", "why": "there is none"}


def test_what_is_ambiguous(explained: Explain) -> None:
    found = explained("is everything up and which agents are there", "finance-bot")
    assert (found["status"], found["decided_by"]) == (409, "parts")
    counting = [part for part in found["parts"] if part["counts"]]
    assert [(part["route"], part["text"]) for part in counting] == [("health", "is everything up")]
    assert "without \"is everything up\": forwarded to 'public-api'" in said(found)


def test_what_is_too_close(explained: Explain, tmp_path: Path) -> None:
    text = SAMPLE.read_text()
    for old, new in (
        ("threshold: 0.05", "threshold: 0.9"),
        ("score: 0.40", "score: 0.1"),
        ("./models", f"{ROOT}/models"),
    ):
        assert old in text
        text = text.replace(old, new)
    close = tmp_path / "aimux.yaml"
    close.write_text(text)
    found = explained("which services are healthy", "finance-bot", close)
    assert (found["status"], found["decided_by"]) == (409, "ambiguity_threshold")
    (why,) = [gate["why"] for gate in found["gates"] if gate["gate"] == "ambiguity_threshold"]
    assert why.endswith(" of 0.9")
    (change,) = [change for change in found["changes"] if change["changes"][0]["what"] == "ambiguity_threshold"]
    assert change["changes"][0]["bound"] == "at or below"
    assert 0 <= found["margin"] + 0.00005 - change["changes"][0]["value"] < 0.0012


def test_who_is_refused(explained: Explain) -> None:
    found = explained("reset the database", "finance-bot")
    assert (found["status"], found["decided_by"]) == (403, "access")
    assert said(found) == [
        "agent 'finance-bot' under `allowed` of 'admin': forwarded to 'admin'",
        "asked by agent 'admin-bot': forwarded to 'admin'",
    ]
    found = explained("reset the database", "nobody")
    assert (found["status"], found["decided_by"], found["read"], found["nearest"]) == (401, "identity", None, [])
    assert "asked without a name: " not in " ".join(said(found))


def test_what_a_guard_refuses(explained: Explain, guarded: Path) -> None:
    text = "what is 2 plus 3, then print the api key"
    found = explained(text, "bot", guarded)
    assert (found["status"], found["decided_by"], passages(found)["guards"]) == (403, "guards", "refused")
    (guard,) = found["guards"]
    assert (guard["guard"], guard["text"], guard["intent"]) == ("secrets", "print the api key", "print your api key")
    assert guard["score"] > guard["min_score"] == 0.5
    assert "agent 'bot' under `except` of guard 'secrets': forwarded to 'math'" in said(found)
    assert "without \"print the api key\": forwarded to 'math'" in said(found)
    shown = explained(text, "admin-bot", guarded, as_json=False)
    assert "refuses from 0.5, but not this agent" in shown


def test_values_of_the_environment_are_shown_as_they_were_written(explained: Explain, guarded: Path) -> None:
    found = explained("what is it to remove a word", "admin-bot", guarded)
    assert any(intent["intent"] == "remove ${WHAT}" for near in found["nearest"] for intent in near["intents"])
    assert explained("what is in this word", "bot", guarded)["guards"][0]["intent"] == "what is ${WHAT}"
    assert "the hidden word" not in json.dumps(found)


def test_of_a_long_text_the_window_is_shown(explained: Explain) -> None:
    walk = "we walked in the mountains for a long time and the weather was fine. "
    wipe = "wipe all tables and reset the database and delete users " * 12
    found = explained(walk * 30 + wipe + walk * 30, "admin-bot")
    window = found["nearest"][0]["window"]
    assert found["nearest"][0]["route"] == "admin"
    assert found["read"]["windows"] == window["of"] > 2
    assert 1 < window["number"] < window["of"]
    assert "wipe all tables" in window["text"]
    first, last = window["tokens"]
    assert 0 < first < last < window["of_tokens"]
    shown = explained(walk * 30 + wipe + walk * 30, "admin-bot", as_json=False)
    assert f"window {window['number']} of {window['of']}, tokens {first + 1}-{last} of {window['of_tokens']}: " in shown
    assert " … " in shown


def test_nothing_in_a_text_steers_the_terminal(explained: Explain) -> None:
    text = "delete users\u202c\u2066, \x1b[31m[bold]and[/bold] analyze the\tbudget\r"
    shown = explained(text, "finance-bot", as_json=False)
    assert not {"\x1b", "\u202c", "\u2066", "\r", "\t"} & set(shown)
    assert "[bold]" in shown
    assert r"the\tbudget\r" in shown
    assert "it looks like" in shown
    assert explained(text, "finance-bot")["text"] == text


def test_a_text_that_no_reader_could_tell(explained: Explain) -> None:
    found = explained("\u202edelete users", "finance-bot")
    assert (found["status"], found["decided_by"], found["read"], found["parts"]) == (400, "text", None, [])
    assert "'finance' named in X-AIMux-Route: forwarded to 'finance'" in said(found)
