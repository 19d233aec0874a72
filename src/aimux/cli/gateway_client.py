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

from aimux.edge.unix_socket import short_address

TOKEN_VARIABLE: Final = "AIMUX_OPERATOR_TOKEN"  # noqa: S105  (its name)
_PATIENCE: Final = 300.0
_UNIX: Final = "unix:"
_MOST_BYTES: Final = 64 * 1024 * 1024


class UnansweredError(Exception):
    """Nothing is known of a command: not sent, or not answered by a gateway. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A gateway's answer: its status, and the JSON object."""

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
        with short_address(Path(self._path)) as address:
            self.sock.connect(address)


def post(address: str, path: str, arguments: Mapping[str, Any], *, with_token: bool = True) -> Reply:
    """Send a command to `unix:PATH` or a URL, and wait for the answer. Raises UnansweredError.

    The token of the environment goes with it, where there is one and `with_token` says so.
    """
    headers = {"Content-Type": "application/json", **(_authorization() if with_token else {})}
    connection = _connection(address)
    try:
        _connect(connection, address)
        return _asked(connection, address, path, json.dumps(arguments), headers)
    finally:
        connection.close()


def _authorization() -> dict[str, str]:
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        return {}
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise UnansweredError(f"{TOKEN_VARIABLE} holds a blank, or what is no printable ASCII: copy the token again")
    return {"Authorization": f"Bearer {token}"}


def _connect(connection: http.client.HTTPConnection, address: str) -> None:
    try:
        connection.connect()
    except PermissionError as error:
        raise UnansweredError(
            f"this user may not use {address}: run the command as the gateway's user or as root, as with sudo"
        ) from error
    except (OSError, ValueError) as error:
        raise UnansweredError(
            f"no gateway answers at {address}: {_words(error)}; start it, or where it listens elsewhere, name it with "
            f"--at, and its operator's token in {TOKEN_VARIABLE}"
        ) from error


def _asked(
    connection: http.client.HTTPConnection, address: str, path: str, body: str, headers: Mapping[str, str]
) -> Reply:
    """The answer on a connection that stands."""
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        found = json.loads(answer.read(_MOST_BYTES))
    except (OSError, http.client.HTTPException) as error:
        raise UnansweredError(
            f"{address} took the command and did not answer: {_words(error)}; it may be carried out all the same: "
            "`aimux audit commands` and /config say so"
        ) from error
    except ValueError as error:
        raise UnansweredError(no_gateway(address)) from error
    if not isinstance(found, dict):
        raise UnansweredError(no_gateway(address))
    return Reply(answer.status, found)


def no_gateway(address: str) -> str:
    """The message for an operator where something else answers."""
    return (
        f"what answers at {address} is no AIMux gateway, or takes no commands there: without operators in its "
        "configuration, or with admin.listen, what is sent to server.port is agents' traffic"
    )


def _words(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"


def _connection(address: str) -> http.client.HTTPConnection:
    if address.startswith(_UNIX):
        return _UnixConnection(address.removeprefix(_UNIX))
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in {"http", "https"} or parts.path not in {"", "/"} or "@" in parts.netloc:
        raise UnansweredError(f"{address}: write http://HOST:PORT, https://HOST:PORT or unix:PATH")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(host, port, timeout=_PATIENCE)
