"""A log that cannot be written: nothing is served that would leave no trace, and all is well again once it can be."""

import json
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support.client import Response, ask
from e2e_support.gateway import AIMUX, write_config
from e2e_support.upstream import Upstream
from e2e_support.waiting import DEADLINE, until

PLAIN = {"X-AIMux-Route": "plain"}


class LoggingToFile:
    """A gateway whose log goes to a file, which the kernel lets grow only so far."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        routes = [{"name": "plain", "upstream": upstream.url}]
        config = write_config(folder / "aimux.yaml", {"routes": routes, "audit": {"enabled": False}})
        self.log, self.errors = folder / "log.jsonl", folder / "errors.txt"
        with self.log.open("wb") as log, self.errors.open("wb") as errors:
            self.process = subprocess.Popen([AIMUX, "run", "--config", config], stdout=log, stderr=errors)
        self.wait_line("ready")
        self.port = int(self.wait_line("listening")["url"].rsplit(":", 1)[1])

    def lines(self) -> list[dict[str, str]]:
        """The complete lines so far."""
        return [json.loads(line) for line in self.log.read_text().split("\n")[:-1]]

    def wait_line(self, event: str) -> dict[str, str]:
        """The first line of an event."""
        found = until(lambda: [line for line in self.lines() if line["event"] == event], f"the event {event!r}")
        return found[0]

    def let_grow(self, size: int) -> None:
        """Bound the size of every file that the process writes."""
        _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def ask(self, target: str = "/") -> Response:
        """Ask it something."""
        return ask(self.port, target=target, headers=PLAIN)


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream) -> Iterator[LoggingToFile]:
    """A gateway that logs to a file."""
    running = LoggingToFile(tmp_path, upstream)
    yield running
    running.process.terminate()
    assert running.process.wait(DEADLINE) == 0


def test_while_the_log_cannot_be_written_nothing_is_forwarded(gateway: LoggingToFile, upstream: Upstream) -> None:
    assert gateway.ask("/before").status == 200
    until(lambda: any(line["event"] == "request" for line in gateway.lines()), "the first request's line")
    gateway.let_grow(gateway.log.stat().st_size + 20)
    assert gateway.ask("/unaware").status == 200  # it finds out with this one's line
    until(lambda: gateway.ask("/readyz").status == 503, "it to find out")

    refused = gateway.ask("/meanwhile")
    error = json.loads(refused.body)["error"]
    assert (refused.status, error["code"], refused.header("Retry-After")) == (503, "not_ready", b"2")
    assert "log" in error["message"]
    ready = gateway.ask("/readyz")
    assert json.loads(ready.body) == {"status": "not_ready", "detail": error["message"].removesuffix(" [not_ready]")}
    assert b"aimux_ready 0.0" in gateway.ask("/metrics").body
    assert gateway.ask("/healthz").status == 200
    assert b"File too large" in gateway.errors.read_bytes()
    assert gateway.process.poll() is None
    assert [request.line for request in upstream.requests] == [b"GET /before HTTP/1.1", b"GET /unaware HTTP/1.1"]

    gateway.let_grow(resource.RLIM_INFINITY)
    until(lambda: gateway.ask("/readyz").status == 200, "it to recover")
    assert gateway.ask("/after").status == 200
    recovered = gateway.wait_line("log")
    assert (recovered["level"], recovered["lost"]) == ("warning", 0)
    until(lambda: gateway.lines()[-1].get("path") == "/after", "the last request's line")
    paths = [(line["path"], line["status"]) for line in gateway.lines() if line["event"] == "request"]
    assert paths == [("/before", 200), ("/unaware", 200), ("/meanwhile", 503), ("/after", 200)]
