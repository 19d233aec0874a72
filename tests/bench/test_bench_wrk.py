"""What wrk is told to send, and reading what it says."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench import BenchError
from bench.wrk import Outcome, parse, run

_SUMMARY = """Running 4s test @ http://127.0.0.1:40001/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.91ms    1.02ms  24.30ms   93.11%
    Req/Sec    11.08k     0.91k   12.01k    80.00%
  44000 requests in 4.00s, 7.39MB read
{trouble}Requests/sec:  11000.00
Transfer/sec:      1.85MB
"""


class _Recorder(ThreadingHTTPServer):
    """Answers every POST with 200 and keeps what it was."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.seen: list[tuple[str, dict[str, str], bytes]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """wrk leaves without a goodbye."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers.items()), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.needs("wrk")
def test_requests_carry_the_path_the_headers_and_the_bodies_by_turns(tmp_path: Path) -> None:
    bodies = tmp_path / "bodies"
    bodies.write_text('{"n": 1}\n{"n": 2}\n')
    headers = {"X-Source-Agent": "some-bot", "Authorization": "Bearer x", "x-custom-host": "http://127.0.0.1:1/v1"}
    with _Recorder() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            outcome = run(server.server_port, bodies, headers, 1, min(os.sched_getaffinity(0)), path="/v1/chat")
        finally:
            server.shutdown()
    assert 0 < outcome.requests <= len(server.seen)
    assert {path for path, _, _ in server.seen} == {"/v1/chat"}
    assert all(sent.items() >= headers.items() for _, sent, _ in server.seen)
    assert {body for _, _, body in server.seen} == {b'{"n": 1}', b'{"n": 2}'}


def test_requests_and_their_rate_are_read() -> None:
    load = parse(_SUMMARY.format(trouble=""))
    assert load == Outcome(44000, 11000.0)
    assert load.seconds == 4.0


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("  Non-2xx or 3xx responses: 12\n", "12 of 44000 requests were refused"),
        ("  Socket errors: connect 0, read 3, write 0, timeout 1\n", "read 3"),
    ],
)
def test_a_run_with_failures_is_no_measurement(trouble: str, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        parse(_SUMMARY.format(trouble=trouble))


def test_a_run_without_a_single_answer_is_no_measurement() -> None:
    with pytest.raises(BenchError, match="no request was answered"):
        parse("  0 requests in 1.00s, 0.00B read\nRequests/sec:      0.00\n")


@pytest.mark.parametrize("output", ["", "unable to connect to 127.0.0.1:1 Connection refused\n"])
def test_output_without_a_summary_is_an_error_that_shows_it(output: str) -> None:
    with pytest.raises(BenchError, match=output.strip() or "nothing at all"):
        parse(output)
