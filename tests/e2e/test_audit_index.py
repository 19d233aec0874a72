"""The index of the audit log harmed under a running gateway: noticed, said and built again, never an empty answer."""

import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from e2e_support.client import ask
from e2e_support.gateway import Gateway
from e2e_support.load import under_load
from e2e_support.mesh import Start
from e2e_support.upstream import Upstream
from e2e_support.waiting import until

pytestmark = pytest.mark.fault

PLAIN = {"X-AIMux-Route": "plain"}


def begin(start: Start, upstream: Upstream) -> tuple[Gateway, str]:
    """A gateway, and a request that is in its index."""
    audit = {"checkpoint_interval": 0.5}
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}], "audit": audit})
    request_id = (ask(gateway.port, headers=PLAIN).header("X-Request-ID") or b"").decode()
    until(lambda: is_found(gateway, request_id), "the request in the index")
    return gateway, request_id


def is_found(gateway: Gateway, request_id: str) -> bool:
    """Whether the request is found; where it is not, the answer must say that it lacks something."""
    response = ask(gateway.port, target=f"/audit?request_id={request_id}")
    body = json.loads(response.body)
    if response.status == 503:
        assert "index" in body["error"]["message"]
        return False
    assert response.status == 200
    found: list[dict[str, Any]] = body["requests"]
    assert found or body["behind"] > 0, "an index that lacks the request says that it has everything"
    return bool(found)


def emptied(index: Path) -> None:
    os.truncate(index, 0)


def overwritten(index: Path) -> None:
    index.write_bytes(b"garbage" * 5000)


def deleted(index: Path) -> None:
    for path in index.parent.glob("index.sqlite3*"):
        path.unlink()


def replaced(index: Path) -> None:
    index.with_name("other").write_bytes(b"")
    index.with_name("other").replace(index)


def without_rows(index: Path) -> None:
    with closing(sqlite3.connect(index, timeout=10)) as database, database:
        database.execute("DELETE FROM chains")


@pytest.mark.parametrize("harm", [emptied, overwritten, deleted, replaced, without_rows])
def test_an_index_that_is_harmed_is_built_again(start: Start, upstream: Upstream, harm: Callable[[Path], None]) -> None:
    gateway, request_id = begin(start, upstream)
    with under_load(gateway.port):
        harm(gateway.audit / "index.sqlite3")
        until(lambda: is_found(gateway, request_id), "the index built again")
        assert ask(gateway.port, headers=PLAIN).status == 200
    until(lambda: json.loads(ask(gateway.port, target="/audit/status").body)["behind"] == 0, "all of it")
    assert len(json.loads(ask(gateway.port, target=f"/audit?request_id={request_id}").body)["requests"]) == 1


def test_an_index_that_cannot_be_written_is_said_and_requests_are_served(start: Start, upstream: Upstream) -> None:
    gateway, _ = begin(start, upstream)
    with under_load(gateway.port), closing(sqlite3.connect(gateway.audit / "index.sqlite3", timeout=10)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ask(gateway.port, headers=PLAIN).status == 200
        line = gateway.wait_line(lambda line: "locked" in line.get("detail", ""), "what stands in the way")
        assert (line["event"], line["level"]) == ("audit", "warning")
        assert ask(gateway.port, headers=PLAIN).status == 200
        other.rollback()
        gateway.wait_line(lambda line: "up to date again" in line.get("detail", ""), "its end")


def test_an_index_that_does_not_go_on_is_a_problem_until_it_does(start: Start, upstream: Upstream) -> None:
    gateway, _ = begin(start, upstream)
    with under_load(gateway.port), stopped(gateway.indexing()):
        ask(gateway.port, headers=PLAIN)
        status = until(lambda: problem_of(gateway), "the problem in the status")
        assert "does not go on" in status
        assert gateway.metric("aimux_audit_index_ok") == 0
        assert gateway.metric("aimux_audit_index_behind_bytes") > 0
        gateway.wait_line(lambda line: "does not go on" in line.get("detail", ""), "the problem in the log")
        assert ask(gateway.port, headers=PLAIN).status == 200
    until(lambda: problem_of(gateway) is None, "the end of the problem")
    until(lambda: gateway.metric("aimux_audit_index_ok") == 1, "the metric")


@contextmanager
def stopped(process: int) -> Iterator[None]:
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def problem_of(gateway: Gateway) -> str | None:
    problem: str | None = json.loads(ask(gateway.port, target="/audit/status").body)["index_problem"]
    return problem
