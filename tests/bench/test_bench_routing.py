"""The benchmark of routing: what it draws, how it sums draws up, and that the document shows what was kept."""

import json
import math
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimux.intent.encoder import Encoder
from aimux.intent.model import MODEL_NAME, ModelFiles
from aimux.intent.quality import Kind, Outcome, Trial, assess
from bench import routing, routing_scores
from bench.peers import SEMANTIC_ROUTER, find
from bench.report import BEGIN, END
from bench.routing_cost import costs
from bench.routing_draws import FILES, Amount, Draw, draws, missing, read
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
from bench.routing_rows import AttackRow, CostRow, GuardRow, TuningRow
from bench.routing_tuning import differ_by_chance

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "routing-quality.md"
AMOUNT = Amount(draws=2, inside=40, near=30, far=20)
PYTHON = find(SEMANTIC_ROUTER, install=False)
DOMAINS = {f"domain_{d}": [f"class_{d}_{c}" for c in range(15)] for d in range(10)}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of the published sets' shape, every text of which tells its class."""
    place = tmp_path_factory.mktemp("data")
    classes = [name for names in DOMAINS.values() for name in names]
    clinc = {
        "train": [[f"train {name} {n}", name] for name in classes for n in range(60)],
        "test": [[f"test {name} {n}", name] for name in classes for n in range(4)],
        "oos_test": [[f"far {n}", "oos"] for n in range(50)],
    }
    (place / FILES[0]).write_text(json.dumps(clinc))
    (place / FILES[1]).write_text(json.dumps(DOMAINS))
    rows = ["split,example_type,utterance,expected_route"]
    rows += [f"train,positive,claim {n},claims" for n in range(7)]
    rows += ["train,negative,weather,", "test,positive,my claim,claims", "test,ambiguous,what,", "test,negative,dose,"]
    (place / FILES[2]).write_text("\n".join(rows))
    return place


@pytest.fixture(scope="session")
def drawn(folder: Path) -> list[Draw]:
    return draws(read(folder), AMOUNT)


def of_case(drawn: list[Draw], case: str) -> Draw:
    return next(draw for draw in drawn if draw.case.startswith(case))


def test_every_case_is_drawn_as_often_as_wanted_and_each_time_otherwise(folder: Path, drawn: list[Draw]) -> None:
    cases = Counter(draw.case for draw in drawn)
    assert set(cases.values()) == {AMOUNT.draws}
    assert len(cases) == 13
    assert drawn == draws(read(folder), AMOUNT)
    first, second = (draw for draw in drawn if draw.case == "50 narrow routes, 3 intents")
    assert set(first.routes) != set(second.routes)


@pytest.mark.parametrize(
    ("case", "routes", "sizes"),
    [
        ("10 narrow routes, 3 ", 10, {3}),
        ("50 narrow routes, 10 ", 50, {10}),
        ("150 narrow routes, 50 ", 150, {50}),
        ("50 narrow routes, 3, 10 or 50", 50, {3, 10, 50}),
        ("8 broad routes, 5 ", 8, {5}),
        ("8 broad routes, 15 ", 8, {15}),
    ],
)
def test_a_configuration_has_the_routes_and_intents_of_its_case(
    drawn: list[Draw], case: str, routes: int, sizes: set[int]
) -> None:
    draw = of_case(drawn, case)
    assert len(draw.routes) == routes
    assert {len(intents) for intents in draw.routes.values()} == sizes
    kinds = Counter(kind for _, expected, kind in draw.rows if expected is None)
    assert kinds[Kind.FAR] == AMOUNT.far
    assert kinds[Kind.NEAR] == (0 if routes == 150 else AMOUNT.near)
    assert 0 < len(draw.rows) - kinds.total() <= AMOUNT.inside


def test_near_is_what_the_same_domains_hold_beside_the_routes(drawn: list[Draw]) -> None:
    draw = of_case(drawn, "10 narrow routes, 3 ")
    domains = {name.split("_")[1] for name in draw.routes}
    assert len(domains) == 2
    for text, expected, kind in draw.rows:
        name = text.split()[1]
        if kind is Kind.NEAR:
            assert name not in draw.routes
            assert name.split("_")[1] in domains
        elif kind is None:
            assert name == expected
            assert name in draw.routes


def test_near_a_broad_route_are_the_domains_without_one(drawn: list[Draw]) -> None:
    draw = of_case(drawn, "8 broad routes, 5 ")
    for text, expected, kind in draw.rows:
        domain = "domain_" + (text.split("_")[1] if "_" in text else "")
        if kind is Kind.NEAR:
            assert domain not in draw.routes
        elif kind is None:
            assert domain == expected
    # Each intent is of another class.
    assert all(len({intent.split()[1] for intent in intents}) == 5 for intents in draw.routes.values())


def test_no_text_is_tried_that_is_an_intent(folder: Path) -> None:
    data = read(folder)
    for draw in draws(replace(data, test=data.train), replace(AMOUNT, inside=10_000)):
        intents = {intent for each in draw.routes.values() for intent in each}
        tried = {text for text, expected, _ in draw.rows if expected is not None}
        assert tried
        assert not intents & tried


def test_what_the_health_plan_gives_no_one_route_is_left_out(drawn: list[Draw]) -> None:
    draw = of_case(drawn, "7 routes of a health plan")
    assert list(draw.routes) == ["claims"]
    assert len(draw.routes["claims"]) == 5
    rows = {(text, expected) for text, expected, kind in draw.rows if kind is not Kind.FAR}
    assert rows == {("my claim", "claims"), ("weather", None), ("dose", None)}


def test_files_that_are_missing_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILES[0]).write_text("{}")
    assert missing(tmp_path) == list(FILES[1:])
    assert routing.main([], {"AIMUX_BENCH_DATA": str(tmp_path)}) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Nothing is measured: {tmp_path} has no {FILES[1]} nor {FILES[2]}; name a folder")


def test_data_of_another_shape_is_a_problem_not_a_traceback(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / FILES[0]).write_text("{}")
    assert routing.main(["--data", str(tmp_path)], {}) == 1
    assert "is not of the expected shape: KeyError('train')" in capsys.readouterr().err


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
            Trial("x", "a", None, Outcome.FORWARDED, "a", 0.9),
            Trial("x", None, Kind.FAR, Outcome.NO_MATCH, "a", 0.1),
        ]
    )
    bad = assess(
        [
            Trial("x", "a", None, Outcome.FORWARDED, "b", 0.1),
            Trial("x", None, Kind.FAR, Outcome.FORWARDED, "a", 0.9),
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


class Numbers:
    """An encoder whose vectors say which route a text is of."""

    def encode(self, texts: Any) -> Any:
        import numpy as np

        return np.array([[text.startswith("red"), text.startswith("blue"), 0.1] for text in texts], np.float32)


def test_the_peer_is_asked_by_numbers_and_its_answers_are_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Draw(
        "a case",
        {"red": ("red 1", "red 2"), "blue": ("blue 1",)},
        (("red 3", "red", None), ("blue 3", "blue", None), ("grey", None, Kind.FAR)),
    )
    seen: dict[str, Any] = {}

    def run(command: list[str]) -> None:
        place = Path(command[-1])
        seen.update(json.loads((place / "asked.json").read_text())[0])
        (place / "answers.json").write_text(json.dumps([[["red", 0.9], ["red", 0.8], [None, 0.0]]]))

    monkeypatch.setattr(routing_scores, "_run", run)
    (trials,) = routing_scores.by_semantic_router(Path("python"), [draw], Numbers())  # type: ignore[arg-type]
    assert seen == {"routes": {"red": [0, 1], "blue": [2]}, "rows": [3, 4, 5]}
    right, wrong, far = trials
    assert (right.is_right, wrong.is_right, far.is_right) == (True, False, True)
    assert (wrong.outcome, wrong.best, wrong.score, far.outcome) == (Outcome.FORWARDED, "red", 0.8, Outcome.NO_MATCH)


@pytest.mark.skipif(isinstance(PYTHON, str), reason=f"{PEER}: {PYTHON}")
def test_the_peer_takes_the_mean_of_its_nearest_five_and_refuses_nothing() -> None:
    assert isinstance(PYTHON, Path)
    # Of the five that are nearest to the first row two are of blue, and three of red are not alike at all.
    routes = {"red": ("red 1", "red 2", "red 3", "red 4"), "blue": ("blue 1", "other 1")}
    draw = Draw("a case", routes, (("blue 3", "blue", None), ("other 2", None, Kind.FAR)))
    (trials,) = routing_scores.by_semantic_router(PYTHON, [draw], Numbers())  # type: ignore[arg-type]
    assert [trial.outcome for trial in trials] == [Outcome.FORWARDED] * 2
    # Nothing but the third number is common to blue and other: their cosine is 0.1 over the root of 1.01.
    blue = trials[0]
    assert (blue.best, round(blue.score, 4)) == ("blue", round((1 + 0.1 / 1.01**0.5) / 2, 4))


def test_a_peer_that_fails_is_named_with_its_reason(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no module' >&2; exit 3\n")
    python.chmod(0o755)
    draw = Draw("a case", {"red": ("red",)}, (("red 3", "red", None),))
    with pytest.raises(routing.BenchError, match="semantic-router failed: no module: leave it out with --without-peer"):
        routing_scores.by_semantic_router(python, [draw], Numbers())  # type: ignore[arg-type]


def test_what_a_text_costs_is_measured_where_there_are_enough_texts(folder: Path) -> None:
    encoder = Encoder.load(ModelFiles.at(ROOT / "models" / MODEL_NAME))
    draw = of_case(draws(read(folder), AMOUNT), "10 narrow routes, 3 ")
    rows = tuple((f"please look at number {n} of my letters, and at once", None, None) for n in range(50))
    (row,) = costs(encoder, [replace(draw, rows=rows), replace(draw, case="too few", rows=rows[:39])])
    assert (row.case, row.texts) == (draw.case, 50)
    # Each has parts to be read besides.
    assert 1 < row.low <= row.ratio <= row.high
    assert row.mean > 1
    assert 0 < row.plain_ms < row.own_ms


def test_a_draw_is_tried_by_the_real_score_and_the_references() -> None:
    files = ModelFiles.at(ROOT / "models" / MODEL_NAME)
    encoder = routing_scores.RememberingEncoder.load(files)
    routes = {"math": ("add two numbers", "what is ${HOME} times 2"), "weather": ("will it rain", "how warm is it")}
    draw = Draw("a case", routes, (("what is 3 plus 4", "math", None), ("paint a dog", None, Kind.FAR)))
    bed = routing_scores.Bed.of(draw)
    assert [route.intents for route in bed.snapshot.routes] == list(routes.values())
    found = routing_scores.own(bed, encoder, files)
    assert list(found) == [OURS, routing_scores.MAXIMUM, routing_scores.CENTROID]
    for trials in found.values():
        assert trials[0].best == "math"
        assert 0.0 <= trials[1].score < trials[0].score <= 1.0
    nearest, centroid = (found[name][0].score for name in (routing_scores.MAXIMUM, routing_scores.CENTROID))
    assert nearest != centroid
    text = encoder.encode(["what is 3 plus 4"])[0]
    intents = encoder.encode(routes["math"])
    assert math.isclose(nearest, (intents @ text).max(), abs_tol=1e-6)
    middle = intents.sum(axis=0)
    assert math.isclose(centroid, middle @ text / (middle @ middle) ** 0.5, abs_tol=1e-6)
    # Read again, the model is not asked.
    encoder._session = None  # type: ignore[assignment]
    assert (encoder.encode(["what is 3 plus 4"])[0] == text).all()


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
