"""The command: what it refuses, and what it writes where."""

import fcntl
from pathlib import Path

import pytest

from clients import environments, pins, run
from clients.driver import Sight
from clients.environments import Environment
from clients.measure import Observed, Sighting
from clients.report import from_json

DOCUMENT = "<!-- pinned: begin --><!-- pinned: end -->\n<!-- newest: begin --><!-- newest: end -->\n"
PINS = '[python]\none = ["one==1"]\ntwo = ["two==2"]\n'


class FakeSession:
    """Sees the same with every client."""

    def __init__(self, situations: object, tell: object) -> None:
        self._situations = situations

    def run(self, clients: list[tuple[pins.PinnedClient, Environment]]) -> list[Observed]:
        """What they saw."""
        sight = Sight(answered=False, seen=f"Error: {clients[0][1].versions}", seconds=1)
        return [
            Observed(client.name, dict(environment.versions), None, {"An allowed call": Sighting(1, 0, sight)})
            for client, environment in clients
        ]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that the command reads and writes; `two` cannot be installed."""

    def find(client: pins.PinnedClient, *, newest: bool) -> Environment | str:
        if client.name == "two":
            return "pip could not install it: no"
        return Environment(tmp_path, "python", {client.name: "9" if newest else "1"})

    (tmp_path / "pins.toml").write_text(PINS)
    (tmp_path / "clients.md").write_text(DOCUMENT)
    monkeypatch.setattr(pins, "FILE", tmp_path / "pins.toml")
    monkeypatch.setattr(environments, "HOME", tmp_path / "envs")
    monkeypatch.setattr(environments, "find", find)
    monkeypatch.setattr(run, "_DOCUMENT", tmp_path / "clients.md")
    monkeypatch.setattr(run, "_RESULTS", tmp_path / "results")
    monkeypatch.setattr(run, "end_on_signals", lambda: None)
    monkeypatch.setattr(run, "Session", FakeSession)
    return tmp_path


def test_a_run_over_all_is_kept_and_written_into_the_document(folder: Path) -> None:
    assert run.main([], {}) == 0
    pinned, newest = (folder / "clients.md").read_text().split("<!-- newest: begin -->")
    assert "| one | one 1 |" in pinned
    assert "**two**: `pip could not install it: no`" in pinned
    assert newest == "<!-- newest: end -->\n"
    kept = from_json((folder / "results" / "pinned.json").read_text())
    assert [client.name for client in kept.clients] == ["one", "two"]


def test_a_run_over_some_is_only_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["one"], {}) == 0
    assert "| one | one 1 |" in capsys.readouterr().out
    assert (folder / "clients.md").read_text() == DOCUMENT
    assert not (folder / "results").exists()


def test_the_newest_are_compared_with_the_pinned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main([], {"NEWEST": "1"}) == 1
    assert "run `make clients` first" in capsys.readouterr().err
    assert run.main([], {"NEWEST": "0"}) == 0
    pinned = (folder / "clients.md").read_text().split("<!-- newest: begin -->")[0]
    assert run.main([], {"NEWEST": "1"}) == 0
    before, newest = (folder / "clients.md").read_text().split("<!-- newest: begin -->")
    assert before == pinned
    assert "| one | An allowed call | 1: `Error: {'one': '1'}` | 1: `Error: {'one': '9'}` |" in newest


def test_an_unknown_client_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["three"], {}) == 1
    assert capsys.readouterr().err == "clients: there is no three: choose of one, two\n"


def test_a_document_without_its_comments_is_found_out_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "clients.md").write_text("nothing")
    assert run.main([], {}) == 1
    assert "pinned: begin" in capsys.readouterr().err
    assert not (folder / "results").exists()


def test_two_runs_do_not_meet(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "envs").mkdir()
    with (folder / "envs" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert run.main([], {}) == 1
    assert "another run" in capsys.readouterr().err
    assert run.main([], {}) == 0
