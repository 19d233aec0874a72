"""How a gateway stops: what runs is finished, what is new is refused, and nothing outlasts the drain timeout."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
from e2e_support.client import Client, Response, answers, ask, compose
from e2e_support.gateway import AIMUX, Gateway, write_config
from e2e_support.mesh import Start
from e2e_support.upstream import Slow, Upstream
from e2e_support.waiting import DEADLINE, until

PLAIN = {"X-AIMux-Route": "plain"}
SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)


def begin(start: Start, upstream: Upstream, **server: object) -> Gateway:
    """A gateway with one route."""
    return start({"server": server, "routes": [{"name": "plain", "upstream": upstream.url}]})


@SIGNALS
def test_an_idle_gateway_stops_at_once_with_0(start: Start, upstream: Upstream, number: signal.Signals) -> None:
    gateway = begin(start, upstream)
    with Client(gateway.port) as kept, Client(gateway.port) as silent:
        kept.send(compose("GET", "/", PLAIN))
        assert kept.read_response().status == 200
        gateway.signal(number)
        assert gateway.exited() == 0
        assert kept.closed()
        assert silent.closed()
    assert gateway.lines[-1]["event"] == "stopped"
    assert gateway.stderr == ""


@SIGNALS
def test_what_runs_is_finished_and_what_is_new_is_refused(
    start: Start, upstream: Upstream, number: signal.Signals
) -> None:
    slow = Slow(upstream)
    gateway = begin(start, upstream)
    with Client(gateway.port) as running, Client(gateway.port) as idle:
        idle.send(compose("GET", "/healthz"))
        assert idle.read_response().status == 200
        running.send(compose("GET", "/", PLAIN))
        running.read_until(b"before")
        gateway.signal(number)
        assert gateway.wait_event("draining")["in_flight"] == 1
        for response in (ask(gateway.port, headers=PLAIN), _again(idle)):
            error = json.loads(response.body)["error"]
            assert (response.status, error["code"]) == (503, "draining")
            assert int(response.header("Retry-After") or 0) > 0
            assert response.header("Connection") == b"close"
        ready = ask(gateway.port, target="/readyz")
        assert (ready.status, json.loads(ready.body)["status"]) == (503, "draining")
        assert ask(gateway.port, target="/healthz").status == 200
        assert gateway.metric("aimux_ready") == 0
        assert gateway.alive
        slow.go_on.set()
        assert running.read_exactly(6) == b"+after"
        assert running.closed()
    assert gateway.exited() == 0
    assert len(upstream.requests) == 1


def _again(client: Client) -> Response:
    client.send(compose("GET", "/", PLAIN))
    return client.read_response()


@SIGNALS
def test_what_outlasts_the_drain_timeout_is_cut_and_logged(
    start: Start, upstream: Upstream, number: signal.Signals
) -> None:
    slow = Slow(upstream)
    gateway = begin(start, upstream, drain_timeout=0.3)
    with Client(gateway.port) as running:
        running.send(compose("GET", "/", PLAIN))
        head = running.read_head()
        running.read_until(b"before")
        gateway.signal(number)
        assert running.ending()[0] == b""
    slow.go_on.set()
    assert gateway.exited() == 1
    assert gateway.stderr == ""
    [stopped] = [line for line in gateway.lines if line["event"] == "stopped"]
    assert (stopped["level"], stopped["cut"]) == ("warning", 1)
    request_id = (head.header("X-Request-ID") or b"").decode()
    [line] = [line for line in gateway.lines if line.get("request_id") == request_id]
    assert (line["status"], line["verdict"]) == (200, "forward")
    assert line["ended"] != "completed"


def test_a_second_signal_stops_at_once(start: Start, upstream: Upstream) -> None:
    slow = Slow(upstream)
    gateway = begin(start, upstream)
    with Client(gateway.port) as running:
        running.send(compose("GET", "/", PLAIN))
        running.read_until(b"before")
        gateway.signal()
        gateway.wait_event("draining")
        gateway.signal(signal.SIGINT)
        assert running.ending()[0] == b""
    slow.go_on.set()
    assert gateway.exited() != 0


def test_a_half_sent_request_does_not_keep_a_gateway_from_stopping(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream)
    with Client(gateway.port) as half:
        half.send(b"GET / HTTP/1.1\r\nHost: localh")
        ask(gateway.port, target="/healthz")
        gateway.signal()
        assert half.closed()
    assert gateway.exited() == 0


def test_a_log_that_nobody_reads_any_more_stops_nothing(upstream: Upstream, free_port: int, tmp_path: Path) -> None:
    config = {"server": {"port": free_port}, "routes": [{"name": "plain", "upstream": upstream.url}]}
    path = write_config(tmp_path / "aimux.yaml", config)
    with subprocess.Popen([AIMUX, "--config", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        try:
            until(lambda: answers(free_port) and ask(free_port, target="/readyz").status == 200, "it to be ready")
            process.stdout.close()
            for _ in range(3):
                assert ask(free_port, headers=PLAIN).status == 200
            process.terminate()
            assert process.stderr.read() == b""
            process.wait(DEADLINE)
        finally:
            process.kill()


def test_a_gateway_that_is_still_loading_can_be_stopped(start: Start) -> None:
    intents = [f"alpha beta gamma delta epsilon zeta eta theta iota kappa {number}" for number in range(250)]
    routes = [{"name": "slow", "upstream": "http://127.0.0.1:9", "intents": intents}]
    gateway = start({"routes": routes}, ready=False)
    gateway.signal()
    assert gateway.exited() == 0
