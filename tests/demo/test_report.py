import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from aimux.cli import demo
from aimux.demo.player import Row
from aimux.demo.report import Lines, Machine, Tables, printable

GOOD = Row("finance-bot", "analyze revenue", "200 finance", "200 The revenue", "finance", 0.7619, 4.25, ())
BAD = replace(GOOD, came="403 \x1b[31mno", differences=("status: 403 instead of 200", "code: \n 'x'"))
BARE = replace(GOOD, route=None, score=None)


def test_a_table_shows_every_cell() -> None:
    stream = io.StringIO()
    tables = Tables(Console(file=stream, width=Tables.NARROWEST))
    tables.note("wait")
    tables.chapter("A [bold]title[/bold]", [GOOD, BAD, BARE])
    tables.summary([GOOD, BAD], 1.25)
    shown = stream.getvalue()
    for cell in ("wait", "A [bold]title[/bold]", "finance-bot", "analyze revenue", "200 finance", "0.76", "4.2"):
        assert cell in shown
    assert "\x1b" not in shown
    assert "finance-bot, analyze revenue: status: 403 instead of 200\n" in shown
    assert "finance-bot, analyze revenue: code: \\n 'x'\n" in shown
    assert "1 of 2 steps came out otherwise than expected (1.2 s)." in shown


def test_a_table_shows_failures_in_red() -> None:
    stream = io.StringIO()
    tables = Tables(Console(file=stream, width=Tables.NARROWEST, force_terminal=True, color_system="standard"))
    tables.chapter("good", [GOOD])
    assert "\x1b[32m" in stream.getvalue()
    assert "31m" not in stream.getvalue()
    tables.chapter("bad", [BAD])
    assert "31m" in stream.getvalue()


def test_lines_show_a_row_each(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.note("wait")
    lines.chapter("Title", [GOOD, BAD, BARE])
    lines.summary([GOOD], 1.0)
    assert capsys.readouterr().out.splitlines() == [
        "wait",
        "",
        "Title",
        "ok   finance-bot: analyze revenue | expected 200 finance | came 200 The revenue | finance 0.76 | 4.2 ms",
        "FAIL finance-bot: analyze revenue | expected 200 finance | came 403 \\x1b[31mno | finance 0.76 | 4.2 ms",
        "     status: 403 instead of 200",
        "     code: \\n 'x'",
        "ok   finance-bot: analyze revenue | expected 200 finance | came 200 The revenue | - - | 4.2 ms",
        "",
        "All 1 steps came out as expected (1.0 s).",
    ]


def test_lines_cut_what_is_long(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().chapter("Title", [replace(GOOD, came="x" * 100)])
    assert f"came {'x' * 59}… |" in capsys.readouterr().out


def test_a_machine_gets_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine()
    machine.note("wait")
    machine.chapter("one", [GOOD])
    machine.chapter("two", [BAD])
    machine.summary([GOOD, BAD], 1.25)
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["failed"], told["seconds"]) == (1, 1, 1.25)
    assert [chapter["title"] for chapter in told["chapters"]] == ["one", "two"]
    (step,) = told["chapters"][1]["steps"]
    assert step == {
        "who": "finance-bot",
        "what": "analyze revenue",
        "expected": "200 finance",
        "came": BAD.came,
        "route": "finance",
        "score": 0.7619,
        "milliseconds": 4.25,
        "differences": list(BAD.differences),
        "passed": False,
    }


def test_what_comes_from_elsewhere_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[2J\nb\u202ec\té") == "a\\x1b[2J\\nb\\u202ec\\té"


@pytest.mark.parametrize(
    ("as_json", "terminal", "width", "kind"),
    [
        (True, True, 200, Machine),
        (False, True, 200, Tables),
        (False, True, 80, Lines),
        (False, False, 200, Lines),
    ],
)
def test_the_command_picks_its_report(
    monkeypatch: pytest.MonkeyPatch, as_json: bool, terminal: bool, width: int, kind: type
) -> None:
    shown: list[object] = []
    monkeypatch.setattr(demo, "show", lambda report: shown.append(report) or 7)
    monkeypatch.setattr(demo, "Console", lambda: Console(width=width, force_terminal=terminal))
    assert demo.demo(as_json=as_json) == 7
    assert [type(report) for report in shown] == [kind]
