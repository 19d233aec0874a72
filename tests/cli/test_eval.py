"""`aimux eval` as a process: what it prints of labelled texts, and how it refuses a file that it cannot use."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aimux.cli.eval import evaluate
from aimux.cli.labelled import read_labelled
from aimux.config.load import load
from aimux.intent.model import MODEL_NAME

ROOT = Path(__file__).parents[2]
CONFIG = """\
semantic_engine: {{model_path: {model}}}
agents: [bob]
routes:
  - {{name: math, upstream: "http://x", intents: [what is 2 plus 3, multiply two numbers, square root of a number]}}
  - {{name: finance, upstream: "http://x", intents: [analyze the budget, revenue forecast, costs], allowed: [bob]}}
  - {{name: bare, upstream: "http://x"}}
fallback: {{upstream: "http://y"}}
"""
ROWS = [
    {"text": "what is 12 plus 30", "route": "math"},
    {"text": "the square root of 81", "route": "math"},
    {"text": "Analyze  the Budget", "route": "finance"},
    {"text": "forecast the revenue of next year", "route": "finance"},
    {"text": "what is 7 plus 8", "route": "finance"},
    {"text": "who painted the Mona Lisa\u001b[31m", "route": None, "kind": "far"},
    {"text": "revenue forecast for the budget", "route": "", "kind": "near"},
    {"text": "word " * 9000, "route": None, "kind": "far", "id": 7},
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "aimux.yaml"
    file.write_text(CONFIG.format(model=ROOT / "models" / MODEL_NAME))
    return file


def run(*arguments: object, lines: str | None = None) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIMUX_")}
    command = [sys.executable, "-m", "aimux", "eval", *map(str, arguments)]
    return subprocess.run(command, input=lines, capture_output=True, text=True, check=False, env=environ, timeout=100)


def written(file: Path, rows: list[dict[str, object]]) -> Path:
    if file.suffix == ".csv":
        with file.open("w", newline="") as lines:
            table = csv.DictWriter(lines, ["kind", "text", "route"], extrasaction="ignore")
            table.writeheader()
            table.writerows(rows)
    else:
        file.write_text("\n".join(map(json.dumps, rows)))
    return file


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_labelled_texts_are_measured(config: Path, tmp_path: Path, suffix: str) -> None:
    file = written(tmp_path / f"labelled.{suffix}", ROWS)
    done = run(file, "--config", config, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["rows"] == 8
    assert found["configuration"] == load(config, {}).digest
    accuracy = found["in_scope"]["accuracy"]
    assert (accuracy["value"], accuracy["rows"], accuracy["too_few_rows"]) == (0.8, 5, True)
    assert round(accuracy["low"], 3) == 0.376
    # The two of finance are decided though nobody but bob may go there, and no fallback takes what matches nothing.
    assert (found["in_scope"]["right"]["value"], found["in_scope"]["wrong"]["value"]) == (0.8, 0.2)
    assert (found["near"]["forwarded"]["value"], found["far"]["forwarded"]["value"]) == (1.0, 0.0)
    assert (found["far"]["no_match"]["value"], found["far"]["unread"]["value"]) == (0.5, 0.5)
    assert found["near"]["false_forwards"]["rows"] == 1
    assert 0.0 < found["far"]["auroc"]["low"] < found["far"]["auroc"]["value"] == 1.0
    assert found["repeated_intents"] == 1
    wrong, false = sorted(found["missed"], key=lambda row: row["line"])
    first = 1 if suffix == "jsonl" else 2
    assert [row["line"] for row in (wrong, false)] == [first + 4, first + 6]
    assert (wrong["expected"], wrong["best"], wrong["runner_up"]) == ("finance", "math", "finance")
    assert (false["expected"], false["best"], false["outcome"]) == (None, "finance", "forwarded")
    assert wrong["score"] - wrong["margin"] > 0


def test_the_table_says_what_rests_on_too_little(config: Path, tmp_path: Path) -> None:
    done = run(written(tmp_path / "labelled.jsonl", ROWS), "--config", config, "--show", 1)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].endswith("8 rows, 5 in scope, 3 out of scope (1 near, 2 far)")
    accuracy = next(line for line in lines if line.startswith("in scope: best route"))
    assert " ".join(accuracy.split()).endswith("80.0 % 37.6 - 96.4 % 5 too few rows")
    assert sum("AUROC" in line for line in lines) == 2
    assert "not decided right: 2 of 8 rows; the first 1, --show 2 for all" in lines
    assert 'labelled.jsonl:5  "what is 7 plus 8"' in lines
    assert lines[-1].startswith("    expected finance; forwarded to math; score ")
    assert lines[-1].endswith(" ahead of finance")
    notes = done.stderr
    assert "5 rows in scope are too few for an interval to mean anything: label at least 20" in notes
    assert "2 rows out of scope (far) are too few" in notes
    assert "1 rows are intents of the configuration word by word" in notes


def test_what_has_no_kind_is_counted_with_all(config: Path, tmp_path: Path) -> None:
    rows = [*ROWS[:2], {"text": "who painted the Mona Lisa\u001b[31m", "route": None}] * 20
    done = run(written(tmp_path / "labelled.jsonl", rows), "--config", config)
    assert done.returncode == 0
    assert "out of scope, all: AUROC against in scope" in done.stdout
    assert not {"near:", "far:"} & set(done.stdout.split())
    assert "too few" not in done.stdout + done.stderr
    only = run(written(tmp_path / "only.jsonl", ROWS[:2] * 20), "--config", config)
    assert only.returncode == 0
    assert "0 rows out of scope are too few" in only.stderr
    assert "AUROC" not in only.stdout


def test_nothing_in_a_text_steers_the_terminal(config: Path, tmp_path: Path) -> None:
    rows = [{"text": "what is 2 plus 9\u001b[31m\nred", "route": None}]
    done = run(written(tmp_path / "labelled.jsonl", rows), "--config", config)
    assert r'labelled.jsonl:1  "what is 2 plus 9\u001b[31m\nred"' in done.stdout
    assert "\x1b" not in done.stdout


GOOD = '{"text": "a", "route": null}\n'


@pytest.mark.parametrize(
    "case",
    [
        ("a.jsonl", "", ":1: no rows: write {"),
        ("a.jsonl", "\n \n", ":1: no rows: write {"),
        ("a.csv", "text,route\n", ":1: no rows: write {"),
        ("a.jsonl", GOOD + "nope\n", ":2: not JSON: write {"),
        ("a.jsonl", GOOD + "[1]\n", ":2: not an object: write {"),
        ("a.jsonl", GOOD + "\n" + '{"route": "math"}\n', ":3: the text is empty or no string: give "),
        ("a.jsonl", '{"text": " ", "route": "math"}\n', ":1: the text is empty or no string: give "),
        ("a.jsonl", '{"text": "a"}\n', ":1: no route: name one, or give "),
        ("a.jsonl", '{"text": "a", "route": 1}\n', ":1: the route is no string: name one "),
        (
            "a.jsonl",
            '{"text": "a", "route": "maths"}\n',
            "has no route 'maths': name one of math, finance, or leave it",
        ),
        ("a.jsonl", '{"text": "a", "route": "fallback"}\n', ":1: 'fallback' is no route: leave "),
        ("a.jsonl", '{"text": "a", "route": "bare"}\n', ":1: route 'bare' has no intents, so that no text can mean it"),
        ("a.jsonl", '{"text": "a", "route": null, "kind": "by"}\n', ":1: \"kind\" is 'near' or 'far', or left out"),
        ("a.jsonl", '{"text": "a", "route": "math", "kind": "far"}\n', ':1: "kind" is for texts out of scope'),
        ("a.jsonl", r'{"text": "\ud800", "route": null}', ":1: the text holds half of a surrogate pair"),
        ("a.jsonl", GOOD.encode() + b"\xff", ":2: not UTF-8 text: save it as UTF-8"),
        ("a.jsonl", '{"text": "a", "route": null, "route": "math"}\n', ':1: "route" comes twice: write it once'),
        ("a.jsonl", '{"text": "a", "route": "math", "more": {"x": 1, "x": 1}}\n', ':1: "x" comes twice: write it once'),
        ("a.jsonl", '{"text": "a\0b", "route": null}\n', ":1: not JSON: the control character U+0000 stands in a"),
        ("a.jsonl", GOOD + '{"text": " A", "route": "math"}', ":2: the text has 'math' here and no route in line 1: "),
        ("a.csv", "text,route\nb,math\nb,finance\n", ":3: the text has 'finance' here and 'math' in line 2: keep "),
        ("a.csv", "txt,route\na,math\n", ':1: no column text among "txt", "route": name the columns'),
        ("a.csv", "Text,Route\na,math\n", ':1: no column text nor route among "Text", "Route": write the names in s'),
        ("a.csv", "text;Route;kind\na;math;\n", "they are divided by semicolons: save the file with commas"),
        ("a.csv", "route\ttext\nmath\ta\n", "they are divided by tabs: save the file with commas"),
        ("a.csv", "\x1b[31m,route\na,math\n", r':1: no column text among "\u001b[31m", "route": name '),
        ("a.csv", "text,text,route\na,b,math\n", ":1: a column comes twice"),
        ("a.csv", 'text,route\n"two\nlines",math\na,b,math\n', ":4: 3 cells under 2 columns: put texts with commas"),
        ("a.csv", 'text,route\n"a"b,math\n', ":2: not CSV: "),
        ("a.txt", GOOD, ": neither .jsonl nor .csv: name the file by what it holds, or give JSON lines to -"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: tuple[str, str | bytes, str]
) -> None:
    name, content, said = case
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert evaluate(file, config, as_json=False, show=20) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"aimux: {file}:")
    assert said in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_a_long_text_and_a_mark_of_utf_8_are_no_fault(config: Path, tmp_path: Path, suffix: str) -> None:
    file = written(tmp_path / f"labelled.{suffix}", [{"text": "long " * 40_000, "route": None}, *ROWS[:1]])
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    rows = read_labelled(file, load(config, {}).policy)
    assert [(len(row.text), row.expected) for row in rows] == [(200_000, None), (18, "math")]


def test_json_lines_are_taken_from_standard_input(config: Path, tmp_path: Path) -> None:
    lines = "\ufeff" + "\n".join(map(json.dumps, ROWS))
    done = run("-", "--config", config, "--json", lines=lines)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 8
    refused = run("-", "--config", config, lines="nope\n")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("aimux: -:1: not JSON: write {")


def test_the_same_text_twice_is_no_fault_where_it_has_one_route(config: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "labelled.jsonl", [ROWS[0], ROWS[0], ROWS[5]])
    assert len(read_labelled(file, load(config, {}).policy)) == 3


def test_every_problem_is_said_up_to_ten(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "labelled.csv"
    file.write_text("text,route\n" + "a,nope\n" * 12)
    done = run(file, "--config", config)
    lines = done.stderr.splitlines()
    assert done.returncode == 2
    assert [line.split(":")[2] for line in lines[:10]] == [str(number) for number in range(2, 12)]
    assert lines[10:] == [f"aimux: {file}: 2 more problems"]


def test_without_file_or_intents_or_model_nothing_is_measured(config: Path, tmp_path: Path) -> None:
    missing = run(tmp_path / "none.csv", "--config", config)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "none.csv: cannot be read: No such file or directory: name a file that can" in missing.stderr
    file = written(tmp_path / "labelled.jsonl", ROWS)
    config.write_text("fallback: {upstream: http://y}\n")
    bare = run(file, "--config", config)
    assert (bare.returncode, bare.stdout) == (2, "")
    assert "no route has intents" in bare.stderr
    config.write_text(CONFIG.format(model=tmp_path / "no.onnx"))
    done = run(file, "--config", config)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no.onnx is missing" in done.stderr
    assert run(file, "--config", tmp_path / "no.yaml").returncode == 2


def test_the_rows_that_the_manual_shows_can_be_read(config: Path, tmp_path: Path) -> None:
    manual = (ROOT / "docs" / "routing-quality.md").read_text()
    file = tmp_path / "shown.jsonl"
    file.write_text(manual.partition("```json\n")[2].partition("```")[0])
    rows = read_labelled(file, load(config, {}).policy)
    assert [(row.line, row.expected, row.kind) for row in rows] == [
        (1, "finance", None),
        (2, None, "near"),
        (3, None, "far"),
    ]
