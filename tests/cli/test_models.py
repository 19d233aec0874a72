"""What commands that read texts say of a model that the thresholds are not for, and of one that fails on a text."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from aimux.cli.eval import evaluate
from aimux.cli.replay import replay
from aimux.cli.route import route
from aimux.cli.tune import tune
from aimux.intent.encoder import EncodingError
from aimux.intent.model import MODEL_NAME
from aimux.intent.reader import TextReader

MODEL = Path(__file__).parents[2] / "models" / MODEL_NAME
CONFIG = """\
semantic_engine:
  model_path: {model}
  {more}
routes:
  - {{name: math, upstream: "http://x", intents: [what is 2 plus 3, multiply two numbers, square root]}}
"""
TEXT = "what is 4 plus 5"
RECORDED = {
    "time": "2026-01-31T12:00:00.000000Z",
    "request_id": "0" * 32,
    "agent": None,
    "identity": "none",
    "dialect": "query",
    "text": TEXT,
    "text_digest": hashlib.sha256(TEXT.encode()).hexdigest(),
    "route": "math",
    "score": 0.9,
    "scores": [],
    "verdict": "forward",
    "rule": "route 'finance' lists agent 'finance-bot'",
    "config": "0" * 64,
    "model": "0" * 64,
    "decided_ms": 0.5,
}
Command = Callable[[Path], int]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AIMUX_")]:
        monkeypatch.delenv(name)


def config(folder: Path, more: str = "max_tokens: 8192") -> Path:
    file = folder / "aimux.yaml"
    file.write_text(CONFIG.format(model=MODEL, more=more))
    return file


def written(folder: Path, name: str, rows: Sequence[object]) -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def routed(**changes: object) -> Command:
    given = {"as_json": False, "scores": False, **changes}
    return lambda file: route(TEXT, None, file, None, **given)  # type: ignore[arg-type]


def batched(file: Path) -> int:
    batch = written(file.parent, "batch.jsonl", [{"text": TEXT}, {"text": "sing a song"}])
    return route(None, None, file, batch, as_json=False, scores=False)


def evaluated(file: Path) -> int:
    rows = written(file.parent, "labelled.jsonl", [{"text": TEXT, "route": "math"}])
    return evaluate(rows, file, as_json=True, show=0)


def tuned(file: Path) -> int:
    rows = [{"text": f"{n} and {n}", "route": "math" if n % 2 else None} for n in range(40)]
    labelled = written(file.parent, "labelled.jsonl", rows)
    return tune(labelled, file, false_forwards=50.0, lower_ambiguity=False, as_json=True)


def replayed(file: Path) -> int:
    return replay(written(file.parent, "export.jsonl", [RECORDED]), file, (), {}, as_json=True, show=0)


EACH = {
    "route": routed(),
    "route --json": routed(as_json=True),
    "route --explain": routed(explain=True),
    "route --explain --json": routed(explain=True, as_json=True),
    "route --batch": batched,
    "eval": evaluated,
    "tune": tuned,
    "replay": replayed,
}


@pytest.mark.parametrize("name", EACH)
def test_thresholds_of_another_model_are_warned_of_beside_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    expected = EACH[name](config(tmp_path))
    usual = capsys.readouterr()
    assert "measured with" not in usual.out + usual.err
    file = config(tmp_path, f"thresholds_model: {'ab' * 32}")
    assert EACH[name](file) == expected
    said = capsys.readouterr()
    [warning] = [line for line in said.err.splitlines() if "measured with" in line]
    assert warning.startswith(f"aimux: {file}: warning: thresholds-of-another-model: the thresholds (each min_score, ")
    assert "were measured with model abababababab" in warning
    assert "by `aimux tune`" in warning
    assert "measured with" not in said.out
    if name == "route --batch":
        assert [json.loads(line)["route"] for line in said.out.splitlines()] == ["math", "math"]
    elif "--json" in name:
        assert json.loads(said.out)["verdict"] == "forward"


def test_a_configuration_that_needs_no_model_has_thresholds_of_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "aimux.yaml"
    file.write_text(f"fallback: {{upstream: http://x}}\nsemantic_engine: {{thresholds_model: {'ab' * 32}}}\n")
    assert routed()(file) == 0
    replayed(file)
    assert "measured with" not in capsys.readouterr().err


@pytest.mark.parametrize("name", EACH)
def test_a_model_that_is_missing_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    file = config(tmp_path)
    file.write_text(file.read_text().replace(str(MODEL), str(tmp_path / "gone.onnx")))
    assert EACH[name](file) == (2 if name == "replay" else 1)
    said = capsys.readouterr()
    assert said.out == ""
    [line] = said.err.splitlines()
    assert line.startswith("aimux: ")
    assert "gone.onnx is missing" in line
    assert "cannot be used" not in line


@pytest.mark.parametrize("name", EACH)
def test_a_text_of_which_the_model_makes_nothing_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: object) -> NoReturn:
        raise EncodingError("the embedding model gave a vector that is zero or not finite")

    monkeypatch.setattr(TextReader, "embed", fail)
    assert EACH[name](config(tmp_path)) == (2 if name == "replay" else 1)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "aimux: the embedding model cannot be used: the embedding model gave a vector that is zero or not finite; "
        "see semantic_engine.model_path\n"
    )
