"""The sockets of operators: who may connect, what a dead gateway left, what cannot be had, and replaced workers."""

import os
import signal
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support.client import ask
from e2e_support.gateway import Gateway, run_to_end, write_config
from e2e_support.mesh import Start
from e2e_support.operators import NOBODY, OPERATOR, OPERATORS, ask_as, ask_unix, bearer, outcome
from e2e_support.waiting import until

SESSION = "/admin/session"
ROUTES = {"routes": [{"name": "plain", "upstream": "http://127.0.0.1:9"}]}
OWN = f"uid:{os.geteuid()}"


def is_answered(path: Path) -> bool:
    """Whether a gateway of this user answers at a socket, and knows who asks."""
    return outcome(ask_unix(path, SESSION)) == (200, (OWN, "operator", "peer_uid", True))


def listening(path: Path) -> socket.socket:
    """A socket of somebody else's at a path."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    found = socket.socket(socket.AF_UNIX)
    found.bind(str(path))
    found.listen()
    return found


def stop(gateway: Gateway) -> None:
    """Stop it, and wait until it has ended well."""
    gateway.signal()
    assert gateway.exited() == 0


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can look into."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_socket_is_its_users_alone_and_goes_with_the_gateway(start: Start, workers: int) -> None:
    gateway = start({"server": {"workers": workers}, **ROUTES})
    path = gateway.state / "admin.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert is_answered(path)
    stop(gateway)
    assert not path.exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_other_users_are_nobody_there_unless_they_have_a_token(start: Start, open_folder: Path, workers: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    path = open_folder / "operators.sock"
    gateway = start(
        {"server": {"workers": workers}, "admin": {"listen": f"unix:{path}"}, "operators": OPERATORS, **ROUTES}
    )
    assert gateway.wait_event("operators")["url"] == f"unix:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with pytest.raises(AssertionError):
        ask_as(NOBODY, path, SESSION)  # the file is not for it
    path.chmod(0o666)
    assert is_answered(path)
    assert outcome(ask_as(NOBODY, path, SESSION)) == (401, "operator_required")
    assert outcome(ask_as(NOBODY, path, "/config")) == (403, "management_forbidden")
    assert outcome(ask_as(NOBODY, path, SESSION, bearer(OPERATOR)))[1][0] == "night-shift"
    assert ask_as(NOBODY, path, "/healthz").status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_dead_gateway_left_is_replaced(start: Start, tmp_path: Path, workers: int) -> None:
    path = tmp_path / "aimux-0-state" / "admin.sock"
    listening(path).close()
    assert path.is_socket()
    start({"server": {"workers": workers}, **ROUTES})
    assert is_answered(path)


def test_what_somebody_listens_at_is_left_alone(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "aimux-0-state" / "admin.sock"
    with listening(path):
        inode = path.stat().st_ino
        gateway = start(ROUTES)
        line = gateway.wait_event("operators")
        assert line["level"] == "warning"
        assert "another gateway listens there" in str(line["detail"])
        assert "state.path" in str(line["detail"])
        assert ask(gateway.port, target="/config").status == 200
        stop(gateway)
        assert path.stat().st_ino == inode


def test_the_listener_may_be_the_socket_in_the_folder_of_the_state(start: Start) -> None:
    gateway = start({"admin": {"listen": "unix:aimux-0-state/../aimux-0-state/admin.sock"}, **ROUTES})
    assert is_answered(gateway.state / "admin.sock")
    assert [line["level"] for line in gateway.lines if line["event"] == "operators"] == ["info"]


def test_a_gateway_does_not_start_without_the_listener_that_it_is_to_have(tmp_path: Path, free_port: int) -> None:
    taken, missing = tmp_path / "taken.sock", tmp_path / "missing" / "operators.sock"
    for listen, words in (
        (f"unix:{taken}", "another gateway does already"),
        (f"unix:{missing}", "needs a folder that is there"),
        (f"unix:{tmp_path / ('x' * 120)}", "choose a shorter path"),
        (f"127.0.0.1:{free_port}", "choose another address with admin.listen"),
    ):
        with listening(taken), socket.create_server(("127.0.0.1", free_port)):
            config = write_config(tmp_path / "aimux.yaml", {"admin": {"listen": listen}, **ROUTES})
            code, _, stderr = run_to_end(config)
        taken.unlink()
        assert (code, f"cannot listen on {listen}" in stderr, words in stderr) == (1, True, True), stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_path_that_is_too_long_for_a_socket_is_had_all_the_same(start: Start, tmp_path: Path, workers: int) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    gateway = start({"server": {"workers": workers}, "state": {"path": str(folder)}, **ROUTES})
    assert len(str(folder)) > 200
    assert is_answered(folder / "admin.sock")
    stop(gateway)
    assert not (folder / "admin.sock").exists()


def without_socket(gateway: Gateway) -> None:
    """It serves, and has said what to do."""
    line = gateway.wait_event("operators")
    assert line["level"] == "warning"
    assert "state.path" in str(line["detail"])
    assert ask(gateway.port, target="/config").status == 200


def test_a_gateway_whose_state_cannot_be_had_serves_on_and_says_so(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    without_socket(start({"state": {"path": str(tmp_path / "file" / "state")}, **ROUTES}))


@pytest.mark.fault
def test_a_worker_that_takes_anothers_place_hears_operators_too(start: Start) -> None:
    gateway = start({"server": {"workers": 2}, "admin": {"listen": "127.0.0.1:0"}, "operators": OPERATORS, **ROUTES})
    port = int(str(gateway.wait_event("operators")["url"]).rsplit(":", 1)[1])
    first = gateway.workers()
    for pid in first:
        before = len(gateway.lines)
        os.kill(pid, signal.SIGKILL)
        gateway.wait_line(lambda line: line.get("detail") == "serves", "a worker in its place", after=before)
    until(lambda: len(gateway.workers()) == 2, "two workers")
    assert not set(first) & set(gateway.workers())
    assert is_answered(gateway.state / "admin.sock")
    assert outcome(ask(port, target=SESSION, headers=bearer(OPERATOR)))[1][0] == "night-shift"
