"""The scripted upstream as a server on loopback, and what it saw come in, through the gateway and round it."""

import json
import select
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

from clients.upstream.answers import ScriptedReply, reply
from clients.upstream.said import Json

REDIRECTING: Final = "redirecting"
SLOW: Final = "slow"
CUT: Final = "cut"
HTML: Final = "html"
FAILING: Final = {"failing-429": 429, "failing-500": 500, "failing-502": 502, "failing-503": 503}
"""The names of the routes on which it misbehaves; with what status where it is a failure of its own."""
_PATIENCE: Final = 30.0
_PAGE: Final = b"<!doctype html><title>Welcome</title><p>Log in to go on.</p>"


class ScriptedUpstream:
    """The server. `bodies` are the JSON bodies that came in; `past_the_gateway` counts requests not sent by it."""

    def __init__(self) -> None:
        self.bodies: list[Json] = []
        self.past_the_gateway = 0
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.upstream = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return self._server.server_port

    def __enter__(self) -> "ScriptedUpstream":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    upstream: ScriptedUpstream

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: that clients and the gateway go away is part of what is played."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the library's name)
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        self._answer(asked if isinstance(asked, dict) else {})

    def _answer(self, asked: Json) -> None:
        upstream, route = self.server.upstream, self.headers.get("X-AIMux-Route", "")
        with upstream.lock:
            upstream.bodies.append(asked)
            # The gateway says for whom it asks; a client has no reason to.
            upstream.past_the_gateway += "X-Forwarded-For" not in self.headers
        path = urlsplit(self.path).path
        if route == REDIRECTING and not path.endswith("/"):
            self._redirect(f"http://{self.headers['Host']}{path}/")
        elif route in FAILING:
            error = {"message": "the upstream's own failure", "type": "server_error", "param": None, "code": None}
            self._send(FAILING[route], json.dumps({"error": error}).encode())
        elif route == HTML:
            self._send(200, _PAGE, "text/html; charset=utf-8")
        elif route == SLOW:
            select.select([self.connection], [], [], _PATIENCE)
            self.close_connection = True
        elif (made := reply(self.path, asked)) is None:
            self._send(404, b'{"error": {"message": "the upstream has no such path", "type": "not_found"}}')
        else:
            self._tell(made, cut=route == CUT)

    def _redirect(self, location: str) -> None:
        self.send_response(307)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _tell(self, made: ScriptedReply, *, cut: bool) -> None:
        """Send an answer, or the first half of it and then the end of the connection."""
        if made.events is None:
            body = json.dumps(made.document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
        else:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for kind, data in made.events[: len(made.events) // 2] if cut else made.events:
                name = f"event: {kind}\n" if kind else ""
                said = data if isinstance(data, str) else json.dumps(data)
                event = f"{name}data: {said}\n\n".encode()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            self.wfile.write(b"" if cut else b"0\r\n\r\n")
        self.close_connection = cut
