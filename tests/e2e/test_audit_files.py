"""The files of the audit log renamed, compressed, emptied and moved under a running gateway."""

import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from e2e_support.client import ask
from e2e_support.gateway import Gateway, run_audit
from e2e_support.load import under_load
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream
from e2e_support.waiting import until

pytestmark = pytest.mark.fault

PLAIN = {"X-AIMux-Route": "plain"}
OFTEN = {"checkpoint_interval": 0.2}


def begin(start: Start, upstream: Upstream, **more: Any) -> Gateway:
    """A gateway with a few requests in its log, which it looks after often."""
    config = {"routes": [{"name": "plain", "upstream": upstream.url}], "audit": OFTEN, **more}
    gateway = start(config)
    for _ in range(3):
        assert ask(gateway.port, headers=PLAIN).status == 200
    return gateway


def live(gateway: Gateway, chain: int = 1) -> Path:
    """The segment that is being written."""
    return max((gateway.audit / f"chain-{chain}").glob("*[0-9].jsonl"))


def records(gateway: Gateway, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(gateway.audit.glob("chain-*/*[0-9].jsonl")):
        found += [json.loads(line) for line in path.read_bytes().split(b"\n") if f'"kind":"{kind}"'.encode() in line]
    return found


def status(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(gateway.port, target="/audit/status").body)
    return found


def renamed(path: Path) -> None:
    path.rename(path.with_suffix(".1"))


def compressed(path: Path) -> None:
    subprocess.run(["gzip", str(path)], check=True)


def rotated(path: Path) -> None:
    renamed(path)
    path.touch()


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"what somebody else says\n")


@pytest.mark.parametrize(
    ("harm", "told"),
    [(renamed, "renamed"), (compressed, "deleted"), (rotated, "replaced"), (appended, "written_into")],
)
def test_what_is_done_to_the_live_file_is_put_back_while_requests_are_served(
    start: Start, upstream: Upstream, harm: Callable[[Path], None], told: str
) -> None:
    gateway = begin(start, upstream)
    with under_load(gateway.port):
        path = live(gateway)
        harm(path)
        assert ask(gateway.port, headers=PLAIN).status == 200
        until(lambda: gateway.metric(f'aimux_audit_incidents_total{{harm="{told}",outcome="restored"}}') == 1, "it")
        assert path.exists()
        assert ask(gateway.port, target="/readyz").status == 200
        assert (status(gateway)["writable"], status(gateway)["faults"]) == (True, [])
        line = gateway.wait_line(lambda line: line["event"] == "audit" and "put back" in line["detail"], "the log line")
        assert line["level"] == "warning"
        assert ask(gateway.port, headers=PLAIN).status == 200
        done = run_audit(gateway, "verify")
        assert done.returncode == 0, done.stderr
        (restored,) = records(gateway, "restored")
        assert (restored["harm"], restored["file"], restored["first"]) == (told, path.name, 1)
    gateway.signal()
    assert gateway.exited() == 0
    done = run_audit(gateway, "verify")
    assert done.returncode == 0, done.stderr
    sent = {(request.header("X-Request-ID") or b"").decode() for request in upstream.requests}
    assert sent <= {each["request_id"] for each in records(gateway, "decision")}


def test_where_records_are_gone_nothing_is_served_until_a_restart_and_verify_names_them(
    start: Start, upstream: Upstream
) -> None:
    gateway = begin(start, upstream)
    gateway.wait_served()
    path = live(gateway)
    os.truncate(path, 0)
    with under_load(gateway.port):
        until(lambda: ask(gateway.port, target="/readyz").status == 503, "it to notice")
        served = len(upstream.requests)
        refused = ask(gateway.port, headers=PLAIN)
        error = json.loads(refused.body)["error"]
        assert (refused.status, error["code"]) == (503, "not_ready")
        assert "records are missing" in error["message"]
        assert "records are missing" in json.loads(ask(gateway.port, target="/readyz").body)["detail"]
        found = status(gateway)
        assert (found["writable"], found["faults"] != []) == (False, True)
        assert (gateway.metric("aimux_audit_intact"), gateway.metric("aimux_audit_writable")) == (0, 0)
        line = gateway.wait_line(lambda line: line["event"] == "audit" and line["level"] == "error", "the error")
        assert path.name in line["problem"]
        assert len(upstream.requests) == served
    (lost,) = records(gateway, "lost")
    named = f"records {lost['first']} to {lost['last']} are missing"
    gateway.signal()
    assert gateway.exited() == 0
    done = run_audit(gateway, "verify")
    assert done.returncode == 1
    assert named in done.stderr
    assert "tells of it" in done.stderr
    again = Gateway(gateway.config)
    again.wait_listening()
    again.wait_ready()
    assert ask(again.port, headers=PLAIN).status == 200
    again.close()
    done = run_audit(gateway, "verify")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_a_folder_that_is_moved_away_stops_it_until_it_is_back(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream)
    moved = gateway.audit.with_name("moved")
    with under_load(gateway.port):
        gateway.audit.rename(moved)
        until(lambda: ask(gateway.port, target="/readyz").status == 503, "it to notice")
        assert ask(gateway.port, headers=PLAIN).status == 503
        assert not gateway.audit.exists()
        moved.rename(gateway.audit)
        until(lambda: ask(gateway.port, target="/readyz").status == 200, "it to go on")
        assert ask(gateway.port, headers=PLAIN).status == 200
    gateway.signal()
    assert gateway.exited() == 0
    done = run_audit(gateway, "verify")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own. Only root may mount one."""
    place = tmp_path / "mounted"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "aimux-test", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


def test_a_file_system_that_is_unmounted_stops_it(start: Start, upstream: Upstream, mounted: Path) -> None:
    gateway = begin(start, upstream, audit={**OFTEN, "path": str(mounted / "audit")})
    subprocess.run(["umount", "-l", str(mounted)], check=True)
    with under_load(gateway.port):
        until(lambda: ask(gateway.port, target="/readyz").status == 503, "it to notice")
        assert ask(gateway.port, headers=PLAIN).status == 503
    problem = gateway.wait_line(lambda line: line["event"] == "audit" and "problem" in line, "the problem")["problem"]
    assert "unmounted" in problem
    assert list(mounted.iterdir()) == []


def test_other_files_of_the_log_are_put_back_and_ended_ones_are_told_of(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream, audit={**OFTEN, "segment_size": "10KiB"})
    chain = gateway.audit / "chain-1"
    with under_load(gateway.port):
        while len(list(chain.glob("*[0-9].jsonl"))) < 4:
            assert ask(gateway.port, headers=PLAIN).status == 200
        gateway.wait_served()
        for path in (chain / "checkpoints.jsonl", chain / "lock", gateway.audit / "signing-key.pem"):
            path.unlink()
            until(path.exists, f"{path.name} again")
        assert run_audit(gateway, "verify").returncode == 0
        first, second = sorted(chain.glob("*[0-9].jsonl"))[:2]
        compressed(second)
        until(lambda: gateway.metric("aimux_audit_intact") == 0, "it to notice")
        assert status(gateway)["faults"] == [f"{second.name} is not as it was left"]
        done = run_audit(gateway, "verify")
        assert done.returncode == 1
        assert f"records {int(second.stem)} to" in done.stderr
        assert ask(gateway.port, headers=PLAIN).status == 200
        subprocess.run(["gunzip", str(second.with_suffix(".jsonl.gz"))], check=True)
        until(lambda: gateway.metric("aimux_audit_intact") == 1, "it to notice that it is back")
        assert run_audit(gateway, "verify").returncode == 0
        assert first.exists()


def test_each_worker_looks_after_its_own_chain(start: Start, upstream: Upstream) -> None:
    gateway = begin(start, upstream, server={"workers": 2})
    with under_load(gateway.port):
        for chain in (1, 2):
            path = live(gateway, chain)
            path.unlink()
            until(path.exists, f"the file of chain {chain} again")
        until(lambda: len(records(gateway, "restored")) == 2, "both records")
        assert run_audit(gateway, "verify").returncode == 0
        os.truncate(live(gateway, 2), 0)
        until(lambda: gateway.metric("aimux_audit_intact") == 0, "it to notice")
        answers = {ask(gateway.port, headers=PLAIN).status for _ in range(40)}
        assert answers == {200, 503}
    done = run_audit(gateway, "verify")
    assert (done.returncode, "chain 1: ok" in done.stdout, "chain 2" in done.stderr) == (1, True, True)


def test_a_gateway_that_starts_on_a_full_disk_serves_once_there_is_room(start: Start, upstream: Upstream) -> None:
    # A state in memory: one in a file does not start without room.
    gateway = begin(start, upstream, state={"path": "/proc/aimux-state"})
    gateway.signal()
    assert gateway.exited() == 0
    again = Gateway(gateway.config)
    # It has no room for a single record, from the first moment on.
    size = live(gateway).stat().st_size
    _, hard = resource.prlimit(again.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    again.wait_listening()
    again.wait_ready()
    with under_load(again.port):
        assert ask(again.port, target="/readyz").status == 503
        assert ask(again.port, headers=PLAIN).status == 503
        resource.prlimit(again.pid, resource.RLIMIT_FSIZE, (hard, hard))
        until(lambda: ask(again.port, target="/readyz").status == 200, "it to go on")
        assert ask(again.port, headers=PLAIN).status == 200
    again.close()
    done = run_audit(gateway, "verify")
    assert done.returncode == 0, done.stderr
