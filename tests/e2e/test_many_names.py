"""Tens of thousands of names that nobody registered: they leave no series in the metrics and no memory behind."""

import os
from pathlib import Path

from e2e_support.client import Client
from e2e_support.gateway import Gateway
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream

BATCH = 500
# `make long` wants more of them than a test run has time for.
BATCHES = int(os.environ.get("AIMUX_TEST_NAMES", "30000")) // BATCH
WARM_UP = 25
MOST_BYTES_A_NAME = 100


def requests(batch: int) -> bytes:
    """A batch of requests, each with a name of its own, in each of the places where names stand."""
    made = []
    for number in range(batch * BATCH, (batch + 1) * BATCH):
        name = f"stranger-{number}"
        target, header, body = "/", "", ""
        if number % 3 == 0:
            target = f"/?agent={name}"
        elif number % 3 == 1:
            header = f"X-Source-Agent: {name}\r\n"
        else:
            header, body = "Content-Type: application/json\r\n", f'{{"agent": "{name}", "query": "text {number}"}}'
        made.append(f"POST {target} HTTP/1.1\r\nHost: gateway\r\n{header}Content-Length: {len(body)}\r\n\r\n{body}")
    return "".join(made).encode()


def series(gateway: Gateway) -> int:
    """How many series the metrics hold."""
    return sum(not line.startswith("#") for line in gateway.metrics().splitlines())


def resident(gateway: Gateway) -> int:
    """The process's resident memory, in bytes."""
    fields = Path(f"/proc/{gateway.pid}/statm").read_text().split()
    return int(fields[1]) * 4096


def test_names_that_nobody_registered_leave_nothing_behind(start: Start, upstream: Upstream) -> None:
    gateway = start({"agents": ["finance-bot"], "routes": [{"name": "open", "upstream": upstream.url}]})
    before = kept = 0
    with Client(gateway.port) as client:
        for batch in range(BATCHES):
            client.send(requests(batch))
            for _ in range(BATCH):
                assert client.read_response().status == 401
            if batch == WARM_UP:
                before, kept = resident(gateway), series(gateway)
    gateway.wait_served()
    assert series(gateway) == kept
    requests_by = "aimux_requests_total{"
    found = [
        line for line in gateway.metrics().splitlines() if line.startswith(requests_by) and "unknown_agent" in line
    ]
    assert len(found) == 1, found
    assert found[0].endswith(f" {float(BATCH * BATCHES)}"), found
    assert resident(gateway) - before < (BATCHES - WARM_UP) * BATCH * MOST_BYTES_A_NAME
    assert upstream.requests == []
