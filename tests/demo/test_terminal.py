"""The playground ends with its terminal, whoever gets the signal for that, and leaves nothing behind."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from demo_support.programs import SECONDS, environment, free_ports, marked, until
from e2e_support.load import under_load

from aimux.demo.client import send
from aimux.demo.fleet import AGENT_OF_ROUTE
from aimux.demo.processes import is_free
from aimux.demo.stage import mesh
from aimux.demo.steps import Call

PORTS = dict(zip([*AGENT_OF_ROUTE.values(), "gateway"], free_ports(len(AGENT_OF_ROUTE) + 1), strict=True))
GATEWAY = PORTS["gateway"]
AGENTS_RUN = b"assistant  http://"
READY = b"The gateway is ready"
LEADER = {"make": True, "shell": True, "playground": True, "elsewhere": False}
"""Who leads the session of the terminal; "elsewhere": nobody that was started here, so that nobody gets a signal."""

QUERY = b'{"query": "what is 2 + 3"}'


class Terminal:
    """A program on a pseudo-terminal; what it prints is read all the time, as a terminal emulator does."""

    def __init__(self, command: list[str], env: dict[str, str], folder: Path, *, controlling: bool) -> None:
        self._master, slave = pty.openpty()
        self.printed = b""
        leading = ["setsid", "--ctty", *command] if controlling else command
        self.process = subprocess.Popen(
            leading, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=folder, start_new_session=not controlling
        )
        os.close(slave)
        self._closing, self._close = os.pipe()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def type(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def close(self) -> None:
        """Close the window: the other end of the terminal is gone."""
        os.write(self._close, b"x")
        self._reader.join()
        for each in (self._master, self._closing, self._close):
            os.close(each)

    def _read(self) -> None:
        while self._closing not in (ready := select.select([self._master, self._closing], [], [])[0]):
            try:
                self.printed += os.read(ready[0], 65536)
            except OSError:  # the last process on the terminal has ended
                return


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """The playground's command, on ports that were free a moment ago."""
    config = tmp_path / "aimux.yaml"
    config.write_text(mesh(PORTS).replace("port: 0", f"port: {GATEWAY}"))
    return [sys.executable, "-m", "aimux.demo.playground", "--config", str(config)]


@pytest.fixture
def mark() -> Iterator[str]:
    """Marks the processes of a test; those that it should have ended and did not are killed, and it fails."""
    mark = uuid.uuid4().hex
    yield mark
    left = marked(mark)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.fixture
def run_on_terminal(command: list[str], mark: str, tmp_path: Path) -> Callable[[str], Terminal]:
    """Starts a playground on a terminal, by the leader of that name, as `make run` does."""
    recipe = tmp_path / "Makefile"
    recipe.write_text(f"SHELL := /bin/bash\nrun:\n\t@{' '.join(command)}\n")

    def run(leader: str) -> Terminal:
        started = {"make": ["make", "run"], "shell": ["bash", "--norc", "-i"]}.get(leader, command)
        terminal = Terminal(started, environment(mark, tmp_path), tmp_path, controlling=LEADER[leader])
        if leader == "shell":
            terminal.type("make run")
        return terminal

    return run


def wait_for(terminal: Terminal, said: bytes) -> None:
    until(lambda: said in terminal.printed or terminal.process.poll() is not None, said.decode())
    assert said in terminal.printed, terminal.printed.decode()


def nothing_is_left(terminal: Terminal, mark: str) -> None:
    terminal.process.wait(SECONDS)
    until(lambda: not marked(mark), f"the end of {marked(mark)}")
    assert all(is_free("127.0.0.1", port) for port in PORTS.values())


@pytest.mark.fault
@pytest.mark.needs("make")
@pytest.mark.parametrize("leader", LEADER)
def test_closing_the_terminal_ends_gateway_and_agents(
    run_on_terminal: Callable[[str], Terminal], mark: str, leader: str
) -> None:
    terminal = run_on_terminal(leader)
    wait_for(terminal, READY)
    with under_load(GATEWAY):
        terminal.close()
        nothing_is_left(terminal, mark)


@pytest.mark.needs("make")
@pytest.mark.parametrize("leader", LEADER)
def test_closing_the_terminal_amid_the_start_ends_what_runs_already(
    run_on_terminal: Callable[[str], Terminal], mark: str, leader: str
) -> None:
    terminal = run_on_terminal(leader)
    wait_for(terminal, AGENTS_RUN)
    terminal.close()
    nothing_is_left(terminal, mark)


@pytest.fixture
def run_on_pipe(command: list[str], mark: str, tmp_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts a playground behind a parent whose output is a pipe; ready when this returns."""

    def run(**options: object) -> subprocess.Popen[bytes]:
        shell = f"{' '.join(command)}; true"
        process = subprocess.Popen(
            ["bash", "-c", shell], stdout=subprocess.PIPE, env=environment(mark, tmp_path), **options
        )  # type: ignore[call-overload]
        assert process.stdout is not None
        line = next((line for line in process.stdout if READY in line), None)
        assert line is not None
        return process

    return run


@pytest.mark.fault
def test_it_ends_with_the_reader_of_its_output(run_on_pipe: Callable[..., subprocess.Popen[bytes]], mark: str) -> None:
    """A connection of ssh without a terminal ends so: no signal is sent."""
    process = run_on_pipe()
    assert process.stdout is not None
    with under_load(GATEWAY):
        process.stdout.close()
        assert process.wait(SECONDS) == 0
    until(lambda: not marked(mark), "the end of all")


@pytest.mark.fault
def test_it_ends_with_its_parent(run_on_pipe: Callable[..., subprocess.Popen[bytes]], mark: str) -> None:
    process = run_on_pipe()
    assert process.stdout is not None
    with process.stdout, under_load(GATEWAY):
        process.kill()
        process.wait()
        for _ in process.stdout:  # nobody waits for a reader; its end is that of all who could write
            pass
    until(lambda: not marked(mark), "the end of all")


def test_nohup_keeps_it(command: list[str], mark: str, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(["nohup", *command], stdout=out, stderr=out, env=environment(mark, tmp_path))
    until(lambda: READY in (tmp_path / "out").read_bytes(), "the banner")
    ignored = re.search(r"^SigIgn:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
    assert ignored is not None
    assert int(ignored[1], 16) & 1 << (signal.SIGHUP - 1)
    process.terminate()
    assert process.wait(SECONDS) == 0


def test_further_hang_ups_cut_nothing_off(command: list[str], mark: str, tmp_path: Path) -> None:
    """The gateway ends at once where it is told to stop a second time; the kernel and make may each send a signal."""
    output = tmp_path / "out"
    with output.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment(mark, tmp_path))
    until(lambda: READY in output.read_bytes(), "the banner")
    with socket.create_connection(("127.0.0.1", GATEWAY), SECONDS) as client:
        client.sendall(
            f"POST / HTTP/1.1\r\nHost: a\r\nX-AIMux-Route: math\r\nContent-Length: {len(QUERY)}\r\n\r\n".encode()
        )
        client.sendall(QUERY[:9])
        until(lambda: b"aimux_requests_in_flight 1.0" in send(GATEWAY, Call("/metrics")).body, "the request")
        process.send_signal(signal.SIGHUP)
        until(lambda: b'"draining"' in output.read_bytes(), "the drain")
        process.send_signal(signal.SIGHUP)
        client.sendall(QUERY[9:])
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert b'"answer": "5"' in answer
    assert process.wait(SECONDS) == 0
