"""A gateway that starts or reloads says what is wrong with its routes, and refuses errors where it is strict."""

from pathlib import Path

import pytest
from e2e_support.gateway import Config, Gateway, Line, run_to_end, write_config
from e2e_support.mesh import Start

USERS = ["delete a user account", "create a new user", "reset the password of a user"]
PEOPLE = ["who is on holiday", "birthdays of colleagues", "in which room does she sit"]


@pytest.fixture(params=[1, 2], ids=["alone", "two-workers"])
def workers(request: pytest.FixtureRequest) -> int:
    """How many processes serve."""
    found: int = request.param
    return found


def config(workers: int, *more: str) -> Config:
    """Two routes for different callers; `more` stands in both."""
    return {
        "server": {"workers": workers},
        "agents": ["alice"],
        "routes": [
            {"name": "users", "upstream": "http://127.0.0.1:9", "intents": [*USERS, *more], "allowed": ["alice"]},
            {"name": "people", "upstream": "http://127.0.0.1:9", "intents": [*PEOPLE, *more]},
        ],
    }


def overlap(line: Line) -> bool:
    return line["event"] == "routes" and line.get("code") == "overlap"


def overlaps(gateway: Gateway) -> list[Line]:
    return [line for line in gateway.lines if overlap(line)]


def test_findings_are_logged_once_at_the_start_and_at_each_reload(start: Start, workers: int) -> None:
    gateway = start(config(workers, "lock the door"))
    line = gateway.wait_line(overlap, "the overlap")
    assert line["level"] == "warning"
    assert "lock the door" in line["detail"]
    assert line["remedy"]
    before = len(gateway.lines)
    assert gateway.reload(config(workers, "open the window"))["event"] == "reloaded"
    line = gateway.wait_line(overlap, "the overlap", after=before)
    assert "open the window" in line["detail"]
    gateway.signal()
    assert gateway.exited() == 0
    assert len(overlaps(gateway)) == 2


def test_a_strict_gateway_does_not_start_with_errors(tmp_path: Path, workers: int) -> None:
    path = write_config(tmp_path / "aimux.yaml", config(workers, "lock the door"))
    code, stdout, stderr = run_to_end(path, "--strict")
    assert code == 1, stderr
    assert '"ready"' not in stdout
    assert len(stderr.splitlines()) == 1, stderr
    line = stderr.strip()
    assert line.startswith("aimux: overlap: ")
    assert "lock the door" in line


def test_a_strict_gateway_takes_no_errors_over(start: Start, workers: int) -> None:
    gateway = start(config(workers), arguments=("--strict",))
    line = gateway.reload(config(workers, "open the window"))
    assert line["event"] == "reload"
    assert "open the window" in line["problem"]
    assert gateway.reload(config(workers))["event"] == "reloaded"
    assert overlaps(gateway) == []


def test_thresholds_of_another_model_are_warned_of_at_the_start_and_at_each_reload(start: Start, workers: int) -> None:
    gateway = start({**config(workers), "semantic_engine": {"thresholds_model": "ab" * 32}})
    line = gateway.wait_line(lambda line: line.get("code") == "thresholds-of-another-model", "the warning")
    assert (line["event"], line["level"]) == ("routes", "warning")
    assert "were measured with model abababababab" in line["detail"]
    before = len(gateway.lines)
    gateway.reload({**config(workers), "semantic_engine": {"thresholds_model": "cd" * 32}})
    line = gateway.wait_line(
        lambda line: line.get("code") == "thresholds-of-another-model", "the warning", after=before
    )
    assert "were measured with model cdcdcdcdcdcd" in line["detail"]
