"""What is shown and kept of the figures."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench import BenchError
from bench.figures import (
    AIMUX,
    CHAT,
    ENVOY,
    LITELLM,
    LOOP,
    MEMORY,
    NEW,
    NGINX,
    P50,
    PORTKEY,
    SEEN,
    START,
    CoreUse,
    Measured,
    Rounds,
)
from bench.machine import Machine
from bench.report import BEGIN, END, as_json, caption, markdown, put_between_markers, table
from bench.session import QUICK, Report

_DOCUMENT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@pytest.fixture
def report() -> Report:
    rounds = Rounds()
    for number in (1, 3):
        rounds.add(
            [
                Measured(SEEN, NGINX, 40000.0 * number),
                Measured(SEEN, ENVOY, 60000.0 * number),
                Measured(SEEN, AIMUX, 10000.0 * number, CoreUse(0.95, 0.04)),
                Measured(NEW, LOOP, 800.0 * number),
                Measured(NEW, AIMUX, 600.0 * number, CoreUse(0.9, 0.06)),
                Measured(P50, NGINX, 0.00004 * number),
                Measured(START, AIMUX, 0.9 * number),
                Measured(START, NGINX, 0.009 * number),
                Measured(MEMORY, AIMUX, 120 * 2**20),
            ]
        )
    machine = Machine("Some CPU", 2, True, "Linux 6", "3.11.9", 0.25)
    return Report("2031-05-06T07:08:09+00:00", "1.2.3", machine, QUICK, 32, rounds.rows(), ("Envoy: no network",))


def test_the_documentation_shows_medians_spreads_and_ratios(report: Report) -> None:
    cells = {tuple(cell.strip() for cell in line.strip("|").split("|")) for line in markdown(report).splitlines()}
    seen, new, started = "Requests/s, texts seen before", "Requests/s, every text new", "Start until ready"
    a_sixth, a_hundredth = "0.17 (0.17 - 0.17)", "0.010 (0.010 - 0.010)"
    three_quarters = "0.75 (0.75 - 0.75)"
    assert cells >= {
        (seen, AIMUX, "20,000 (10,000 - 30,000)", "0.25 (0.25 - 0.25)", a_sixth, "", "95%", "4%"),
        (new, AIMUX, "1,200 (600 - 1,800)", "0.015 (0.015 - 0.015)", a_hundredth, three_quarters, "90%", "6%"),
        (new, LOOP, "1,600 (800 - 2,400)", "", "", "", "", ""),
        ("One call, p50", NGINX, "80 µs (40 - 120)", "", "", "", "", ""),
        (started, NGINX, "18.0 ms (9.0 - 27.0)", "", "", "", "", ""),
        (started, AIMUX, "1.80 s (0.90 - 2.70)", "100 (100 - 100)", "", "", "", ""),
        ("Resident memory, idle", AIMUX, "120.0 MiB (120.0 - 120.0)", "", "", "", "", ""),
        ("Left out: Envoy: no network.",),
    }


@pytest.fixture
def chats(report: Report) -> Report:
    """Two rounds of chat completions beside AI gateways whose start was measured once."""
    rounds = Rounds()
    rounds.add([Measured(START, PORTKEY, 0.5), Measured(MEMORY, LITELLM, 300 * 2**20)])
    for aimux, portkey, litellm in ((5000.0, 500.0, 50.0), (6000.0, 750.0, 75.0)):
        rounds.add(
            [
                Measured(CHAT, NGINX, 10 * aimux),
                Measured(CHAT, LITELLM, litellm),
                Measured(CHAT, PORTKEY, portkey),
                Measured(CHAT, AIMUX, aimux),
                Measured(START, NGINX, 0.01),
            ]
        )
    return replace(report, rows=rounds.rows())


def test_chat_completions_are_told_as_multiples_of_each_ai_gateways_in_the_same_round(chats: Report) -> None:
    cells = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in markdown(chats).splitlines()]
    chat, times = "Requests/s, chat completions, texts seen before", "Chat completions/s of AIMux, times those of"
    found = [row[:4] for row in cells if row[0] in {chat, times}]
    assert found == [
        (chat, NGINX, "55,000 (50,000 - 60,000)", ""),
        (chat, PORTKEY, "625 (500 - 750)", "0.011 (0.010 - 0.013)"),
        (chat, LITELLM, "62 (50 - 75)", "0.001 (0.001 - 0.001)"),
        (chat, AIMUX, "5,500 (5,000 - 6,000)", "0.10 (0.10 - 0.10)"),
        (times, PORTKEY, "9.00 x (8.00 - 10.00)", ""),
        (times, LITELLM, "90.00 x (80.00 - 100.00)", ""),
    ]
    kept = {
        row["subject"]: row["values"] for row in json.loads(as_json(chats))["rows"] if row["figure"]["key"] == "times"
    }
    assert kept == {PORTKEY: [10.0, 8.0], LITELLM: [100.0, 80.0]}


def test_multiples_of_an_ai_gateway_that_was_left_out_are_not_told() -> None:
    rounds = Rounds()
    rounds.add([Measured(CHAT, NGINX, 30000.0), Measured(CHAT, AIMUX, 5000.0), Measured(CHAT, LITELLM, 50.0)])
    assert [(row.figure.key, row.subject) for row in rounds.rows()][-2:] == [("chat", AIMUX), ("times", LITELLM)]


def test_what_was_measured_once_is_not_compared_with_what_each_round_measured(chats: Report) -> None:
    row = next(row for row in chats.rows if (row.figure, row.subject) == (START, PORTKEY))
    assert row.values == (0.5,)
    assert row.to_nginx is None


def test_the_documentation_says_when_on_what_and_how_often(report: Report) -> None:
    first = markdown(report).splitlines()[0]
    for fact in (
        "2031-05-06",
        "Some CPU, 2 cores, both threads of one physical core",
        "load before the start 0.25",
        "2 rounds",
    ):
        assert fact in first


def test_figures_of_a_busy_machine_are_marked(report: Report) -> None:
    assert "BUSY" not in caption(report)
    rounds = Rounds()
    rounds.add([Measured(SEEN, NGINX, 1.0, CoreUse(0.9, 0.05)), Measured(SEEN, AIMUX, 1.0, CoreUse(0.6, 0.35))])
    busy = replace(report, rows=rounds.rows())
    assert "THE MACHINE WAS BUSY: others took up to 35% of the tested core while AIMux was measured" in caption(busy)
    assert caption(busy) in markdown(busy)


def test_the_table_of_the_terminal_holds_every_row(report: Report) -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(table(report))
    shown = console.export_text()
    for fact in ("20,000 (10,000 - 30,000)", "1,200 (600 - 1,800)", "120.0 MiB", "bare loop", "1.2.3"):
        assert fact in shown


def test_the_results_file_keeps_every_round(report: Report) -> None:
    kept = json.loads(as_json(report))
    row = next(row for row in kept["rows"] if row["figure"]["key"] == "new" and row["subject"] == AIMUX)
    assert row["values"] == [600.0, 1800.0]
    assert row["to_loop"] == {"median": 0.75, "lowest": 0.75, "highest": 0.75}
    assert kept["machine"]["load_before"] == 0.25
    assert kept["skipped"] == ["Envoy: no network"]


def test_only_what_is_between_the_markers_is_replaced() -> None:
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert put_between_markers(document, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


@pytest.mark.parametrize("document", ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}", f"{BEGIN}{END}{END}"])
def test_a_document_without_its_markers_is_refused(document: str) -> None:
    with pytest.raises(BenchError, match="once each"):
        put_between_markers(document, "new")


def test_the_documentation_has_its_markers() -> None:
    assert "new figures" in put_between_markers(_DOCUMENT.read_text(), "new figures")
