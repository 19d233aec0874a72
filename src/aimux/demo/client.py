"""Sends one call of a story and keeps what came of it, and when."""

import http.client
import json
import time
from dataclasses import dataclass
from email.message import Message

from aimux.demo.steps import Call

TIMEOUT = 15.0
_PIECE = 65536

Document = dict[str, object]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. `failure` says why nothing whole did, `spread` the seconds from the first piece to the last."""

    status: int
    headers: "Message[str, str]"
    body: bytes
    seconds: float
    spread: float = 0.0
    failure: str = ""

    def header(self, name: str) -> str | None:
        """A header's value."""
        return self.headers.get(name)

    def document(self) -> Document:
        """The body as a JSON object; empty where it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    def events(self) -> list[str]:
        """The data of each server-sent event in the body."""
        found = self.body.decode(errors="replace").split("\n\n")
        return [event.removeprefix("data: ") for event in found if event.startswith("data: ")]


def send(port: int, call: Call) -> Reply:
    """Send a call to the gateway on this port. What goes wrong is part of the reply."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request(call.method, call.target, body=call.body, headers=call.headers)
        return _read(connection.getresponse(), started)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        return Reply(0, Message(), b"", time.monotonic() - started, failure=reason)
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, started: float) -> Reply:
    pieces: list[bytes] = []
    arrivals: list[float] = []
    failure = ""
    try:
        while piece := response.read1(_PIECE):
            pieces.append(piece)
            arrivals.append(time.monotonic())
        if response.length:
            failure = f"the answer ended {response.length} bytes early"
    except (OSError, http.client.HTTPException) as error:
        failure = f"the answer ended early: {error or type(error).__name__}"
    return Reply(
        status=response.status,
        headers=response.headers,
        body=b"".join(pieces),
        seconds=time.monotonic() - started,
        spread=arrivals[-1] - arrivals[0] if arrivals else 0.0,
        failure=failure,
    )
