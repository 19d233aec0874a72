"""Nobody reads the log, for a while or for good: new requests are refused, and everything else goes on."""

import json
import os
import pty
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e_support.client import Client, compose
from e2e_support.gateway import AIMUX, Config, write_config
from e2e_support.load import LOADED, under_load
from e2e_support.stalling import StallingGateway
from e2e_support.upstream import Peer, Received, Slow, Upstream
from e2e_support.waiting import DEADLINE, until

Begin = Callable[[Config], StallingGateway]
WORKERS = pytest.mark.parametrize("workers", [1, 2])
ROW = 12
"""So many refusals in a row: every worker has found out."""


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts gateways whose log goes to a pipe."""
    started: list[StallingGateway] = []

    def make(config: Config) -> StallingGateway:
        path = write_config(tmp_path / f"aimux-{len(started)}.yaml", config)
        started.append(StallingGateway.over_pipe(path))
        return started[-1]

    yield make
    for gateway in started:
        gateway.close()


def config_of(upstream: Upstream, workers: int = 1) -> Config:
    routes = [{"name": "plain", "upstream": upstream.url}]
    return {"server": {"workers": workers, "drain_timeout": 5}, "routes": routes}


def _quick(peer: Peer, _: Received) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")


def stalled(gateway: StallingGateway) -> list[bytes]:
    """Stop reading, and ask until every worker refuses; the ids of all requests."""
    gateway.reader.stop()
    ids: list[bytes] = []
    row = 0

    def refused() -> bool:
        nonlocal row
        response = gateway.ask("/while-stalled", "plain")
        ids.append(response.header("X-Request-ID") or b"")
        if response.status == 200:
            row = 0
        else:
            error = json.loads(response.body)["error"]
            assert (response.status, error["code"], response.header("Retry-After")) == (503, "not_ready", b"2")
            assert "cannot write its log (its reader " in error["message"]
            row += 1
        return row >= ROW

    until(refused, "it to find out")
    return ids


@pytest.mark.fault
@WORKERS
def test_a_reader_that_stalls_stops_new_requests_and_nothing_else(
    begin: Begin, upstream: Upstream, workers: int
) -> None:
    slow = Slow(upstream)
    upstream.handler = lambda peer, received: (slow if b"/slow" in received.line else _quick)(peer, received)
    gateway = begin(config_of(upstream, workers))
    with under_load(gateway.port), Client(gateway.port) as running:
        running.send(compose("GET", "/slow", {"X-AIMux-Route": "plain"}))
        running.read_until(b"before")
        ids = stalled(gateway)
        ready = gateway.ask("/readyz")
        assert ready.status == 503
        assert "its reader " in json.loads(ready.body)["detail"]
        assert gateway.ask("/healthz").status == 200
        assert b"aimux_ready 0.0" in gateway.ask("/metrics").body
        assert gateway.ask("/routes").status == 200
        slow.go_on.set()
        assert running.read_exactly(6) == b"+after", "what was under way is finished"
        gateway.reader.go_on()
        until(lambda: gateway.ask("/readyz").status == 200, "it to recover")
        assert until(lambda: gateway.ask("/after", "plain").status == 200, "it to serve")
        until(lambda: any(line.get("path") == "/after" for line in gateway.lines()), "the last line")
    until(lambda: any(line.get("path") == "/slow" for line in gateway.lines()), "the line of what was under way")
    recovered = gateway.events("log")
    assert {line["level"] for line in recovered} == {"warning"}
    assert b"aimux: cannot write the log: its reader " in gateway.reader.content
    if not LOADED:  # else its lines are more than can be kept
        logged = {line["request_id"].encode() for line in gateway.events("request")}
        assert logged.issuperset(ids)
        assert {line["lost"] for line in recovered} == {0}


@pytest.mark.fault
@WORKERS
def test_a_gateway_whose_log_nobody_reads_can_be_stopped(begin: Begin, upstream: Upstream, workers: int) -> None:
    gateway = begin(config_of(upstream, workers))
    with under_load(gateway.port):
        stalled(gateway)
        processes = gateway.processes()
        assert len(processes) == (1 if workers == 1 else 1 + workers)
        gateway.process.terminate()
        assert gateway.process.wait(DEADLINE) == 0
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in processes[1:]), "the end of the workers")


@pytest.mark.fault
def test_a_terminal_that_is_stopped_with_ctrl_s_and_goes_on(upstream: Upstream, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    mine = os.dup(slave)
    config = config_of(upstream) | {"logging": {"format": "json"}}
    gateway = StallingGateway(write_config(tmp_path / "aimux.yaml", config), master, slave)
    try:
        with under_load(gateway.port):
            termios.tcflow(mine, termios.TCOOFF)
            until(lambda: gateway.ask("/", "plain").status == 503, "it to find out")
            assert gateway.ask("/healthz").status == 200
            termios.tcflow(mine, termios.TCOON)
            until(lambda: gateway.ask("/readyz").status == 200, "it to recover")
            assert until(lambda: gateway.ask("/", "plain").status == 200, "it to serve")
    finally:
        termios.tcflow(mine, termios.TCOON)
        gateway.close()
        os.close(mine)


def test_a_start_that_fails_ends_although_nobody_reads_why(upstream: Upstream, tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    try:
        while True:
            os.write(write_end, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(write_end, True)
    for config, code in (({"routes": []}, 2), (config_of(upstream) | {"server": {"port": upstream.port}}, 1)):
        path = write_config(tmp_path / "aimux.yaml", config)
        process = subprocess.Popen([AIMUX, "run", "--config", path], stdout=write_end, stderr=write_end)
        assert process.wait(DEADLINE) == code
    os.close(write_end)
    os.close(read_end)
