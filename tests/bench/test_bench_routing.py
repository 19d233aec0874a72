"""The benchmark of routing: what it draws, and what a text costs."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from aimux.intent.encoder import Encoder
from aimux.intent.model import MODEL_NAME, ModelFiles
from aimux.intent.quality import Kind
from bench import routing
from bench.routing_cost import costs
from bench.routing_draws import FILES, Amount, Draw, draws, missing, read

ROOT = Path(__file__).parents[2]

AMOUNT = Amount(draws=2, inside=40, near=30, far=20)
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
