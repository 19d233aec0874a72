import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aimux.demo.processes import Children, StartError, is_free

PATIENT = """
import time
print("here", flush=True)
while True:
    time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
while True:
    time.sleep(60)
"""
STARTER = """
import sys, time
from pathlib import Path
from aimux.demo.processes import Child
child = Child("child", sys.argv[1], output=Path(sys.argv[2]))
child.wait_until(lambda: "here" in child.printed(), 20)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of modules that a child finds."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "patient_program.py").write_text(PATIENT)
    (tmp_path / "stubborn_program.py").write_text(STUBBORN)
    (tmp_path / "failing_program.py").write_text('raise SystemExit("out of luck")')
    (tmp_path / "echoing_program.py").write_text("import sys; print(sys.argv[1:], __name__)")
    return tmp_path


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 20
    while is_running(pid):
        assert time.monotonic() < deadline, "the process goes on"
        time.sleep(0.02)


def test_children_end_with_their_block(programs: Path) -> None:
    with Children() as children:
        child = children.start("one", "patient_program", output=programs / "log")
        child.wait_until(lambda: "here" in child.printed(), 20)
        assert is_running(child.pid)
    assert child.exit_code == -signal.SIGTERM
    assert not is_running(child.pid)


def test_children_end_when_their_block_fails(programs: Path) -> None:
    pids: list[int] = []

    def fail() -> None:
        with Children() as children:
            pids.append(children.start("one", "patient_program", output=programs / "log").pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not is_running(pids[0])


def test_a_child_that_stays_is_ended(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aimux.demo.processes.GRACE", 0.1)
    with Children() as children:
        child = children.start("one", "stubborn_program", output=programs / "log")
        child.wait_until(lambda: "here" in child.printed(), 20)
    assert child.exit_code == -signal.SIGKILL


def test_a_child_ends_when_its_starter_is_killed(programs: Path) -> None:
    command = [sys.executable, "-c", STARTER, "patient_program", str(programs / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert is_running(pid)
        starter.kill()
    wait_for_end(pid)


def test_a_child_gets_its_arguments(programs: Path) -> None:
    with Children() as children:
        child = children.start("one", "echoing_program", "--a", "b c", output=programs / "log")
        assert child.wait(20) == 0
    assert child.printed() == "['--a', 'b c'] __main__\n"


def test_a_child_that_ends_too_early_is_quoted(programs: Path) -> None:
    with Children() as children:
        child = children.start("the one", "failing_program", output=programs / "log")
        with pytest.raises(StartError, match=r"the one ended with exit code 1:\n  out of luck"):
            child.wait_until(lambda: False, 20)


def test_a_child_that_is_never_ready_is_given_up(programs: Path) -> None:
    with Children() as children:
        child = children.start("the one", "patient_program", output=programs / "log")
        with pytest.raises(StartError, match="the one was not ready after 0 s"):
            child.wait_until(lambda: False, 0.05)


def test_ctrl_c_reaches_a_child_only_through_its_starter(programs: Path) -> None:
    with Children() as children:
        child = children.start("one", "patient_program", output=programs / "log")
        assert os.getsid(child.pid) != os.getsid(0)


def test_knows_whether_a_port_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        assert not is_free("0.0.0.0", port)
    assert is_free("127.0.0.1", port)
