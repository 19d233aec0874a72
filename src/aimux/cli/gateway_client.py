"""Commands sent to a running gateway: over its Unix socket, or to a URL with an operator's token."""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

TOKEN_VARIABLE: Final = "AIMUX_OPERATOR_TOKEN"  # noqa: S105  (its name)
_PATIENCE: Final = 300.0
_UNIX: Final = "unix:"
_MOST_BYTES: Final = 64 * 1024 * 1024


class UnansweredError(Exception):
    """The gateway cannot be reached, or says what cannot be read. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the gateway answered: its status, and the JSON object."""

    status: int
    body: Mapping[str, Any]


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        # A path may be longer than the 107 bytes of an address: a descriptor of its folder makes it short.
        folder = os.open(Path(self._path).parent, os.O_PATH if hasattr(os, "O_PATH") else os.O_RDONLY)
        try:
            short = f"/proc/self/fd/{folder}/{Path(self._path).name}"
            self.sock.connect(self._path if len(os.fsencode(self._path)) < 100 else short)
        finally:
            os.close(folder)


def post(address: str, path: str, arguments: Mapping[str, Any]) -> Reply:
    """Send a command to `unix:PATH` or a URL, and wait for the answer. Raises UnansweredError."""
    headers = {"Content-Type": "application/json"}
    token = os.environ.get(TOKEN_VARIABLE)
    if token and not address.startswith(_UNIX):
        headers["Authorization"] = f"Bearer {token}"
    try:
        connection = _connection(address)
        try:
            connection.request("POST", path, json.dumps(arguments), headers)
            answer = connection.getresponse()
            body = json.loads(answer.read(_MOST_BYTES))
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
        raise UnansweredError(f"no gateway answers at {address}: {why}") from error
    except ValueError as error:
        raise UnansweredError(
            f"what answers at {address} is no AIMux gateway, or does not take commands there"
        ) from error
    if not isinstance(body, dict):
        raise UnansweredError(f"what answers at {address} is no AIMux gateway")
    return Reply(answer.status, body)


def _connection(address: str) -> http.client.HTTPConnection:
    if address.startswith(_UNIX):
        return _UnixConnection(address.removeprefix(_UNIX))
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UnansweredError(f"{address}: write http://HOST:PORT, https://HOST:PORT or unix:PATH")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname, parts.port, timeout=_PATIENCE)
