"""A system clock that jumps: nothing of the audit log goes for it, and everything that reads the log goes on."""

import json
from pathlib import Path
from typing import Any

import pytest
from e2e_support.client import Response, ask
from e2e_support.clock import FakeClock
from e2e_support.gateway import Gateway, run_audit
from e2e_support.load import under_load
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream
from e2e_support.waiting import until

# The index is built with what the machine has left over, which may be little.
pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

PLAIN = {"X-AIMux-Route": "plain"}
DAY = 86400


@pytest.fixture
def clock(tmp_path: Path) -> FakeClock:
    """A clock that can be moved."""
    return FakeClock(tmp_path)


def begin(start: Start, upstream: Upstream, clock: FakeClock, interval: float = 0.2) -> Gateway:
    """A gateway with several small files in its log, kept for a day."""
    audit = {"segment_size": "10KiB", "checkpoint_interval": interval, "keep_days": 1}
    config = {"routes": [{"name": "plain", "upstream": upstream.url}], "audit": audit}
    gateway = start(config, environment=clock.environment)
    while len(files(gateway)) < 6:
        assert ask(gateway.port, headers=PLAIN).status == 200
    return gateway


def files(gateway: Gateway) -> list[Path]:
    return sorted((gateway.audit / "chain-1").glob("*[0-9].jsonl"))


def entry_of(gateway: Gateway, response: Response) -> dict[str, Any]:
    """What /audit says of a request that has ended, whatever the clock says."""
    request_id = (response.header("X-Request-ID") or b"").decode()

    def look() -> list[dict[str, Any]]:
        page = ask(gateway.port, target=f"/audit?request_id={request_id}")
        return [each for each in json.loads(page.body).get("requests", []) if each["ended"]]

    return until(look, "the request in the index", 100)[0]


def wait_looked(gateway: Gateway) -> None:
    """Wait until it has looked for what is too old: it does once soon after the start, and then every minute."""
    until(lambda: any("days ahead" in line.get("detail", "") for line in gateway.lines), "it to look", 90)


def signed(gateway: Gateway) -> int:
    chain = json.loads(ask(gateway.port, target="/audit/status").body)["chains"][0]
    count: int = chain["checkpoint"]["count"]
    return count


@pytest.mark.parametrize("jump", [100 * DAY, 3000 * DAY])
def test_a_jump_ahead_removes_nothing(start: Start, upstream: Upstream, clock: FakeClock, jump: int) -> None:
    gateway = begin(start, upstream, clock, interval=3.0)
    with under_load(gateway.port):
        before = files(gateway)
        clock.set(jump)
        wait_looked(gateway)
        response = ask(gateway.port, headers=PLAIN)
        assert set(before) <= set(files(gateway))
        clock.set(0)
        assert ask(gateway.port, headers=PLAIN).status == 200
    assert entry_of(gateway, response)["time"] > "2027"
    assert set(before) <= set(files(gateway))
    assert run_audit(gateway, "verify").returncode == 0


def test_a_gateway_that_starts_with_a_clock_that_is_ahead_removes_nothing(
    start: Start, upstream: Upstream, clock: FakeClock
) -> None:
    gateway = begin(start, upstream, clock)
    gateway.signal()
    assert gateway.exited() == 0
    before = files(gateway)
    clock.set(400 * DAY)
    again = Gateway(gateway.config, environment=clock.environment)
    again.wait_listening()
    again.wait_ready()
    wait_looked(again)
    assert set(before) <= set(files(again))
    assert ask(again.port, headers=PLAIN).status == 200
    again.close()
    assert run_audit(gateway, "verify").returncode == 0


@pytest.mark.parametrize("jump", [-3600, -9000 * DAY])
def test_after_a_jump_back_everything_goes_on(start: Start, upstream: Upstream, clock: FakeClock, jump: int) -> None:
    gateway = begin(start, upstream, clock)
    with under_load(gateway.port):
        before, count = files(gateway), signed(gateway)
        clock.set(jump)
        assert ask(gateway.port, headers=PLAIN).status == 200
        until(lambda: signed(gateway) > count, "a checkpoint")
        assert ask(gateway.port, target="/dashboard/").status == 200
    response = ask(gateway.port, headers=PLAIN)
    assert entry_of(gateway, response)["ended"] == "completed"
    stats = json.loads(ask(gateway.port, target="/audit/stats?since=15m").body)
    assert sum(link["requests"] for link in stats["links"]) >= 1
    page = json.loads(ask(gateway.port, target="/audit?limit=2").body)
    older = json.loads(ask(gateway.port, target=f"/audit?limit=2&before={page['next']}").body)
    assert len(older["requests"]) == 2
    assert ask(gateway.port, target="/audit/export?format=csv").body.count(b"plain") >= 6
    assert set(before) <= set(files(gateway))
    request_id = (response.header("X-Request-ID") or b"").decode()
    done = run_audit(gateway, "tail", "-n", "1", "--json")
    assert request_id in done.stdout
    done = run_audit(gateway, "query", "--request-id", request_id, "--json")
    assert json.loads(done.stdout)["request_id"] == request_id
    done = run_audit(gateway, "verify")
    assert done.returncode == 0, done.stderr
    clock.set(0)
    assert entry_of(gateway, ask(gateway.port, headers=PLAIN))["ended"] == "completed"
    gateway.signal()
    assert gateway.exited() == 0
    assert run_audit(gateway, "verify").returncode == 0
