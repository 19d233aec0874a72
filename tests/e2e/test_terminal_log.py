"""On a terminal the log is for people: one line a request, and no caller can write to the terminal."""

import os
import pty
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support.client import Client, answers, ask, compose
from e2e_support.gateway import AIMUX, write_config
from e2e_support.mesh import Mesh
from e2e_support.waiting import DEADLINE, until

PLAIN = {"X-AIMux-Route": "plain"}


class Terminal:
    """A pseudo-terminal and all that was written to it."""

    def __init__(self) -> None:
        self._master, self.slave = pty.openpty()
        self.output = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            if not data:
                return
            self.output += data

    def lines(self, mark: str) -> list[str]:
        """The lines so far that hold this text."""
        return [line for line in self.output.decode().split("\r\n") if mark in line]

    def close(self) -> None:
        """End the terminal once its process has gone."""
        os.close(self.slave)
        self._reader.join(DEADLINE)
        os.close(self._master)


@pytest.fixture(params=["plain", "coloured"])
def terminal(
    request: pytest.FixtureRequest, mesh: Mesh, free_port: int, tmp_path: Path
) -> Iterator[tuple[int, Terminal]]:
    """The port of a gateway that runs in a terminal, and the terminal."""
    config = {"server": {"port": free_port}, "routes": [{"name": "plain", "upstream": mesh.plain.url}]}
    path = write_config(tmp_path / "aimux.yaml", config)
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    if request.param == "plain":
        environment["NO_COLOR"] = "1"
    terminal = Terminal()
    process = subprocess.Popen(
        [AIMUX, "--config", path], stdin=terminal.slave, stdout=terminal.slave, stderr=terminal.slave, env=environment
    )
    try:
        until(lambda: answers(free_port), "an answer")
        yield free_port, terminal
        process.terminate()
        assert process.wait(DEADLINE) == 0
    finally:
        process.kill()
        process.wait()
        terminal.close()
    assert (b"\x1b" in terminal.output) == (request.param == "coloured")


def test_a_line_is_readable(terminal: tuple[int, Terminal]) -> None:
    port, screen = terminal
    response = ask(port, "GET", "/readable", PLAIN)
    request_id = (response.header("X-Request-ID") or b"").decode()
    [line] = until(lambda: screen.lines(request_id), "the line")
    for part in ("request", "plain", "forward", "200", "GET", "/readable"):
        assert part in line
    assert not line.startswith("{")


def test_no_caller_writes_to_the_terminal(terminal: tuple[int, Terminal]) -> None:
    port, screen = terminal
    ids = []
    targets = ("/%1b%5b2J%0a", "/\x9b31m\xe2\x80\xa8\xe2\x80\xae", "/owned=1 verdict=fake")
    for target in targets:
        with Client(port) as client:
            client.send(compose("GET", target, {**PLAIN, "X-Source-Agent": "\x9b31m\xe2\x80\xa8"}))
            ids.append((client.read_response().header("X-Request-ID") or b"").decode())
    for request_id in ids:
        [line] = until(lambda wanted=request_id: screen.lines(wanted), "the line")  # type: ignore[misc]
        shown = line
        for colour in ("0", "1", "2", "31", "32", "33", "34", "35", "36"):
            shown = shown.replace(f"\x1b[{colour}m", "")
        assert shown.isascii()
        assert shown.isprintable()
