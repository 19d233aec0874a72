"""The slow attacks: a crowd that holds its ground, a good client that counts honestly, and a judge that complains."""

import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.client import get
from bench.crowd import KINDS
from bench.hardening import Outcome, Report, markdown, table
from bench.machine import Machine
from bench.slowhttptest import ATTACKS, Tool
from bench.steady import Window, call_steadily, lasting

ROOT = Path(__file__).parents[2]
DEADLINE = 30.0
CALM = Window((0.001,) * 100, ())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on which nobody answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        listening.settimeout(DEADLINE)
        yield listening


@pytest.mark.parametrize("kind", KINDS)
def test_a_crowd_holds_its_connections_and_replaces_those_that_it_loses(listener: socket.socket, kind: str) -> None:
    command = [sys.executable, "-m", "bench.crowd", str(listener.getsockname()[1]), kind, "20"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as crowd:
        try:
            first = [listener.accept()[0] for _ in range(20)]
            sent = KINDS[kind]
            for connection in first:
                assert not sent or connection.recv(len(sent)) == sent
                if kind == "never reading":  # of an end of the response it would not learn, of a reset it does
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
            second = [listener.accept()[0] for _ in range(20)]
            assert crowd.stdout is not None
            state = next(state for state in map(json.loads, crowd.stdout) if state["closed"] == 20)
            assert state["longest"] > 0
            if kind == "one byte a second":
                assert second[0].recv(1000) == sent
                assert second[0].recv(1000) == b"x"
            for connection in second:
                connection.close()
        finally:
            crowd.kill()


def serve(listener: socket.socket, answers: list[bytes]) -> None:
    """Answer one connection after the other; an empty answer takes a while and says nothing."""
    for answer in answers:
        with listener.accept()[0] as connection:
            connection.recv(4096)
            if not answer:
                time.sleep(0.3)  # a server that hangs, which is what is measured
            connection.sendall(answer)


def test_the_good_client_counts_failures_and_the_calls_that_fell_due_meanwhile(listener: socket.socket) -> None:
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    answers = [b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", b"", *[good] * 5]
    server = threading.Thread(target=serve, args=(listener, answers))
    server.start()
    left = iter(answers)
    window = call_steadily(listener.getsockname()[1], [get("/")], 100, lambda: next(left, None) is not None)
    server.join(DEADLINE)
    assert len(window.failures) == 2
    assert "503" in window.failures[0]
    assert len(window.times) == 5
    # It was due 0.01 s after the call that hung for 0.3 s.
    assert window.times[0] > 0.2


def test_a_while_ends() -> None:
    assert lasting(DEADLINE)()
    assert not lasting(0)()


def report(outcome: Outcome, deadline: float | None = 10.0) -> Report:
    machine = Machine("a processor", 2, siblings=False, system="Linux", python="3.11", load_before=0.0)
    return Report(machine, 1, 1000, {"an attack": [outcome]}, {"an attack": deadline}, 5.0)


def test_a_gateway_that_did_well_is_not_complained_of() -> None:
    assert report(Outcome(CALM, CALM, 14.0, available=True)).complaints() == []
    assert report(Outcome(CALM, CALM, 1000.0, available=True), None).complaints() == []


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome(CALM, CALM, 16.0, available=True), "held for 16 s, and 10 s are allowed"),
        (Outcome(CALM, CALM, 1.0, available=False), "unavailable"),
        (Outcome(CALM, Window(CALM.times, ("reset",)), 1.0, available=True), "1 good calls failed"),
        (Outcome(Window(CALM.times, ("reset",)), CALM, 1.0, available=True), "1 good calls failed"),
    ],
)
def test_what_must_not_be_is_complained_of(outcome: Outcome, said: str) -> None:
    (complaint,) = report(outcome).complaints()
    assert said in complaint


def test_the_tables_show_the_ratio_to_the_calm() -> None:
    outcome = Outcome(CALM, Window((0.003,) * 100, ()), 11.0, available=True)
    figures = "1.0 ms | 3.00 (3.00 - 3.00)"
    row = f"| an attack | YES | 100, 0 failed | 11 of 10 + 5 s | {figures} | {figures} |"
    assert row in markdown(report(outcome), "2030-01-01").splitlines()
    assert "p99 at most 2 times calm: not for an attack." in markdown(report(outcome), "2030-01-01")
    assert table(report(outcome)).row_count == 1


def test_an_attack_that_was_over_at_once_has_no_ratio() -> None:
    shown = markdown(report(Outcome(CALM, Window((), ()), 0.0, available=True)), "2030-01-01")
    assert "| 1.0 ms |  | 1.0 ms |  |" in shown
    assert "p99 at most 2 times calm: for all attacks." in shown


def test_the_tool_is_judged_by_its_own_record(tmp_path: Path) -> None:
    tool = next(attack for attack in ATTACKS if isinstance(attack, Tool))
    head = "Seconds,Closed,Pending,Connected,Service Available\n"
    (tmp_path / "tool.csv").write_text(head + "0,0,1000,0,1000\n1,0,0,1000,1000\n11,990,0,10,1000\n12,1000,0,0,1000\n")
    assert tool.judge(tmp_path, 200) == (10.0, True)
    (tmp_path / "tool.csv").write_text(head + "0,0,1000,0,1000\n1,0,0,1000,0\n")
    assert tool.judge(tmp_path, 200) == (0.0, False)
