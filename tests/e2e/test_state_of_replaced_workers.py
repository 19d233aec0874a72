"""A worker that takes another one's place goes on with the state that the gateway began with, or does not serve."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e_support.client import ask
from e2e_support.gateway import Gateway, Line, run_to_end, write_config
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream
from e2e_support.waiting import until

PLAIN = {"X-AIMux-Route": "plain"}


def two_workers(start: Start, upstream: Upstream, **more: object) -> Gateway:
    return start({"server": {"workers": 2}, "routes": [{"name": "plain", "upstream": upstream.url}], **more})


def kill_one(gateway: Gateway) -> int:
    """End a worker; its process."""
    pid = gateway.workers()[0]
    os.kill(pid, signal.SIGKILL)
    return pid


def problem_of(gateway: Gateway) -> str | None:
    found: str | None = json.loads(ask(gateway.port, target="/config").body)["state"]["problem"]
    return found


def is_about_the_state(line: Line) -> bool:
    return line["event"] == "worker" and "state" in line.get("problem", "")


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def replace(folder: Path) -> None:
    for name in ("state.db-wal", "state.db-shm"):
        (folder / name).unlink()
    (folder / "copy").write_bytes((folder / "state.db").read_bytes())
    (folder / "copy").chmod(0o600)
    (folder / "copy").rename(folder / "state.db")


@pytest.mark.fault
@pytest.mark.parametrize("harm", [remove, replace])
def test_a_worker_does_not_begin_with_another_state_than_the_others(
    start: Start, upstream: Upstream, harm: Callable[[Path], None]
) -> None:
    gateway = two_workers(start, upstream)
    harm(gateway.state)
    until(lambda: problem_of(gateway), "a worker to notice")
    killed = kill_one(gateway)
    line = gateway.wait_line(is_about_the_state, "why no worker takes its place", after=len(gateway.lines) - 1)
    assert str(gateway.state / "state.db") in line["problem"]
    assert "restart the gateway" in line["problem"]
    assert killed not in gateway.workers()
    assert {ask(gateway.port, headers=PLAIN).status for _ in range(8)} == {200}, "the other worker goes on"
    if harm is remove:
        assert not (gateway.state / "state.db").exists(), "nothing is begun anew"


@pytest.mark.fault
def test_a_second_gateway_makes_nothing_in_the_folder_of_the_first(start: Start, upstream: Upstream) -> None:
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"routes": routes})
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (gateway.state / name).unlink()
    second = write_config(
        gateway.config.with_name("second.yaml"), {"state": {"path": str(gateway.state)}, "routes": routes}
    )
    code, _, errors = run_to_end(second)
    assert code == 1
    assert "another gateway uses the state's folder" in errors
    assert not (gateway.state / "state.db").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_is_begun_is_told_once(start: Start, upstream: Upstream, workers: int) -> None:
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"server": {"workers": workers}, "routes": routes})
    told = [line for line in gateway.lines if line["event"] == "state"]
    assert [line["detail"] for line in told] == ["a new file was begun, which holds nothing yet"]
    gateway.signal()
    assert gateway.exited() == 0
    again = Gateway(gateway.config)
    try:
        again.wait_ready()
        assert not [line for line in again.lines if line["event"] == "state"]
    finally:
        again.close()
