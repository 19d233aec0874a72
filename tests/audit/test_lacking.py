"""What the index of a log lacks is counted, waited for and said."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from audit_support.commands import ASKED
from audit_support.files import segments

from aimux.audit import lag
from aimux.audit.index import Indexer
from aimux.audit.lag import behind, catch_up


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the index."""
    monkeypatch.setattr(lag, "_PATIENCE", 0.05)


@pytest.fixture
def held(log: Path, impatient: None) -> Iterator[Indexer]:
    """Another process has the index's lock, and has indexed some of the log."""
    indexer = Indexer(log)
    indexer.advance(5)
    yield indexer
    indexer.close()


def test_what_the_index_lacks_is_counted(log: Path, held: Indexer) -> None:
    size = sum(path.stat().st_size for path in segments(log))
    read = sum(len(line) for line in segments(log)[0].read_bytes().splitlines(keepends=True)[:5])
    assert behind(log) == catch_up(log) == size - read
    held.catch_up()
    assert behind(log) == catch_up(log) == 0


def test_a_line_that_is_being_written_or_was_torn_is_not_lacking(log: Path) -> None:
    with segments(log)[-1].open("ab") as file:
        file.write(b'{"seq":44,"prev":"')
        file.flush()
        assert catch_up(log) == behind(log) == 0
        file.write(b'"}\n')
    assert behind(log) == len(b'{"seq":44,"prev":""}\n')


def test_an_index_that_a_gateway_keeps_up_to_date_is_waited_for_no_longer_than_need_be(
    log: Path, held: Indexer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lag, "_PATIENCE", 60.0)

    def write_and_index(_: float) -> None:
        """A gateway writes faster than the index is built, and what was there at first is indexed all the same."""
        held.advance(5)
        with segments(log)[-1].open("ab") as file:
            file.write(b"more\n" * 50)

    monkeypatch.setattr("aimux.audit.lag.time.sleep", write_and_index)
    assert catch_up(log) == 0
    assert behind(log) > 0


@pytest.mark.parametrize("command", ASKED)
def test_commands_say_what_their_answer_lacks(
    command: str, log: Path, held: Indexer, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = behind(log)
    assert ASKED[command](log) == 0
    out, err = capsys.readouterr()
    assert f"lacks the newest {lacking} bytes of the log" in err
    assert "ask again" in err
    if command == "stats --json":
        assert json.loads(out)["behind"] == lacking
    held.catch_up()
    assert ASKED[command](log) == 0
    out, err = capsys.readouterr()
    assert err == ""
    if command == "stats --json":
        assert json.loads(out)["behind"] == 0


@pytest.mark.parametrize("command", ASKED)
def test_commands_index_what_nobody_else_does(command: str, log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ASKED[command](log) == 0
    assert behind(log) == 0
    out, err = capsys.readouterr()
    assert err == ""
    if command.startswith("query"):
        assert len(out.splitlines()) == 20
