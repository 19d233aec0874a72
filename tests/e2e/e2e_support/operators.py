"""Operators of the tests: their tokens, and the channels by which they ask."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aimux.config.consistent_operators import digest_of_token
from aimux.core.operator_tokens import with_checksum
from aimux.edge.unix_socket import short_address
from e2e_support.client import Client, Response, compose, parse_head
from e2e_support.waiting import DEADLINE

VIEWER, OPERATOR = with_checksum("v" * 43), with_checksum("o" * 43)
ADMIN = "correct-horse-battery-staple"
OPERATORS = [
    {"name": "ann", "token": {"digest": digest_of_token(VIEWER)}},
    {"name": "night-shift", "token": {"digest": digest_of_token(OPERATOR)}, "role": "operator"},
]
NOBODY = 65534
"""A user that is neither root nor any gateway's."""


def bearer(token: str) -> dict[str, str]:
    """The header that brings a token."""
    return {"Authorization": f"Bearer {token}"}


class UnixClient(Client):
    """A raw connection to a Unix socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        try:
            with short_address(path) as address:
                self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self._buffer = b""


def ask_unix(
    path: Path, target: str, headers: dict[str, str] | None = None, method: str = "GET", body: bytes | None = None
) -> Response:
    """Send one request over a Unix socket and read the response."""
    with UnixClient(path) as client:
        client.send(compose(method, target, headers, body))
        return client.read_response(method)


def ask_as(uid: int, path: Path, target: str, headers: dict[str, str] | None = None) -> Response:
    """The same from a process of another user, as only root can have one."""
    request = compose("GET", target, headers)

    def work() -> bytes:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        with UnixClient(path) as client:
            client.send(request)
            found = client.read_response()
            return found.head + found.body

    head, mark, rest = in_child(work).partition(b"\r\n\r\n")
    found = parse_head(head + mark)
    return Response(found.head, found.status, found.reason, found.headers, rest)


def in_child(work: Callable[[], bytes]) -> bytes:
    """What a forked process makes; AssertionError where it fails."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            data = work()
            while data:
                data = data[os.write(writing, data) :]
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return data


def outcome(response: Response) -> tuple[int, Any]:
    """The status, and of an operator's session who it is, of a refusal its code."""
    document = json.loads(response.body)
    if response.status == 200:
        return 200, (document["name"], document["role"], document["proof"], document["commands"])
    return response.status, document["error"]["code"]
