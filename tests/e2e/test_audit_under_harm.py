"""The audit log when things go wrong: processes that are killed, disks that are full, tails that are cut."""

import json
import os
import random
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support.client import Aborted, Client, ask, compose
from e2e_support.gateway import Gateway, run_audit
from e2e_support.mesh import Start
from e2e_support.upstream import Peer, Received, Upstream
from e2e_support.waiting import until

PLAIN = {"X-AIMux-Route": "plain"}
# `make kills` wants more of them than a test run has time for.
KILLS = int(os.environ.get("AIMUX_TEST_KILLS", "8"))
CALLERS = 4


def recorded(audit: Path) -> set[str]:
    """The requests whose decision is in the log."""
    found = set()
    for path in audit.glob("chain-*/*[0-9].jsonl"):
        for line in path.read_bytes().split(b"\n"):
            if b'"kind":"decision"' in line and line.endswith(b"}"):
                found.add(json.loads(line)["request_id"])
    return found


class Callers:
    """Clients that ask without a pause until the gateway is gone."""

    def __init__(self, port: int) -> None:
        self._threads = [threading.Thread(target=self._ask, args=(port,), daemon=True) for _ in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, port: int) -> None:
        try:
            with Client(port) as client:
                while True:
                    client.send(compose("GET", "/", PLAIN))
                    client.read_response()
        except (OSError, Aborted):
            return

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_no_record_of_a_forwarded_request_dies_with_the_process(start: Start, upstream: Upstream) -> None:
    rng = random.Random(20)
    received: set[str] = set()

    def note(peer: Peer, request: Received) -> None:
        received.add((request.header("X-Request-ID") or b"").decode())
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream.handler = note
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}], "audit": {"segment_size": "100KiB"}})
    for killed in range(KILLS):
        if killed:
            gateway = restarted(gateway)
        enough = len(received) + rng.randrange(1, 120)
        callers = Callers(gateway.port)
        until(lambda enough=enough: len(received) >= enough, "traffic")
        time.sleep(rng.random() / 200)  # not to be safe: to die at any moment of a request
        kill(gateway)
        callers.join()
        assert received <= recorded(gateway.audit), f"after {killed + 1} kills"
    gateway = restarted(gateway)
    done = run_audit(gateway, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    gateway.close()
    assert len(received) > KILLS
    assert len(list(gateway.audit.glob("chain-1/*[0-9].jsonl"))) > 3


def kill(gateway: Gateway) -> None:
    gateway.signal(signal.SIGKILL)
    gateway.expected_exit = None
    gateway.process.wait()
    gateway.close()


def restarted(dead: Gateway) -> Gateway:
    """The same gateway again."""
    again = Gateway(dead.config)
    again.wait_listening()
    again.wait_ready()
    return again


@pytest.fixture(params=["tmpfs", "limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """How the log's disk comes to be full. Only root may mount a small file system for it."""
    if request.param == "limit":
        yield "limit"
        return
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "aimux-test", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here; a limit on the size of files is tried instead")
    yield str(place)
    subprocess.run(["umount", str(place)], check=True)


def test_on_a_full_disk_nothing_is_forwarded_and_all_is_well_again_with_room(
    start: Start, upstream: Upstream, disk: str, tmp_path: Path
) -> None:
    audit = {} if disk == "limit" else {"path": f"{disk}/audit"}
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}], "audit": audit})
    folder = gateway.audit if disk == "limit" else Path(disk) / "audit"
    assert ask(gateway.port, headers=PLAIN).status == 200
    fill(gateway, folder, disk)
    served = 1
    while (refused := ask(gateway.port, headers=PLAIN)).status == 200:
        served += 1
        assert served < 2000
    error = json.loads(refused.body)["error"]
    assert (refused.status, error["code"], refused.header("Retry-After")) == (503, "not_ready", b"2")
    assert "audit log" in error["message"]
    assert ask(gateway.port, headers=PLAIN).status == 503
    assert len(upstream.requests) == served
    ready = ask(gateway.port, target="/readyz")
    assert (ready.status, "audit log" in json.loads(ready.body)["detail"]) == (503, True)
    assert gateway.metric("aimux_audit_writable") == 0
    assert gateway.metric("aimux_audit_unrecorded_total") >= 1
    assert gateway.metric("aimux_ready") == 0
    assert ask(gateway.port, target="/healthz").status == 200
    gateway.wait_line(lambda line: line["event"] == "audit" and line["level"] == "error", "the trouble in the log")
    assert not json.loads(ask(gateway.port, target="/audit/status").body)["writable"]
    make_room(gateway, disk)
    until(lambda: ask(gateway.port, target="/readyz").status == 200, "it to recover")
    assert ask(gateway.port, headers=PLAIN).status == 200
    assert len(upstream.requests) == served + 1
    assert gateway.metric("aimux_audit_writable") == 1
    gateway.signal()
    assert gateway.exited() == 0
    done = run_audit(gateway, "verify")
    assert done.returncode == 0, done.stderr
    assert {(r.header("X-Request-ID") or b"").decode() for r in upstream.requests} <= recorded(folder)
    assert b'"kind":"gap"' in b"".join(path.read_bytes() for path in folder.glob("chain-1/*[0-9].jsonl"))


def fill(gateway: Gateway, folder: Path, disk: str) -> None:
    if disk == "limit":
        size = max(path.stat().st_size for path in folder.glob("chain-1/*[0-9].jsonl"))
        _, hard = resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (size + 3000, hard))
        return
    with (Path(disk) / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass


def make_room(gateway: Gateway, disk: str) -> None:
    if disk == "limit":
        _, hard = resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    else:
        (Path(disk) / "filler").unlink()


def test_always_serves_as_well(start: Start, upstream: Upstream) -> None:
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}], "audit": {"sync": "always"}})
    for _ in range(3):
        assert ask(gateway.port, headers=PLAIN).status == 200
    assert run_audit(gateway, "verify").returncode == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_it_does_not_start_where_records_are_missing_and_verifying_says_which(
    start: Start, upstream: Upstream, workers: int
) -> None:
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"routes": routes, "server": {"workers": workers}})
    for _ in range(4):
        ask(gateway.port, headers=PLAIN)
    gateway.signal()
    assert gateway.exited() == 0
    (segment,) = (gateway.audit / "chain-1").glob("*[0-9].jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[:-1]))
    done = run_audit(gateway, "verify")
    assert done.returncode == 1
    assert f"record {len(lines)}" in done.stderr
    again = Gateway(gateway.config)
    assert again.exited() == 1
    assert "aimux audit verify" in again.stderr
    assert again.stderr.count("\n") == 1
    again.close()


def test_a_request_that_the_end_cuts_leaves_its_outcome(start: Start, upstream: Upstream) -> None:
    hold = threading.Event()
    upstream.handler = lambda *_: hold.wait(10)
    config = {"routes": [{"name": "plain", "upstream": upstream.url}], "server": {"drain_timeout": 0.2}}
    gateway = start(config)
    with Client(gateway.port) as client:
        client.send(compose("GET", "/", PLAIN))
        upstream.wait_requests()
        gateway.signal()
        assert gateway.exited() == 1
    hold.set()
    (segment,) = (gateway.audit / "chain-1").glob("*[0-9].jsonl")
    lines = [json.loads(line) for line in segment.read_text().splitlines()]
    assert [line["kind"] for line in lines[-3:]] == ["decision", "outcome", "closed"]
    assert lines[-2]["ended"] == "client_left"
    assert run_audit(gateway, "verify").returncode == 0


def test_a_torn_last_line_is_repaired_and_told(start: Start, upstream: Upstream) -> None:
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    ask(gateway.port, headers=PLAIN)
    kill(gateway)
    (segment,) = (gateway.audit / "chain-1").glob("*[0-9].jsonl")
    os.truncate(segment, segment.stat().st_size - 7)
    assert run_audit(gateway, "verify").returncode == 1
    again = restarted(gateway)
    warning = again.wait_line(lambda line: line["event"] == "audit", "the repair in the log")
    assert "torn" in warning["detail"]
    assert run_audit(again, "verify").returncode == 0
    again.close()
