"""A client's script as a process: does one task after the other, and is started again where one takes too long."""

import json
import os
import select
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from clients import ROOT, ClientsError
from clients.environments import Environment
from clients.pins import PinnedClient

SECONDS: Final = 60.0
"""How long a client may take for a situation."""
_START_SECONDS: Final = 120.0
_SCRIPTS: Final = ROOT / "clients" / "scripts"
# Telemetry, traces, update checks and price lists: what clients send or fetch elsewhere unless they are told not to.
_QUIET: Final = {
    "AGNO_TELEMETRY": "false",
    "ANONYMIZED_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "NODE_NO_WARNINGS": "1",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
    "PYTHONWARNINGS": "ignore",
}
_KEYS: Final = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY"), "sk-of-no-value")


@dataclass(frozen=True, slots=True)
class Sight:
    """What a client's user saw: an answer, or `class: message`. `reached` are hosts elsewhere that it asked for."""

    answered: bool
    seen: str
    seconds: float
    reached: tuple[str, ...] = ()
    in_time: bool = True


@dataclass(slots=True, eq=False)
class ClientProcess:
    """The script of a client in its environment. Its output goes to `script.log` there."""

    client: PinnedClient
    environment: Environment
    actions: tuple[str, ...] = ()
    _process: "subprocess.Popen[bytes] | None" = None
    _unread: bytes = field(default=b"")

    def start(self) -> None:
        """Start it, and learn what it can do. Raises ClientsError."""
        place = self.environment.place
        # Of one run the log has all, and nothing of the runs before.
        with (place / "script.log").open("ab" if self.actions else "wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  (a script of ours)
                [self.environment.program, *self._script()],
                cwd=place / "home",
                env=_surroundings(place / "home"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self._unread = b""
        line = self._line(_START_SECONDS)
        if line is None:
            self.stop()
            said = (place / "script.log").read_text(errors="replace").strip().splitlines()
            raise ClientsError(f"its script did not start: {said[-1] if said else 'it said nothing'}")
        self.actions = tuple(json.loads(line)["actions"])

    def do(self, task: dict[str, object]) -> Sight:
        """Have it do a task. What takes too long ends the process, and the next task starts another one."""
        if self._process is None:
            self.start()
        stdin, _ = self._streams()
        started = time.monotonic()
        with suppress(BrokenPipeError):
            stdin.write(json.dumps(task).encode() + b"\n")
            stdin.flush()
        line = self._line(SECONDS)
        if line is not None:
            told = json.loads(line)
            return Sight(told["answered"], told["seen"], told["seconds"], tuple(told["reached"]))
        seconds = time.monotonic() - started
        self.stop()
        if seconds >= SECONDS:
            return Sight(answered=False, seen=f"still trying after {SECONDS:.0f} s", seconds=seconds, in_time=False)
        return Sight(answered=False, seen="the client's process ended", seconds=seconds)

    def stop(self) -> None:
        """End it, with all that it has started itself."""
        if self._process is None:
            return
        self.kill()
        self._process.wait()
        for stream in self._streams():
            with suppress(BrokenPipeError):
                stream.close()
        self._process = None

    def kill(self) -> None:
        """End it from another thread: who waits for it learns so."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _script(self) -> list[str]:
        if self.client.kind == "python":
            return ["-m", f"clients.scripts.{script_name(self.client)}"]
        # Node looks for packages from where a script lies.
        for file in _SCRIPTS.glob("*.mjs"):
            shutil.copyfile(file, self.environment.place / file.name)
        return [str(self.environment.place / f"{script_name(self.client)}.mjs")]

    def _line(self, seconds: float) -> bytes | None:
        """The next line that it prints; None where its output ends, or where none comes in time."""
        _, stdout = self._streams()
        end = time.monotonic() + seconds
        while b"\n" not in self._unread:
            if not select.select([stdout], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            more = os.read(stdout.fileno(), 65536)
            if not more:
                return None
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _streams(self) -> tuple[IO[bytes], IO[bytes]]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ClientsError("the client's process is not running")
        return process.stdin, process.stdout


def script_name(client: PinnedClient) -> str:
    """The name of a client's script, without its suffix."""
    return f"with_{client.name.removesuffix('-npm').replace('-', '_')}"


def _surroundings(home: Path) -> dict[str, str]:
    """The environment of a client's process: nothing of ours but the path, a home of its own, and no way to be loud."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        **_QUIET,
        **_KEYS,
    }
