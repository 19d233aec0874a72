"""Several workers: one gateway to whoever talks to it, whatever happens to any of them."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from e2e_support.client import Client, ask, compose
from e2e_support.gateway import MODEL, Gateway, run_to_end, write_config
from e2e_support.load import under_load
from e2e_support.mesh import Start
from e2e_support.upstream import Slow, Upstream
from e2e_support.waiting import until

PLAIN = {"X-AIMux-Route": "plain"}


def begin(start: Start, upstream: Upstream, workers: int = 2, **server: object) -> Gateway:
    """A gateway with two workers, a route by name and one by meaning."""
    routes = [
        {"name": "plain", "upstream": upstream.url},
        {"name": "rain", "upstream": upstream.url, "intents": ["will it rain tomorrow"]},
    ]
    return start({"server": {"workers": workers, **server}, "routes": routes})


def running(pid: int) -> bool:
    """Whether a process runs, and is not only waiting to be taken note of."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def sockets(pid: int) -> int:
    found = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += entry.readlink().name.startswith("socket:")
        except FileNotFoundError:
            continue
    return found


def test_connections_are_shared_out_and_metrics_are_those_of_all(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream)
    workers = gateway.workers()
    assert len(workers) == 2
    before = {pid: sockets(pid) for pid in workers}

    def kept(_: int) -> Client:
        client = Client(gateway.port)
        client.send(compose("GET", "/", PLAIN))
        assert client.read_response().status == 200
        return client

    with ThreadPoolExecutor(16) as pool:
        clients = list(pool.map(kept, range(64)))
    taken = {pid: sockets(pid) - before[pid] for pid in workers}
    assert min(taken.values()) >= 8, "each has its share of 64 connections"
    for _ in range(5):
        assert gateway.metric('aimux_requests_total{agent="(anonymous)",route="plain",verdict="forward"}') == 64
    assert gateway.metric("aimux_request_duration_seconds_count") == 64
    assert gateway.metric('aimux_request_duration_seconds_bucket{le="+Inf"}') == 64
    assert gateway.metric("aimux_workers") == 2
    assert gateway.metric("aimux_ready") == 1
    resident = gateway.metric("process_resident_memory_bytes")
    assert resident > sum(_resident_bytes(pid) for pid in workers)
    for client in clients:
        client.close()


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") * 9 // 10


def test_it_is_ready_only_when_all_workers_are(start: Start, upstream: Upstream) -> None:
    gateway = start(
        {
            "server": {"workers": 3},
            "routes": [{"name": "rain", "upstream": upstream.url, "intents": ["will it rain tomorrow"]}],
        },
        ready=False,
    )
    until(lambda: ask(gateway.port, target="/readyz").status == 200, "ready")
    for number in range(30):
        assert ask(gateway.port, target=f"/?q=will+it+rain+tomorrow+{number % 3}").status == 200
    gateway.wait_ready()


def test_a_worker_that_dies_is_replaced_and_nothing_counted_is_lost(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream)
    for _ in range(10):
        assert ask(gateway.port, headers=PLAIN).status == 200
    counted = gateway.metric("aimux_request_duration_seconds_count")
    assert counted == 10
    for dying in gateway.workers():
        os.kill(dying, signal.SIGKILL)
        died = gateway.wait_line(lambda line, pid=dying: line.get("pid") == pid, "the end of a worker")
        assert (died["level"], died["problem"]) == ("error", "was killed by SIGKILL")
        assert ask(gateway.port, headers=PLAIN).status == 200, "the other one serves meanwhile"
        counted += 1
        gateway.wait_line(
            lambda line, died=died: (
                line["event"] == "worker" and line.get("detail") == "serves" and line["worker"] == died["worker"]
            ),
            "its successor",
        )
        assert len(gateway.workers()) == 2
        assert dying not in gateway.workers()
        assert gateway.metric("aimux_request_duration_seconds_count") >= counted - 1
    assert ask(gateway.port, target="/?q=will+it+rain+tomorrow").status == 200
    assert gateway.metric("aimux_workers") == 2


@pytest.mark.fault
def test_a_worker_that_hangs_is_replaced(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream)
    hanging = gateway.workers()[0]
    with under_load(gateway.port):
        os.kill(hanging, signal.SIGSTOP)  # its connections are taken by the kernel, and nobody answers
        told = gateway.wait_line(lambda line: line.get("pid") == hanging, "that it hangs")
        assert (told["level"], told["detail"]) == ("error", "it is ended")
        assert "its event loop has not turned for 20 s" in told["problem"]
        gateway.wait_line(lambda line: line.get("detail") == "serves", "its successor")
        for _ in range(20):
            assert ask(gateway.port, headers=PLAIN).status == 200
    assert hanging not in gateway.workers()


def test_a_new_worker_has_the_configuration_in_force_not_that_of_the_file(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream)
    gateway.config.write_text("routes: [")
    victim = gateway.workers()[0]
    os.kill(victim, signal.SIGKILL)
    gateway.wait_line(lambda line: line.get("detail") == "serves", "a new worker")
    for _ in range(8):
        assert ask(gateway.port, headers=PLAIN).status == 200


def test_a_new_worker_never_serves_by_another_model_than_the_others(
    start: Start, upstream: Upstream, tmp_path: Path
) -> None:
    model = tmp_path / "model" / MODEL.name
    model.parent.mkdir()
    model.symlink_to(MODEL)
    tokenizer = model.with_name("tokenizer.json")
    tokenizer.write_bytes(MODEL.with_name("tokenizer.json").read_bytes())
    routes = [{"name": "rain", "upstream": upstream.url, "intents": ["will it rain tomorrow"]}]
    config = {"server": {"workers": 2}, "semantic_engine": {"model_path": str(model)}, "routes": routes}
    gateway = start(config)
    tokenizer.write_bytes(tokenizer.read_bytes() + b"\n")
    os.kill(gateway.workers()[0], signal.SIGKILL)
    gateway.wait_line(lambda line: "not the one in force" in str(line.get("problem")), "the refusal of the new model")
    assert ask(gateway.port, target="/?q=will+it+rain+tomorrow").status == 200
    assert gateway.reload(config)["event"] == "reloaded"
    gateway.wait_line(lambda line: line.get("detail") == "serves", "a successor")
    assert gateway.metric("aimux_workers") == 2
    assert gateway.metric('aimux_config_reloads_total{outcome="success"}') == 1


def test_a_worker_that_is_told_to_stop_finishes_and_is_replaced(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream)
    stopping = gateway.workers()[0]
    os.kill(stopping, signal.SIGTERM)
    ended = gateway.wait_line(lambda line: line.get("pid") == stopping, "its end")
    assert ended["problem"] == "ended with exit code 0"
    gateway.wait_line(lambda line: line.get("detail") == "serves", "its successor")


def test_the_order_to_stop_does_not_wait_for_a_worker_that_is_being_replaced(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream, drain_timeout=300)
    for _ in range(2):  # the second time, its successor is some time away
        victim = gateway.workers()[0]
        os.kill(victim, signal.SIGKILL)
        gateway.wait_line(lambda line, pid=victim: line.get("pid") == pid, "its end")
    gateway.signal(signal.SIGTERM)
    assert gateway.exited() == 0


def busy(gateway: Gateway, count: int) -> list[Client]:
    """Clients in the middle of a response."""
    clients = [Client(gateway.port) for _ in range(count)]
    for client in clients:
        client.send(compose("GET", "/", PLAIN))
    for client in clients:
        client.read_until(b"before")
    return clients


@pytest.mark.parametrize("told_all", [False, True], ids=["one", "all"])
def test_draining_reaches_all_and_what_runs_is_finished(start: Start, upstream: Upstream, told_all: bool) -> None:
    slow = Slow(upstream)
    gateway = begin(start, upstream)
    clients = busy(gateway, 8)
    for pid in (*(gateway.workers() if told_all else ()), gateway.pid):
        os.kill(pid, signal.SIGTERM)
    assert gateway.wait_event("draining")["in_flight"] == 8
    refused = ask(gateway.port, headers=PLAIN)
    assert (refused.status, json.loads(refused.body)["error"]["code"]) == (503, "draining")
    assert ask(gateway.port, target="/readyz").status == 503
    slow.go_on.set()
    for client in clients:
        assert client.read_exactly(6) == b"+after"
        client.close()
    assert gateway.exited() == 0
    assert gateway.lines[-1]["event"] == "stopped"


def test_what_outlasts_the_drain_timeout_is_cut_and_counted(start: Start, upstream: Upstream) -> None:
    slow = Slow(upstream)
    gateway = begin(start, upstream, drain_timeout=0.3)
    clients = busy(gateway, 4)
    gateway.signal(signal.SIGTERM)
    for client in clients:
        assert client.ending()[0] == b""
        client.close()
    slow.go_on.set()
    assert gateway.exited() == 1
    [stopped] = [line for line in gateway.lines if line["event"] == "stopped"]
    assert (stopped["level"], stopped["cut"], stopped["killed"]) == ("warning", 4, 0)


def test_a_second_signal_ends_all_at_once(start: Start, upstream: Upstream) -> None:
    slow = Slow(upstream)
    gateway = begin(start, upstream)
    workers = gateway.workers()
    clients = busy(gateway, 2)
    gateway.signal()
    gateway.wait_event("draining")
    gateway.signal(signal.SIGINT)
    for client in clients:
        assert client.ending()[0] == b""
        client.close()
    slow.go_on.set()
    assert gateway.exited() == -signal.SIGINT
    until(lambda: not any(map(running, workers)), "no worker left")


def test_workers_whose_supervisor_is_gone_finish_and_end(start: Start, upstream: Upstream) -> None:
    slow = Slow(upstream)
    gateway = begin(start, upstream)
    workers = gateway.workers()
    (client,) = busy(gateway, 1)
    gateway.signal(signal.SIGKILL)
    slow.go_on.set()
    assert client.read_exactly(6) == b"+after"
    client.close()
    assert gateway.exited() == -signal.SIGKILL
    until(lambda: not any(map(running, workers)), "no worker left")


def test_lines_of_several_workers_never_part_each_other(start: Start, upstream: Upstream) -> None:
    routes = [{"name": f"route-{number:03}-{'x' * 40}", "upstream": upstream.url} for number in range(2)]
    meant = [{**route, "intents": [f"rain number {number}"]} for number, route in enumerate(routes)]
    long = [
        {"name": f"long-{number:03}-{'y' * 50}", "upstream": upstream.url, "intents": [f"n {number}"]}
        for number in range(120)
    ]
    gateway = start({"server": {"workers": 2}, "logging": {"level": "debug"}, "routes": [*meant, *long]})

    def call(number: int) -> int:
        return ask(gateway.port, target=f"/?q=rain+number+{number % 3}").status

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(call, range(240)))
    gateway.signal()
    assert gateway.exited() == 0
    requests = [line for line in gateway.lines if line["event"] == "request"]
    assert len(requests) == len(statuses)
    assert max(map(len, gateway.raw_lines)) > 4096, "longer than what a pipe takes in one piece"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_and_a_missing_model_stop_the_start_with_one_line(tmp_path: Path, workers: int) -> None:
    held = Upstream()
    routes = [{"name": "rain", "upstream": held.url, "intents": ["rain"]}]
    path = write_config(tmp_path / "a.yaml", {"server": {"workers": workers, "port": held.port}, "routes": routes})
    code, _, stderr = run_to_end(path)
    assert (code, stderr.splitlines()) == (1, [stderr.strip()])
    assert f"port {held.port}" in stderr
    engine = {"model_path": "nowhere.onnx"}
    config = {"server": {"workers": workers}, "semantic_engine": engine, "routes": routes}
    code, _, stderr = run_to_end(write_config(tmp_path / "b.yaml", config))
    assert (code, stderr.splitlines()) == (1, [stderr.strip()])
    assert "nowhere.onnx is missing" in stderr
    held.close()


def test_two_gateways_never_share_a_port(start: Start, upstream: Upstream, tmp_path: Path) -> None:
    first = begin(start, upstream)
    config = {"server": {"workers": 2, "port": first.port}, "routes": [{"name": "a", "upstream": upstream.url}]}
    code, _, stderr = run_to_end(write_config(tmp_path / "second.yaml", config))
    assert code == 1
    assert "cannot listen" in stderr
