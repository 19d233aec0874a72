"""The harness itself, with the SDKs that are in the suite: real scripts, a real gateway, a few situations."""

import socket
import sys
from pathlib import Path

import pytest

from clients import driver
from clients.driver import ClientProcess
from clients.environments import Environment
from clients.measure import Installed, Session
from clients.pins import PinnedClient
from clients.situations import NOWHERE, SITUATIONS, WITHOUT_FALLBACK, Situation
from clients.upstream.answers import ANSWER
from clients.upstream.server import ScriptedUpstream

NEEDED = (
    Situation("allowed"),
    Situation("a tool", "tool"),
    Situation("elsewhere", text=NOWHERE),
    Situation("nowhere", text=NOWHERE, gateway=WITHOUT_FALLBACK),
    Situation("not for it", "embed_as_text"),
)


def installed(name: str, place: Path) -> Installed:
    """A client that runs with what the suite has."""
    (place / name / "home").mkdir(parents=True)
    return PinnedClient(name, "python", (name,)), Environment(place / name, sys.executable, {name: "1"})


def test_clients_are_brought_into_situations(tmp_path: Path) -> None:
    told: list[str] = []
    clients = [installed(name, tmp_path) for name in ("openai", "smolagents", "anthropic")]
    first, broken, last = Session(NEEDED, told.append).run(clients)
    assert broken.problem is not None
    assert "ModuleNotFoundError" in broken.problem
    assert [(each.name, each.versions, each.problem) for each in (first, last)] == [
        ("openai", {"openai": "1"}, None),
        ("anthropic", {"anthropic": "1"}, None),
    ]
    for client in (first, last):
        assert list(client.seen) == ["allowed", "a tool", "elsewhere", "nowhere"]
        counts = [(each.requests, each.past, each.sight.answered) for each in client.seen.values()]
        assert counts == [(1, 0, True), (2, 0, True), (1, 0, True), (1, 0, False)]
        assert client.seen["allowed"].sight.seen == ANSWER
        assert client.seen["nowhere"].sight.seen.startswith(f"{client.name}.NotFoundError: Error code: 404")
        assert all(each.written == () and each.sight.reached == () for each in client.seen.values())
    assert len(told) == 2


def test_a_client_that_goes_on_trying_is_ended_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = ClientProcess(*installed("openai", tmp_path))
    process.start()
    with socket.create_server(("127.0.0.1", 0)) as silent, ScriptedUpstream() as upstream:
        try:
            with monkeypatch.context() as impatient:
                impatient.setattr(driver, "SECONDS", 0.1)
                first = process.do(NEEDED[0].task(f"http://127.0.0.1:{silent.getsockname()[1]}"))
            second = process.do(NEEDED[0].task(f"http://127.0.0.1:{upstream.port}"))
        finally:
            process.stop()
    assert (first.answered, first.in_time, first.seen) == (False, False, "still trying after 0 s")
    assert (second.answered, second.in_time, second.seen) == (True, True, ANSWER)


def test_a_client_reaches_nothing_but_this_machine(tmp_path: Path) -> None:
    client, environment = installed("openai", tmp_path)
    process = ClientProcess(client, environment)
    process.start()
    task = SITUATIONS[0].task("http://api.example.com")
    try:
        sight = process.do(task)
    finally:
        process.stop()
    assert not sight.answered
    assert set(sight.reached) == {"api.example.com"}
