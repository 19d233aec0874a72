"""Serves one agent over HTTP/1.1: reads a question, has it answered, and says in the answer who asked for it."""

import argparse
import errno
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import NoReturn
from urllib.parse import urlsplit

from aimux.demo.agents.asking import Document, Question, Unreadable, read_question
from aimux.demo.agents.chat import Completion
from aimux.demo.agents.content import read_content

ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Agent:
    """A name, and a function from a question to its answer in plain words."""

    name: str
    answer: Callable[[Question], str]


class AgentServer(ThreadingHTTPServer):
    """One thread a connection. `pace` is the pause in seconds between the chunks of a streamed answer."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, agent: Agent, address: tuple[str, int], *, pace: float = 0.05, quiet: bool = False) -> None:
        super().__init__(address, AgentHandler)
        self.agent = agent
        self.pace = pace
        self.quiet = quiet

    def server_bind(self) -> None:
        """Bind, without the reverse lookup of HTTPServer: in a container it can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """Say nothing about a client that went away; anything else is a fault of the agent and worth a line."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            print(f"{self.agent.name} agent: {error!r}", file=sys.stderr, flush=True)


class AgentHandler(BaseHTTPRequestHandler):
    """One connection, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 120
    error_content_type = "text/plain"
    error_message_format = "%(code)d %(message)s\n"
    server: AgentServer

    def do_GET(self) -> None:
        """Answer a request of any method: an agent listens to the text, not to the verb."""
        try:
            body = read_content(self.headers, self.rfile)
            question = read_question(self.path, self.headers, body)
        except Unreadable as reason:
            self.close_connection = True
            self._send_json(400, {"error": {"code": "bad_request", "message": str(reason)}})
            return
        self._log(question)
        agent = self.server.agent
        answer = agent.answer(question)
        if urlsplit(self.path).path.endswith("/chat/completions"):
            self._complete(Completion.of(agent.name, question, answer))
        else:
            self._send_json(200, {"answer": answer} | question.seen_by(agent.name))

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  (the base class calls them)

    def _complete(self, completion: Completion) -> None:
        if not completion.stream or self.command == "HEAD":
            self._send_json(200, completion.whole())
            return
        self._begin_stream()
        for chunk in completion.chunks():
            self._send_event(json.dumps(chunk))
            time.sleep(self.server.pace)
        self._send_event("[DONE]")
        self._end_stream()

    def _send_json(self, status: int, document: Document) -> None:
        body = json.dumps(document, ensure_ascii=False).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache")
        if self.request_version == "HTTP/1.0":
            self.close_connection = True
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _send_event(self, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        if self.request_version == "HTTP/1.0":
            self.wfile.write(event)
        else:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))

    def _end_stream(self) -> None:
        if self.request_version != "HTTP/1.0":
            self.wfile.write(b"0\r\n\r\n")

    def _log(self, question: Question) -> None:
        if not self.server.quiet:
            # !a: whoever calls the agent past the gateway must not be able to write to its terminal.
            _say(f"{ANSWERED} {question.asked_by!a}, request {question.request_id!a}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (named by the base class)
        """Nothing: `_log` says it."""


def run(agent: Agent, arguments: Sequence[str] | None = None) -> NoReturn:
    """The command line of an agent. Serves until it is interrupted or terminated."""
    parser = argparse.ArgumentParser(prog=f"aimux.demo.agents.{agent.name}", description=f"The {agent.name} agent.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument(
        "--pace", type=float, default=0.05, help="seconds between streamed chunks (default: %(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="print no line for each request")
    options = parser.parse_args(arguments)
    server = _listen(agent, options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    with server:
        _say(f"{agent.name} agent on http://{options.host}:{server.server_port}")
        server.serve_forever()
    sys.exit(0)


def _listen(agent: Agent, options: argparse.Namespace) -> AgentServer:
    place = f"{options.host}:{options.port}"
    try:
        return AgentServer(agent, (options.host, options.port), pace=options.pace, quiet=options.quiet)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            sys.exit(f"{agent.name} agent: {place} is taken: end the program that uses it, or choose another --port")
        sys.exit(f"{agent.name} agent: cannot listen on {place}: {error}")


def _say(line: str) -> None:
    # One write: print would send the line's end by itself, and another thread's line might come between.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
