"""Signals at every moment: SIGHUP reloads or waits and never kills, SIGTERM and SIGINT end a start quietly."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import AIMUX, Gateway, write_config
from e2e_support.load import under_load
from e2e_support.mesh import Start
from e2e_support.upstream import Slow, Upstream
from e2e_support.waiting import DEADLINE, until

WORKERS = pytest.mark.parametrize("workers", [1, 2])
PLAIN = {"X-AIMux-Route": "plain"}
MOMENTS = int(os.environ.get("AIMUX_TEST_MOMENTS", "8"))


def config_of(upstream: Upstream, workers: int = 1) -> dict[str, object]:
    return {"server": {"workers": workers}, "routes": [{"name": "plain", "upstream": upstream.url}]}


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) & 1 << (number - 1))
    return False


def family(pid: int) -> list[int]:
    """A process and its children."""
    with suppress(OSError):
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return []


def hang_up(pid: int) -> int:
    """Send SIGHUP to a process and its children; how many."""
    sent = 0
    for each in family(pid):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGHUP)
            sent += 1
    return sent


def hang_up_until(gateway: Gateway, probe: Callable[[], object]) -> int:
    """Send it to all of a gateway's processes, every few milliseconds until something is so; how many times."""
    sent = 0

    def look() -> bool:
        nonlocal sent
        sent += hang_up(gateway.pid)
        return bool(probe())

    until(look, "it to go on under SIGHUP")
    return sent


def reloads(gateway: Gateway) -> int:
    return sum(line["event"] == "reloaded" for line in gateway.lines)


@pytest.mark.fault
@WORKERS
def test_no_process_dies_by_sighup_from_its_start_to_its_end(start: Start, upstream: Upstream, workers: int) -> None:
    slow = Slow(upstream)
    gateway = start(config_of(upstream, workers), listening=False)
    until(lambda: catches(gateway.pid, signal.SIGHUP), "its first line")
    sent = hang_up_until(gateway, lambda: any(line["event"] == "ready" for line in gateway.lines))
    sent += hang_up_until(gateway, lambda: reloads(gateway) >= 2)
    gateway.wait_listening()
    with under_load(gateway.port), Client(gateway.port) as running:
        running.send(compose("GET", "/", PLAIN))
        running.read_until(b"before")
        processes = family(gateway.pid)
        assert len(processes) == (2 if workers == 1 else 2 + workers), "the index's, and the workers'"
        gateway.signal()
        hang_up_until(gateway, lambda: any(line["event"] == "draining" for line in gateway.lines))
        slow.go_on.set()
        assert running.read_exactly(6) == b"+after"
    hang_up_until(gateway, lambda: not gateway.alive)
    assert gateway.exited() == 0
    assert gateway.stderr == ""
    assert 2 <= reloads(gateway) < sent / 2, "those that come together are one"
    assert not [line for line in gateway.lines if line["event"] in {"worker", "audit", "reload"}]


def test_a_sighup_that_comes_early_is_one_reload_later(start: Start, upstream: Upstream) -> None:
    gateway = start(config_of(upstream), listening=False)
    until(lambda: catches(gateway.pid, signal.SIGHUP), "its first line")
    for _ in range(5):
        gateway.signal(signal.SIGHUP)
    gateway.wait_event("reloaded")
    gateway.wait_listening()
    assert gateway.metric('aimux_config_reloads_total{outcome="success"}') == 1
    events = [line["event"] for line in gateway.lines]
    assert events.index("ready") < events.index("reloaded")


@WORKERS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_an_order_to_stop_ends_a_start_at_every_moment(
    start: Start, upstream: Upstream, workers: int, number: signal.Signals
) -> None:
    for moment in range(MOMENTS):
        gateway = start(config_of(upstream, workers), listening=False)
        until(lambda pid=gateway.pid: catches(pid, signal.SIGHUP), "its first line")  # type: ignore[misc]
        time.sleep(moment * 0.6 / MOMENTS)  # a moment, and nothing to wait for
        children = family(gateway.pid)[1:]
        for each in (gateway.pid, *children):  # as systemd does
            with suppress(ProcessLookupError):
                os.kill(each, number)
        assert gateway.exited() == 0, f"moment {moment}: {gateway.stderr}"
        assert gateway.stderr == ""
        gone = [Path(f"/proc/{pid}") for pid in children]
        until(lambda gone=gone: not any(path.exists() for path in gone), "the end of all")  # type: ignore[misc]


def test_a_worker_that_is_told_to_stop_while_it_starts_is_replaced(start: Start, upstream: Upstream) -> None:
    gateway = start(config_of(upstream, 2))
    before = set(gateway.workers())
    os.kill(min(before), signal.SIGKILL)
    successor = until(lambda: set(gateway.workers()) - before, "its successor").pop()
    os.kill(successor, signal.SIGTERM)
    ended = gateway.wait_line(lambda line: line.get("pid") == successor, "the end of the successor")
    assert "SIGTERM" not in ended["problem"]
    gateway.wait_line(lambda line: line.get("detail") == "serves", "another one to serve")
    assert ask(gateway.port, headers=PLAIN).status == 200


@WORKERS
def test_a_reload_that_hangs_does_not_hold_up_the_end(start: Start, upstream: Upstream, workers: int) -> None:
    gateway = start(config_of(upstream, workers))
    gateway.config.unlink()
    os.mkfifo(gateway.config)  # as a file on a server that does not answer
    gateway.signal(signal.SIGHUP)
    writing = until(lambda: opened_by_a_reader(gateway.config), "it to open the file")
    try:
        assert ask(gateway.port, headers=PLAIN).status == 200
        gateway.signal()
        assert gateway.exited() == 0
    finally:
        os.close(writing)


def opened_by_a_reader(fifo: Path) -> int | None:
    """The writing end of a FIFO, as soon as somebody reads it."""
    try:
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def test_other_commands_end_by_sighup(start: Start, upstream: Upstream, tmp_path: Path) -> None:
    gateway = start(config_of(upstream))
    assert ask(gateway.port, headers=PLAIN).status == 200
    tail = subprocess.Popen(
        [AIMUX, "audit", "tail", "-f", "--config", gateway.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert tail.stdout
    assert tail.stderr
    with tail.stdout, tail.stderr:
        assert tail.stdout.readline()
        tail.send_signal(signal.SIGHUP)
        assert tail.wait(DEADLINE) == -signal.SIGHUP


def test_a_start_that_fails_says_why_although_it_was_told_to_reload(tmp_path: Path, upstream: Upstream) -> None:
    path = write_config(tmp_path / "aimux.yaml", {**config_of(upstream), "server": {"port": upstream.port}})
    with subprocess.Popen([AIMUX, "run", "--config", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as start:
        until(lambda: catches(start.pid, signal.SIGHUP) or start.poll() is not None, "its first line")

        def ended() -> bool:
            with suppress(ProcessLookupError):
                start.send_signal(signal.SIGHUP)
            return start.poll() is not None

        until(ended, "its end")
        assert start.returncode == 1
        assert start.stderr
        assert b"cannot listen" in start.stderr.read()
