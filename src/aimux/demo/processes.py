"""Child processes of the playground and of the demo: started, watched, and never left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import FrameType, TracebackType

from aimux.demo.terminal import is_nohup

GRACE = 10.0
POLL = 0.02


class StartError(Exception):
    """A process did not come up; the message says why, and what to do."""


class Child:
    """One Python module that runs as a process, in a session of its own: Ctrl-C reaches it only through its starter.

    What it prints goes to the file `output`, or where this process prints.
    """

    def __init__(
        self, name: str, module: str, *arguments: str, output: Path | None, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.output = output
        command = [sys.executable, "-m", "aimux.demo.lifeline", module, *arguments]
        stream = output.open("ab") if output else None
        try:
            self._process = subprocess.Popen(  # noqa: S603  (a module of ours)
                command,
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=subprocess.STDOUT if stream else None,
                env=env,
                start_new_session=True,
            )
        finally:
            if stream:
                stream.close()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def printed(self) -> str:
        """All that it has printed into its file so far."""
        return self.output.read_text(errors="replace") if self.output else ""

    def last_lines(self, count: int = 12) -> str:
        """The end of what it printed, indented, to be shown to somebody who wonders."""
        return "\n".join(f"  {line}" for line in self.printed().splitlines()[-count:])

    def wait(self, seconds: float | None = None) -> int:
        """Wait for its end and give its exit code; raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until it is ready. Raises StartError where it ends instead, or is not ready in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code is not None:
                raise StartError(f"{self.name} ended with exit code {self.exit_code}:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.name} was not ready after {seconds:.0f} s:\n{self.last_lines()}")
            time.sleep(POLL)

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, with all that it has started itself."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()


class Children(AbstractContextManager["Children"]):
    """Processes that end with the block in which they were started."""

    def __init__(self) -> None:
        self._started: list[Child] = []

    def start(
        self,
        name: str,
        module: str,
        *arguments: str,
        output: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Child:
        """Start `python -m module arguments...`."""
        child = Child(name, module, *arguments, output=output, env=env)
        self._started.append(child)
        return child

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask all to end, wait a moment, and end those that stay."""
        try:
            for child in self._started:
                child.send(signal.SIGTERM)
            deadline = time.monotonic() + GRACE
            for child in self._started:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(max(0.0, deadline - time.monotonic()))
        finally:
            for child in self._started:
                child.kill()


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does: through every `finally` on the way.

    The first of them counts: a second one would interrupt the clean-up. SIGHUP stays ignored under `nohup`.
    """
    numbers = (signal.SIGTERM,) if is_nohup() else (signal.SIGTERM, signal.SIGHUP)

    def end(number: int, _: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in numbers:
        signal.signal(number, end)


def is_free(host: str, port: int) -> bool:
    """Whether one could listen there."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
        return True
