"""`aimux tune` as a process: the patch that it prints sets the thresholds, and thresholds name their model."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aimux.config.load import load
from aimux.intent.encoder import digest_of
from aimux.intent.model import MODEL_NAME, ModelFiles

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / MODEL_NAME
CONFIG = """\
# Who may do what here.
agents: [bob]   # for now
semantic_engine:
    model_path: {model}
routes:
    - name: math   # open to all
      upstream: "http://x"
      intents: [what is 2 plus 3, multiply two numbers, square root of a number]
    - name: finance
      upstream: "http://x"
      min_score: 0.1  # to be found out
      intents: [analyze the budget, revenue forecast, costs]
      allowed: [bob]
    - {{name: weather, upstream: "http://x", intents: [will it rain, how warm is it], min_score: 0.45}}
"""
MATH = ("what is {} plus 4", "multiply {} by 9", "the square root of {}", "how much is {} times 3")
FINANCE = ("the budget of {}", "forecast the revenue of {}", "which costs did we have in {}", "analyze {} spending")
NOTHING = ("who won the cup in {}", "a poem about the year {}", "sing song number {}", "phone number {} please")
NUMBERS = (1990, 2001, 2012, 2023, 1985, 1977)


def rows() -> list[dict[str, str | None]]:
    of = (("math", MATH), ("finance", FINANCE), (None, NOTHING))
    return [{"text": text.format(n), "route": route} for route, texts in of for text in texts for n in NUMBERS]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "aimux.yaml"
    file.write_text(CONFIG.format(model=MODEL))
    return file


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    file = tmp_path / "labelled.jsonl"
    file.write_text("\n".join(map(json.dumps, rows())))
    return file


def run(config: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIMUX_")}
    command = [sys.executable, "-m", "aimux", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environ, timeout=100, cwd=config.parent
    )


@pytest.mark.needs("git")
def test_the_patch_sets_what_is_proposed_and_nothing_else(config: Path, labelled: Path) -> None:
    git = shutil.which("git")
    assert git is not None
    done = run(config, "tune", labelled, "--false-forwards", "5")
    assert done.returncode == 0, done.stderr
    assert "held out" in done.stdout
    assert "No row is for weather: what has no rows keeps its min_score." in done.stdout
    subprocess.run([git, "apply", "-p0"], input=done.stdout, text=True, check=True, cwd=config.parent)
    before, after = CONFIG.format(model=MODEL).splitlines(), config.read_text().splitlines()
    added = [line.strip() for line in after if line not in before]
    assert [line for line in before if line not in after] == ["      min_score: 0.1  # to be found out"]
    assert [line.split(":")[0] for line in added] == [
        *("ambiguity_threshold", "thresholds_model", "min_score", "min_score")
    ]
    loaded = load(config, {})
    assert loaded.config.semantic_engine.thresholds_model == digest_of(ModelFiles.at(MODEL))
    assert loaded.policy.by_name["weather"].min_score == 0.45
    # What is there is what is proposed, so that nothing is left to be changed.
    again = run(config, "tune", labelled, "--false-forwards", "5")
    assert again.returncode == 0, again.stderr
    assert "aimux.yaml has these thresholds already" in again.stdout
    assert (checked := run(config, "check", config)).returncode == 0
    assert "measured with" not in checked.stderr


def test_every_figure_is_there_for_machines(config: Path, labelled: Path) -> None:
    done = run(config, "tune", labelled, "--false-forwards", "5", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["rows"], found["in_scope"], found["wanted"], found["is_met"]) == (72, 48, 0.05, True)
    assert found["min_score"]["weather"] == {"now": 0.45, "proposed": None, "rows": 0}
    assert "finance" not in found["lets_more_through"]["min_score"]
    # Now nearly everything that has to do with money passes.
    assert found["min_score"]["finance"]["now"] == 0.1 < found["min_score"]["finance"]["proposed"]
    false, now = found["held_out"]["false_forwards"], found["now"]["false_forwards"]
    assert false["low"] <= false["value"] <= 0.05 < false["high"]
    assert now["value"] > false["value"]
    assert found["held_out"]["right"]["value"] > 0.8
    assert not found["is_shown"]
    assert found["rows_to_show"] > 72
    assert found["patch"].startswith("--- aimux.yaml\n+++ aimux.yaml\n@@")


def test_what_is_let_through_that_was_not_is_said(config: Path, labelled: Path) -> None:
    config.write_text(
        config.read_text()
        .replace("min_score: 0.1", "min_score: 0.7")
        .replace("    model_path:", "    ambiguity_threshold: 0.3\n    model_path:")
    )
    done = run(config, "tune", labelled, "--false-forwards", "5")
    assert done.returncode == 0, done.stderr
    assert "This lets more through than now: a lower min_score is proposed for " in done.stdout
    assert "finance." in done.stdout
    assert "lower ambiguity_threshold" not in done.stdout
    free = run(config, "tune", labelled, "--false-forwards", "5", "--lower-ambiguity", "--json")
    found = json.loads(free.stdout)
    assert found["ambiguity_threshold"]["proposed"] < 0.3
    assert found["lets_more_through"]["ambiguity_threshold"]
    assert "finance" in found["lets_more_through"]["min_score"]
    said = run(config, "tune", labelled, "--false-forwards", "5", "--lower-ambiguity").stdout
    assert (
        "This lets more through than now: a lower ambiguity_threshold is proposed. Texts that mean two routes" in said
    )
    kept = json.loads(run(config, "tune", labelled, "--false-forwards", "5", "--json").stdout)
    assert kept["ambiguity_threshold"] == {"now": 0.3, "proposed": 0.3}
    assert not kept["lets_more_through"]["ambiguity_threshold"]


def test_too_few_rows_propose_nothing(config: Path, labelled: Path) -> None:
    labelled.write_text("\n".join(map(json.dumps, rows()[30:60])))
    done = run(config, "tune", labelled)
    assert (done.returncode, done.stdout) == (1, "")
    assert "12 rows out of scope are too few to tune thresholds on: label at least 8 more" in done.stderr
    assert "18 rows in scope are too few" in done.stderr


def test_a_rate_that_cannot_be_had_is_not_pretended(config: Path, labelled: Path) -> None:
    text = "\n".join(json.dumps({"text": f"what is {n} plus 4", "route": None}) for n in NUMBERS)
    labelled.write_text(labelled.read_text() + "\n" + text.replace("plus 4", "plus 5"))
    done = run(config, "tune", labelled, "--false-forwards", "0.5")
    # Nothing tells these from the route's own.
    assert done.returncode == 3
    assert "The wanted 0.5 % are not met on rows that were not fitted." in done.stdout
    assert "held out, false forwards are more than the wanted 0.5 %: label more rows" in done.stderr


@pytest.mark.parametrize("rate", ["0", "nan"])
def test_a_rate_that_means_nothing_is_refused(config: Path, labelled: Path, rate: str) -> None:
    done = run(config, "tune", labelled, f"--false-forwards={rate}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("aimux: --false-forwards")


def test_thresholds_of_another_model_are_warned_of(config: Path, labelled: Path) -> None:
    text = config.read_text().replace("model_path:", f"thresholds_model: {'ab' * 32}\n    model_path:")
    config.write_text(text)
    for command in ("check", "lint"):
        done = run(config, *([command, config] if command == "check" else [command, "--config", config]))
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "were measured with model abababababab" in said
        assert "aimux tune" in said
    assert "were measured with model abababababab" in run(config, "eval", labelled).stderr
    config.write_text(text.replace("ab" * 32, "ab" * 31))
    done = run(config, "check", config)
    assert done.returncode == 2
    assert "aimux.yaml:4" in done.stderr
