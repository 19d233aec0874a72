"""The gateways that clients are run against: how they are configured, started and stopped, and what they recorded."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import yaml

from clients import ROOT, ClientsError
from clients.situations import DEAD, EITHER, MOST_TOKENS, OVERLOADED, WITH_FALLBACK
from clients.upstream.server import CUT, FAILING, HTML, REDIRECTING, SLOW

_MODEL: Final = ROOT / "models" / "all-MiniLM-L6-v2.onnx"
_READY_SECONDS: Final = 60.0
_GRACE: Final = 10.0
_INTENTS: Final = {
    "finance": ["analyze the budget", "forecast revenue", "quarterly earnings"],
    "admin": ["reset the database", "delete users", "wipe all tables"],
    "left": [EITHER],
    "right": [EITHER.capitalize()],
}
_ACCESS: Final = {"finance": {"allowed": ["finance-bot"]}, "admin": {"allowed": ["admin-bot"]}}

Config = dict[str, object]


class RunningGateway:
    """A gateway as a process: `url` is its address, once it is ready."""

    def __init__(self, config: Config, place: Path) -> None:
        self._audit = place / "audit"
        file = place / "aimux.yaml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        self._output = place / "output.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIMUX_")}
        with self._output.open("wb") as stream:
            self._process = subprocess.Popen(  # noqa: S603  (ours)
                [sys.executable, "-m", "aimux", "run", "--config", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self.url = ""
        self._marks = 0

    def wait_ready(self) -> None:
        """Wait until it serves, and learn its address. Raises ClientsError."""
        end = time.monotonic() + _READY_SECONDS
        while True:
            lines = [json.loads(line) for line in self._output.read_text().splitlines() if line.startswith("{")]
            found = {line["event"]: line for line in lines}
            if "ready" in found:
                self.url = found["listening"]["url"]
                return
            if self._process.poll() is not None or time.monotonic() > end:
                raise ClientsError(f"the gateway did not come up:\n{self._output.read_text()}")
            time.sleep(0.05)

    def requests(self) -> int:
        """The requests that it has had so far, by its audit log. Raises ClientsError.

        A request of our own is the mark: once it stands in the log, all before it do.
        """
        with closing(HTTPConnection(self.url.removeprefix("http://"), timeout=_GRACE)) as connection:
            connection.request("GET", "/v1/models")
            mark = connection.getresponse().headers["X-Request-ID"]
        self._marks += 1
        end = time.monotonic() + _GRACE
        while mark not in (made := self._decisions()):
            if time.monotonic() > end:
                raise ClientsError(f"the gateway has not recorded request {mark}:\n{self._output.read_text()}")
            time.sleep(0.02)
        return len(made) - self._marks

    def _decisions(self) -> list[str]:
        """The ids of the requests of which a decision is recorded."""
        found = []
        for file in sorted(self._audit.glob("chain-*/[0-9]*.jsonl")):
            # The last line may be on its way.
            lines = [json.loads(line) for line in file.read_text().rpartition("\n")[0].splitlines()]
            found += [line["request_id"] for line in lines if line["kind"] == "decision"]
        return found

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def gateways(names: Iterable[str], upstream: int, place: Path) -> Iterator[dict[str, RunningGateway]]:
    """Gateways by their names, in front of the upstream on this port, with their files in this folder."""
    started: dict[str, RunningGateway] = {}
    with socket.socket() as held:
        # Bound and not listening: nobody is there, and nobody else can be.
        held.bind(("127.0.0.1", 0))
        try:
            for number, name in enumerate(names):
                folder = place / str(number)
                folder.mkdir(parents=True)
                started[name] = RunningGateway(configuration(name, upstream, held.getsockname()[1]), folder)
            for each in started.values():
                each.wait_ready()
            yield started
        finally:
            for each in started.values():
                each.stop()


def configuration(name: str, upstream: int, dead: int) -> Config:
    """The configuration of the gateway of this name, with the ports of the upstream and of one where nobody listens."""
    url = f"http://127.0.0.1:{upstream}"
    routes: list[Config] = [
        {"name": route, "upstream": url, "intents": intents, **_ACCESS.get(route, {})}
        for route, intents in _INTENTS.items()
    ]
    routes += [{"name": route, "upstream": url} for route in (REDIRECTING, SLOW, CUT, HTML, *FAILING)]
    routes += [{"name": DEAD, "upstream": f"http://127.0.0.1:{dead}"}]
    engine: Config = {"model_path": str(_MODEL), "max_tokens": MOST_TOKENS}
    return {
        "server": {"host": "127.0.0.1", "port": 0, "workers": 1, "drain_timeout": 1},
        "logging": {"format": "json"},
        "audit": {"path": "audit"},
        "semantic_engine": engine | ({"max_wait": 1e-9} if name == OVERLOADED else {}),
        "upstreams": {"response_timeout": 1},
        "agents": ["finance-bot", "admin-bot"],
        "routes": routes,
    } | ({"fallback": {"upstream": url}} if name == WITH_FALLBACK else {})
