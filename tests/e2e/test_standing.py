"""The standing of a running gateway: each worker follows the state, whoever writes it, and loses nothing of it."""

import asyncio
import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from e2e_support.client import Aborted, ask
from e2e_support.gateway import Gateway, run_to_end, write_config
from e2e_support.mesh import Start
from e2e_support.operators import OPERATOR, OPERATORS, bearer
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE, until

from aimux.core.reason import Failure
from aimux.state.following import STANDING
from aimux.state.opening import open_state
from aimux.state.store import SetDone, StateStore

T = TypeVar("T")
CHANGES = 10_000
BOUND = 1.0
"""Seconds within which every worker has acknowledged a change."""


def with_state(folder: Path, work: Callable[[StateStore], Coroutine[Any, Any, T]]) -> T:
    """Do something with the state of a gateway, from this process."""

    async def main() -> T:
        store = open_state(folder, time.time).store
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


def fact(*, critical: bool = False) -> bytes:
    return json.dumps({"kind": "trial", "critical": critical}).encode()


async def put(store: StateStore, key: str, value: bytes | None) -> int:
    """Set or remove a fact, again where the store did not answer in time; the version of that."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            found = await store.get(STANDING, key)
            done = await store.compare_and_set(STANDING, key, value, None if found is None else found.version)
        except Failure:
            assert time.monotonic() < deadline
            continue
        assert isinstance(done, SetDone)
        return done.version


def acknowledged(gateway: Gateway) -> dict[int, int]:
    """The version of the standing that each worker has acknowledged, by its place."""
    found = json.loads(ask(gateway.port, target="/config").body)["workers"]
    return {each["worker"]: each["standing"] for each in found}


class Writer(threading.Thread):
    """Writes facts; `versions` are those that were acknowledged to it, each with the moment of that."""

    def __init__(self, folder: Path, changes: int) -> None:
        super().__init__(daemon=True)
        self.versions: list[tuple[float, int]] = []
        self.fault: BaseException | None = None
        self._folder = folder
        self._changes = changes

    def run(self) -> None:
        try:
            with_state(self._folder, self._write)
        except BaseException as error:
            self.fault = error

    async def _write(self, store: StateStore) -> None:
        for number in range(self._changes):
            version = await put(store, f"trial-{number % 500}", fact())
            self.versions.append((time.monotonic(), version))

    def acknowledged_by(self, moment: float) -> int:
        """The version of the last change that was acknowledged until then."""
        return max((version for at, version in list(self.versions) if at <= moment), default=0)


def test_every_worker_has_each_change_within_a_second(start: Start, upstream: Upstream) -> None:
    gateway = start({"server": {"workers": 2}, "routes": [{"name": "plain", "upstream": upstream.url}]})
    writer = Writer(gateway.state, CHANGES)
    writer.start()
    before = dict.fromkeys((1, 2), 0)
    killed, samples = 0, 0
    while writer.is_alive():
        moment = time.monotonic()
        try:
            found = acknowledged(gateway)
        except Aborted:
            assert killed, "only a worker that is killed leaves who asks alone"
            continue
        due = writer.acknowledged_by(moment - BOUND)
        for place, version in found.items():
            assert version >= due, f"worker {place} is behind by more than {BOUND} s"
            assert version >= before[place]
        before |= found
        samples += 1
        if not killed and len(writer.versions) > CHANGES // 4:
            killed = gateway.workers()[0]
            os.kill(killed, signal.SIGKILL)
            before = dict.fromkeys((1, 2), 0)
    writer.join()
    assert writer.fault is None
    assert killed
    assert samples > 20
    last = writer.versions[-1][1]
    assert [version for _, version in writer.versions] == sorted({version for _, version in writer.versions})
    until(lambda: acknowledged(gateway) == {1: last, 2: last}, "both workers to have all of it")
    assert gateway.metric('aimux_worker_standing_version{worker="1"}') == last


@pytest.mark.fault
def test_what_was_acknowledged_survives_the_end_of_everybody(start: Start, upstream: Upstream) -> None:
    gateway = start({"server": {"workers": 2}, "routes": [{"name": "plain", "upstream": upstream.url}]})
    version = with_state(gateway.state, lambda store: put(store, "kept", fact()))
    until(lambda: acknowledged(gateway) == {1: version, 2: version}, "both workers to have it")
    gateway.expected_exit = None
    for pid in (gateway.pid, *gateway.workers()):
        os.kill(pid, signal.SIGKILL)
    gateway.wait_exit()
    again = Gateway(gateway.config)
    try:
        again.wait_listening()
        again.wait_ready()
        assert acknowledged(again) == {1: version, 2: version}
    finally:
        again.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fact_that_this_version_cannot_heed_stops_the_gateway(start: Start, upstream: Upstream, workers: int) -> None:
    gateway = start({"server": {"workers": workers}, "routes": [{"name": "plain", "upstream": upstream.url}]})
    plain = {"X-AIMux-Route": "plain"}
    assert ask(gateway.port, headers=plain).status == 200
    with_state(gateway.state, lambda store: put(store, "stop", fact(critical=True)))
    until(lambda: {ask(gateway.port, headers=plain).status for _ in range(8)} == {503}, "every worker to refuse")
    page = json.loads(ask(gateway.port, target="/readyz").body)
    assert "critical and unknown to this version" in page["detail"]
    assert "'stop'" in json.loads(ask(gateway.port, target="/config").body)["state"]["problem"]
    told = ask(gateway.port, headers=plain).body
    assert b"cannot tell from its state who is stopped" in told
    assert not any(word in told for word in (b"'stop'", b"trial")), "callers are not told what is in the state"
    with_state(gateway.state, lambda store: put(store, "stop", None))
    until(lambda: {ask(gateway.port, headers=plain).status for _ in range(8)} == {200}, "every worker to serve")


def test_a_folder_that_cannot_be_made_is_done_without_and_said(start: Start, upstream: Upstream) -> None:
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"state": {"path": "/proc/aimux-state"}, "operators": OPERATORS, "routes": routes})
    assert ask(gateway.port, headers={"X-AIMux-Route": "plain"}).status == 200
    ready = ask(gateway.port, target="/readyz")
    assert (ready.status, "in memory only" in json.loads(ready.body)["detail"]) == (200, True)
    state = json.loads(ask(gateway.port, target="/config").body)["state"]
    assert (state["store"], state["lasting"]) == ("memory", False)
    assert gateway.wait_event("state")["level"] == "warning"
    headers = {"Content-Type": "application/json", **bearer(OPERATOR)}
    assert ask(gateway.port, "POST", "/admin/reload", headers, b"{}").status == 200


@pytest.mark.fault
def test_a_state_that_is_there_and_damaged_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    config = write_config(tmp_path / "aimux.yaml", {"routes": [{"name": "plain", "upstream": "http://127.0.0.1:9"}]})
    folder = tmp_path / "aimux-state"
    folder.mkdir(mode=0o700)
    (folder / "state.db").write_bytes(b"no database at all")
    (folder / "state.db").chmod(0o600)
    code, _, errors = run_to_end(config)
    assert code == 1
    assert str(folder / "state.db") in errors


@pytest.mark.fault
def test_a_file_that_is_replaced_is_said_and_requests_go_on(start: Start, upstream: Upstream) -> None:
    gateway = start({"routes": [{"name": "plain", "upstream": upstream.url}]})
    file = gateway.state / "state.db"
    file.rename(file.with_name("elsewhere.db"))
    sqlite3.connect(file).close()

    def problem() -> str | None:
        found: str | None = json.loads(ask(gateway.port, target="/config").body)["state"]["problem"]
        return found

    assert until(problem, "the gateway to notice")
    assert ask(gateway.port, headers={"X-AIMux-Route": "plain"}).status == 200


@pytest.mark.fault
def test_a_second_gateway_with_the_same_state_does_not_start(start: Start, upstream: Upstream) -> None:
    routes = [{"name": "plain", "upstream": upstream.url}]
    gateway = start({"routes": routes})
    config = {"state": {"path": str(gateway.state)}, "routes": routes}
    code, _, errors = run_to_end(write_config(gateway.config.with_name("second.yaml"), config))
    assert code == 1
    assert "another gateway uses the state's folder" in errors
