"""The report of the routing benchmark: how it sums draws up, and that the document shows what was kept."""

import json
import math
import random
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from aimux.intent.quality import Kind, Outcome, Trial, assess
from bench import routing, routing_scores
from bench.report import BEGIN, END
from bench.routing_report import (
    FIGURES,
    OURS,
    PEER,
    Line,
    Report,
    as_json,
    differences,
    from_json,
    line_of,
    markdown,
    mean,
    table,
)
from bench.routing_rows import AttackRow, CostRow, FollowUpRow, GuardRow, TuningRow
from bench.routing_tuning import differ_by_chance

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "routing-quality.md"


def test_the_interval_of_a_mean_is_students() -> None:
    found = mean([0.1, 0.2, 0.3])
    assert found is not None
    # 4.303 times 0.1 over the root of 3.
    assert [round(each, 4) for each in found] == [0.2, 0.0, 0.4484]
    chance = random.Random(1)
    many = mean([chance.random() for _ in range(1000)])
    assert many is not None
    assert math.isclose(many[2] - many[1], 2 * 1.96 * math.sqrt(1 / 12 / 1000), rel_tol=0.05)
    assert mean([0.5]) == (0.5, 0.0, 1.0)
    assert mean([0.5, None]) is None
    assert mean([]) is None


def report() -> Report:
    good = assess(
        [
            Trial("x", "a", None, Outcome.FORWARDED, "a", 0.9, best_score=0.9),
            Trial("x", None, Kind.FAR, Outcome.NO_MATCH, "a", 0.1, best_score=0.1),
        ]
    )
    bad = assess(
        [
            Trial("x", "a", None, Outcome.FORWARDED, "b", 0.1, best_score=0.1),
            Trial("x", None, Kind.FAR, Outcome.FORWARDED, "a", 0.9, best_score=0.9),
        ]
    )
    return Report(
        measured="2031-05-06T07:08:09+00:00",
        version="1.2.3",
        model="some model (int8)",
        draws=2,
        rows={"in scope": 40, "near": 30},
        thresholds={"min_score": 0.4, "ambiguity_threshold": 0.05},
        lines=[line_of("a case", "AIMux", [good, good]), line_of("a case", PEER, [good, bad])],
        attacks=[AttackRow("look-alike letters", "same route", 0.9, 1234, 0.85, 0.95)],
        follow_ups=[FollowUpRow("a follow-up", "its route", [0.8, 0.75, 0.85], [0.0, 0.0, 0.01], 325)],
        guards=[GuardRow(5, 0.5, [0.9, 0.85, 0.95], [0.05, 0.04, 0.06], [0.0, 0.0, 0.01])],
        tunings=[TuningRow(0.01, 3, 2, 1, *([[0.5, 0.25, 0.75]] * 5), 40)],
        costs=[CostRow("a case", 2.0, 2.25, 1.125, 1.0, 2.5, 1.5, 1000)],
        skipped=["semantic-router: not installed"],
    )


def test_the_tables_show_what_was_measured() -> None:
    lines = markdown(report()).splitlines()
    assert lines[0].startswith("Measured 2031-05-06 with AIMux 1.2.3 and the model some model (int8): 2 draws")
    assert "at most 40 in scope, 30 near rows; min_score 0.4, ambiguity_threshold 0.05." in lines[0]
    whole, none = "100.0 (100.0 - 100.0)", "0.0 (0.0 - 0.0)"
    near = "-"
    ours = [whole, near, "1.000 (1.000 - 1.000)", near, none, none, whole, none, near, none]
    assert "| a case | AIMux | " + " | ".join(ours) + " |" in lines
    assert any(
        line.startswith("| a case | semantic-router | 50.0 (0.0 - 100.0) | - | 0.500 (0.000 - 1.000) |")
        for line in lines
    )
    assert "| look-alike letters | same route | 90.0 (85.0 - 95.0) | 1,234 |" in lines
    assert "| a follow-up | its route | 80.0 (75.0 - 85.0) | 0.0 (0.0 - 1.0) | 325 |" in lines
    assert "| 5 intents, min_score 0.5 | 90.0 (85.0 - 95.0) | 5.0 (4.0 - 6.0) | 0.0 (0.0 - 1.0) |" in lines
    half = "50.0 (25.0 - 75.0)"
    assert f"| 1 % | 2 of 3 | {' | '.join([half] * 5)} | 1 of 2 | 40 |" in lines
    assert "| a case | 2.00 | 2.25 | 1.12 (1.00 - 2.50) | 1.50 | 1,000 |" in lines
    assert lines[-1] == "Left out: semantic-router: not installed."
    assert table(report()).row_count == 2
    assert "Hostile" not in markdown(replace(report(), attacks=[]))


def test_two_scores_are_compared_within_each_draw() -> None:
    values = {figure.key: [0.5, 0.6, 0.9] for figure in FIGURES}
    lower = {**values, "accuracy": [0.4, 0.5, 0.8], "auroc_far": [0.6, 0.4, 0.9], "auroc_near": [None, 0.4, 0.9]}
    lines = [Line("a", OURS, values), Line("a", PEER, lower), Line("b", OURS, values)]
    ((case, found),) = differences(replace(report(), lines=lines), OURS, PEER)
    assert case == "a"
    assert found["accuracy"] == pytest.approx((0.1, 0.1, 0.1))
    assert found["auroc_near"] is None
    # Of -0.1, 0.2 and 0.
    assert found["auroc_far"] == pytest.approx((0.1 / 3, 0.1 / 3 - 0.3795, 0.1 / 3 + 0.3795), abs=1e-4)
    shown = markdown(replace(report(), lines=lines))
    assert "| a | +10.0 (+10.0 to +10.0) | - | +0.033 (-0.346 to +0.413) | +0.0 (+0.0 to +0.0) |" in shown


def test_a_report_is_kept_whole() -> None:
    assert from_json(as_json(report())) == replace(report(), skipped=["semantic-router: not installed"])
    kept = json.loads(as_json(report()))
    assert kept["lines"][1]["values"]["accuracy"] == [1.0, 0.0]


def test_the_document_gets_its_tables_from_the_results_that_were_kept(tmp_path: Path) -> None:
    results, document = tmp_path / "routing.json", tmp_path / "routing-quality.md"
    results.write_text(as_json(report()))
    document.write_text(DOCUMENT.read_text())
    command = [sys.executable, "-m", "bench.routing", "--render", "--write-docs"]
    command += ["--results", str(results), "--document", str(document)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    before, after = DOCUMENT.read_text(), document.read_text()
    assert f"{BEGIN}\n\n{markdown(report())}\n\n{END}" in after
    assert after.partition(BEGIN)[0] == before.partition(BEGIN)[0]
    assert after.partition(END)[2] == before.partition(END)[2]
    results.write_text('{"lines": []}')
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 1
    assert "holds no results of this program: measure again" in done.stderr
    assert document.read_text() == after


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_the_document_shows_a_full_run_as_the_program_writes_it() -> None:
    """Read back and written again, the committed table is the same: nobody's hand was in it."""
    shown = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0].strip().split("\n\n")
    assert shown[2].startswith("By how much AIMux is above semantic-router")
    head, *rows = (cells(line) for line in shown[1].splitlines() if not line.startswith("|---"))
    assert head == ["Configuration", "Score", *(figure.title for figure in FIGURES)]
    assert f"{routing.FULL.draws} draws of each configuration" in shown[0]
    scores = [OURS, routing_scores.MAXIMUM, routing_scores.CENTROID, PEER]
    cases = list(dict.fromkeys(row[0] for row in rows))
    assert len(cases) == 13
    assert [row[:2] for row in rows] == [[case, score] for case in cases for score in scores]
    assert [cells(line)[0] for line in shown[3].splitlines()[2:]] == cases
    for row in rows:
        for figure, cell in zip(FIGURES, row[2:], strict=True):
            found = re.fullmatch(r"(\d+\.\d+) \((\d+\.\d+) - (\d+\.\d+)\)", cell)
            if found is None:
                assert cell == "-"
                assert row[0].startswith("150")
                continue
            value, low, high = map(float, found.groups())
            assert low <= value <= high <= (100 if figure.is_share else 1)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ([0.01, 0.005, 0.02], [0.014, 0.008, 0.025], True),
        ([0.014, 0.008, 0.025], [0.01, 0.005, 0.02], True),
        ([0.0, 0.0, 0.01], [0.0, 0.0, 0.01], True),
        # Their intervals touch, and yet chance alone would not part them so far.
        ([0.01, 0.005, 0.02], [0.03, 0.02, 0.04], False),
        ([0.1, 0.08, 0.12], [0.01, 0.005, 0.02], False),
    ],
)
def test_two_rates_differ_by_chance_or_not(one: list[float], other: list[float], alike: bool) -> None:
    assert differ_by_chance(one, other) is alike
