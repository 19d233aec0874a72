"""A gateway whose standard output and standard error are one pipe or terminal, with a reader that can stop reading."""

import fcntl
import json
import os
import select
import subprocess
import threading
from pathlib import Path
from typing import Any

from e2e_support.client import Response, ask
from e2e_support.gateway import AIMUX, command_of
from e2e_support.waiting import DEADLINE, until

_SMALLEST_PIPE = 4096


class StallingReader:
    """Reads the one end of something until told to stop, and again when told to go on."""

    def __init__(self, descriptor: int) -> None:
        self.content = b""
        self._descriptor = descriptor
        self._reading = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._reading.set()
        self._thread.start()

    def _read(self) -> None:
        while not self._ended:
            self._reading.wait()
            if not select.select([self._descriptor], [], [], 0.05)[0] or not self._reading.is_set():
                continue
            try:
                data = os.read(self._descriptor, 65536)
            except OSError:
                return
            if not data:
                return
            self.content += data

    def stop(self) -> None:
        """Read no more."""
        self._reading.clear()

    def go_on(self) -> None:
        """Read again."""
        self._reading.set()

    def close(self) -> None:
        """Let go of it."""
        self._ended = True
        self.go_on()
        self._thread.join(DEADLINE)


class StallingGateway:
    """A gateway whose log is read by a `StallingReader`."""

    def __init__(self, config: Path, read_end: int, write_end: int) -> None:
        self.reader = StallingReader(read_end)
        self._read_end = read_end
        self.process = subprocess.Popen(
            [AIMUX, "run", "--config", config], stdin=subprocess.DEVNULL, stdout=write_end, stderr=write_end
        )
        os.close(write_end)
        listening = until(lambda: self.events("listening"), "it to listen")
        self.port = int(listening[0]["url"].rsplit(":", 1)[1])
        until(lambda: self.events("ready"), "it to be ready")

    @classmethod
    def over_pipe(cls, config: Path) -> "StallingGateway":
        """One whose log goes to a pipe that holds little."""
        read_end, write_end = os.pipe()
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, _SMALLEST_PIPE)
        return cls(config, read_end, write_end)

    def lines(self) -> list[dict[str, Any]]:
        """The complete log lines that were read."""
        complete = self.reader.content.split(b"\n")[:-1]
        return [json.loads(line) for line in complete if line.startswith(b"{")]

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of an event that were read."""
        return [line for line in self.lines() if line["event"] == event]

    def ask(self, target: str = "/", route: str | None = None) -> Response:
        """Ask it something, on a connection of its own."""
        return ask(self.port, target=target, headers={} if route is None else {"X-AIMux-Route": route})

    def processes(self) -> list[int]:
        """The gateway's own process and its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *(int(pid) for pid in children if "aimux.app.supervised" in command_of(pid))]

    def close(self) -> None:
        """End it, and let go of its output."""
        self.process.kill()
        self.process.wait(DEADLINE)
        self.reader.close()
        os.close(self._read_end)
