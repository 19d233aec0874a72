"""The installed command as a process: starts it, reads its log as it comes, stops it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import yaml

from e2e_support.client import ask
from e2e_support.waiting import DEADLINE, until

ROOT = Path(__file__).resolve().parents[3]
MODEL = ROOT / "models" / "all-MiniLM-L6-v2.onnx"
AIMUX = Path(sys.executable).parent / "aimux"

Config = dict[str, Any]
Line = dict[str, Any]


def write_config(path: Path, config: Config) -> Path:
    """Write a configuration, with the real model, any free port, its own log and state where it says nothing else.

    A `state` of None is left out: older builds know no such section.
    """
    server = {"port": 0, **config.get("server", {})}
    engine = {"model_path": str(MODEL), **config.get("semantic_engine", {})}
    audit = {"path": f"{path.stem}-audit", **config.get("audit", {})}
    state = config.get("state", {})
    whole = {**config, "server": server, "semantic_engine": engine, "audit": audit}
    if state is None:
        del whole["state"]
    else:
        whole["state"] = {"path": f"{path.stem}-state", **state}
    path.write_text(yaml.safe_dump(whole, sort_keys=False))
    return path


class Gateway:
    """A running gateway."""

    def __init__(
        self,
        config: Path,
        *,
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        within: Sequence[str] = (),
    ) -> None:
        """`within` is a command that becomes the gateway, as `env` does."""
        self.config = config
        self.stderr = ""
        self.raw_lines: list[str] = []
        self.lines: list[Line] = []
        self.port = 0
        self.expected_exit: int | None = 0
        self.tolerates_faults = False
        self._sockets_at_rest = 0
        self.process = subprocess.Popen(
            [*within, AIMUX, "run", "--config", config, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._read_log, args=(self.process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self.process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_log(self, stream: IO[str]) -> None:
        for line in stream:
            self.raw_lines.append(line)
            self.lines.append(json.loads(line))

    def _read_errors(self, stream: IO[str]) -> None:
        for line in stream:
            self.stderr += line

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    @property
    def audit(self) -> Path:
        """The folder of its audit log."""
        return self.config.with_name(f"{self.config.stem}-audit")

    @property
    def state(self) -> Path:
        """The folder of its state."""
        return self.config.with_name(f"{self.config.stem}-state")

    def wait_line(self, wanted: Callable[[Line], bool], what: str = "a log line", *, after: int = 0) -> Line:
        """The first log line that is wanted, of those behind the first `after`."""

        def look() -> Line | None:
            found = next((line for line in self.lines[after:] if wanted(line)), None)
            assert found or self.alive, f"the gateway ended: {self.stderr}"
            return found

        found = until(look, what)
        assert found is not None
        return found

    def wait_event(self, event: str) -> Line:
        """The first log line of an event."""
        return self.wait_line(lambda line: line["event"] == event, f"the event {event!r}")

    def wait_listening(self) -> None:
        """Wait until it listens, and learn its port."""
        url = self.wait_event("listening")["url"]
        self.port = int(url.rsplit(":", 1)[1])

    def wait_ready(self) -> None:
        """Wait until it is ready; call this before anybody connects."""
        self.wait_event("ready")
        self._sockets_at_rest = self.sockets()

    def request_line(self, request_id: bytes | str | None) -> Line:
        """The log line of a request."""
        assert request_id
        wanted = request_id.decode() if isinstance(request_id, bytes) else request_id
        return self.wait_line(
            lambda line: line["event"] == "request" and line["request_id"] == wanted, f"the line of request {wanted}"
        )

    def fault_line(self, request_id: bytes | str | None) -> Line:
        """The log line that says why a request failed."""
        assert request_id
        wanted = request_id.decode() if isinstance(request_id, bytes) else request_id
        return self.wait_line(
            lambda line: line["event"] == "fault" and line["request_id"] == wanted, f"the cause of {wanted}"
        )

    def metric(self, name: str) -> float:
        """The value of one series of /metrics, given as it stands there."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", self.metrics(), re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def metrics(self) -> str:
        """/metrics."""
        response = ask(self.port, target="/metrics")
        assert response.status == 200
        return response.body.decode()

    def sockets(self) -> int:
        """How many sockets the process has open."""
        count = 0
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                count += entry.readlink().name.startswith("socket:")
            except FileNotFoundError:
                continue
        return count

    def resident_kib(self) -> int:
        """The memory of the process, in KiB."""
        found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert found
        return int(found.group(1))

    def cpu_seconds(self) -> float:
        """The processor time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_served(self) -> None:
        """Wait until no request is being served."""
        until(lambda: self.metric("aimux_requests_in_flight") == 0, "no request in flight")

    def wait_idle(self) -> None:
        """Wait until no request is being served and no connection, to whichever side, is open."""
        self.wait_served()
        until(lambda: self.sockets() == self._sockets_at_rest, "no connection open")

    def workers(self) -> list[int]:
        """The processes of its workers, where it has several."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in children if "aimux.app.supervised" in command_of(pid)]

    def indexing(self) -> int:
        """The process that builds the index of its audit log."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return next(int(pid) for pid in children if "aimux.audit.indexing" in command_of(pid))

    def reload(self, config: Config | str) -> Line:
        """Change its configuration file, tell it, and wait for the first line that it says of that."""
        if isinstance(config, str):
            self.config.write_text(config)
        else:
            write_config(self.config, config)
        before = len(self.lines)
        self.signal(signal.SIGHUP)
        return self.wait_line(lambda line: line["event"] in {"reloaded", "reload"}, "the reload", after=before)

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait_exit(self) -> int:
        """Wait until the process has ended and its output is read; the exit code."""
        code = self.process.wait(DEADLINE)
        for reader in self._readers:
            reader.join(DEADLINE)
        return code

    def exited(self) -> int:
        """Wait until it has ended, as the test wanted; the exit code."""
        self.expected_exit = None
        code = self.wait_exit()
        assert "Traceback" not in self.stderr
        return code

    def close(self) -> None:
        """Stop it, and check that it was well until then and ended as expected."""
        was_alive = self.alive
        try:
            if was_alive:
                self.signal()
            code = self.wait_exit()
        finally:
            if self.alive:
                self.process.kill()
                self.process.wait()
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()
        assert "Traceback" not in self.stderr, self.stderr
        assert was_alive or self.expected_exit is None, f"the gateway died: {self.stderr}"
        if was_alive:
            assert code == self.expected_exit, f"exit code {code}: {self.stderr}"
            assert self.stderr == ""
        faults = [line for line in self.lines if line["event"] == "fault" and line.get("verdict") in {None, "internal"}]
        assert self.tolerates_faults or not faults, faults


def run_audit(gateway: Gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an `aimux audit` command with a gateway's configuration."""
    command = [AIMUX, "audit", *arguments, "--config", gateway.config]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)


def command_of(pid: str) -> str:
    """The command line of a process; empty where it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def run_to_end(
    config: Path, *arguments: str, environment: Mapping[str, str] | None = None, within: Sequence[str] = ()
) -> tuple[int, str, str]:
    """Run a gateway that is expected to end by itself: exit code, stdout, stderr."""
    done = subprocess.run(
        [*within, AIMUX, "run", "--config", config, *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    return done.returncode, done.stdout, done.stderr
