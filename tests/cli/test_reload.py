"""`aimux reload` believes only what a gateway's commands say, and says what to do where nothing is known."""

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from aimux.cli.gateway_client import TOKEN_VARIABLE, UnansweredError, post
from aimux.cli.reload import reload

DONE = {"command": "reload", "before": "0" * 64, "after": "1" * 64, "changes": []}
REFUSED = {"error": {"code": "operator_required", "message": "who asks?", "request_id": "f" * 32}}


class Answering:
    """Answers one request, and remembers it."""

    def __init__(self, listening: socket.socket, status: int, body: bytes) -> None:
        self.asked = b""
        self._listening = listening
        self._answer = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connected, _ = self._listening.accept()
        with connected:
            while b"\r\n\r\n{}" not in self.asked:
                self.asked += connected.recv(65536)
            if b" 0 X" not in self._answer:
                connected.sendall(self._answer)


Served = Callable[..., tuple[str, Answering]]


@pytest.fixture(params=["http", "unix"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Served:
    """Makes the address of a server, and the server; status 0 answers nothing."""

    def make(status: int, document: object) -> tuple[str, Answering]:
        if request.param == "unix":
            listening = socket.socket(socket.AF_UNIX)
            listening.bind(str(tmp_path / "s"))
            address = f"unix:{tmp_path / 's'}"
        else:
            listening = socket.create_server(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.listen()
        request.addfinalizer(listening.close)
        return address, Answering(listening, status, json.dumps(document).encode())

    return make


def test_what_a_gateway_says_is_told(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    address, _ = served(200, DONE | {"changes": [{"path": "a.b", "before": 1, "after": None}], "later": 1})
    assert reload(Path("unread"), address, as_json=False) == 0
    assert "a.b: 1 -> (absent)" in capsys.readouterr().out


def test_a_refusal_is_told(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    address, _ = served(401, REFUSED)
    assert reload(Path("unread"), address, as_json=False) == 1
    assert "refused: who asks?" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {}),
        (200, {"id": "chatcmpl-1", "choices": []}),
        (200, DONE | {"command": "other"}),
        (200, DONE | {"changes": None}),
        (200, DONE | {"changes": [1]}),
        (200, []),
        (400, {"error": "no"}),
        (404, {"error": {"message": "the model does not exist"}}),
        (500, {}),
    ],
)
def test_what_an_upstream_answers_an_agent_is_no_reload(
    served: Served, capsys: pytest.CaptureFixture[str], status: int, document: object, as_json: bool
) -> None:
    address, _ = served(status, document)
    assert reload(Path("unread"), address, as_json=as_json) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "is no AIMux gateway, or takes no commands there" in told.err


def test_a_command_that_is_sent_and_not_answered_may_have_been_carried_out(served: Served) -> None:
    address, _ = served(0, None)
    with pytest.raises(UnansweredError, match="may be carried out all the same"):
        post(address, "/admin/reload", {})


@pytest.mark.parametrize("with_token", [False, True])
def test_the_token_goes_to_a_named_address(served: Served, monkeypatch: pytest.MonkeyPatch, with_token: bool) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    address, server = served(200, DONE)
    post(address, "/admin/reload", {}, with_token=with_token)
    server.thread.join(10)
    assert (b"Authorization: Bearer secret" in server.asked) == with_token


@pytest.mark.parametrize("token", ["two words", "line\n", "schlüssel"])
def test_a_token_that_cannot_be_one_is_told_as_such(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, token)
    with pytest.raises(UnansweredError, match=f"{TOKEN_VARIABLE} holds") as told:
        post("http://127.0.0.1:9", "/admin/reload", {})
    assert token not in str(told.value)


@pytest.mark.parametrize(
    "address",
    ["", "ftp://a", "http://", "http://a:99999", "http://a:x", "http://[::1", "http://u:p@a", "http://a/files"],
)
def test_an_address_that_is_none_is_told_as_such(address: str) -> None:
    with pytest.raises(UnansweredError, match="write http://HOST:PORT"):
        post(address, "/admin/reload", {})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_who_may_not_use_the_socket_is_told_who_may(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        (tmp_path / "s").chmod(0o600)
        listening.listen()
        os.seteuid(65534)
        try:
            with pytest.raises(UnansweredError, match="as the gateway's user or as root"):
                post(f"unix:{tmp_path / 's'}", "/admin/reload", {})
        finally:
            os.seteuid(0)
