"""Processes pinned to a core: started, watched, accounted for, and ended whatever happens to the benchmark."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

from bench import ROOT, BenchError
from bench.machine import TICKS
from bench.tools import path_of

_GRACE: Final = 10.0
_ENDING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def pinned(command: Sequence[str], *cores: int) -> list[str]:
    """The command, on these cores, and ended by the system should this process die without a word."""
    where = ",".join(map(str, cores))
    return [path_of("setpriv"), "--pdeathsig", "TERM", path_of("taskset"), "-c", where, *command]


def run_program(command: Sequence[str], core: int, patience: float) -> dict[str, float]:
    """Run a program of the benchmark's on a core; the JSON that it prints. Raises BenchError."""
    name = " ".join(command[1:3])
    try:
        done = subprocess.run(  # noqa: S603  (a program of ours)
            pinned(command, core), cwd=ROOT, capture_output=True, text=True, timeout=patience, check=True
        )
    except subprocess.CalledProcessError as error:
        raise BenchError(f"{name} failed: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{name} did not come to an end") from error
    found: dict[str, float] = json.loads(done.stdout)
    return found


class Process:
    """A process on cores of its own, in a session of its own: Ctrl-C reaches it only through the benchmark."""

    def __init__(
        self, command: Sequence[str], cores: Sequence[int], output: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._output = output
        with output.open("ab") as stream:
            self._process = subprocess.Popen(  # noqa: S603  (programs that the benchmark names)
                pinned(command, *cores),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, with all that it has started itself."""
        self._process.terminate()
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def give_way(self) -> None:
        """Let it run only where nothing else wants its core."""
        with suppress(OSError):  # it may have ended already
            os.sched_setscheduler(self._process.pid, os.SCHED_IDLE, os.sched_param(0))
            # The kernel may share a core out to sessions before it looks at processes.
            Path(f"/proc/{self._process.pid}/autogroup").write_text("19")

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def last_lines(self, count: int = 12) -> str:
        """The end of what it printed."""
        return "\n".join(f"  {line}" for line in self._output.read_text(errors="replace").splitlines()[-count:])

    def cpu_seconds(self) -> float:
        """Processor time that it and its children have used so far."""
        return sum(_cpu_seconds(pid) for pid in self._family())

    def resident_bytes(self) -> int:
        """Memory that it and its children hold; pages that they share count for each of them."""
        return sum(_resident_bytes(pid) for pid in self._family())

    def forget_peak(self) -> int:
        """Let its peak begin anew; the memory that it holds now. Of the process itself, without children."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")
        return _resident_bytes(self._process.pid)

    def peak_bytes(self) -> int:
        """The most memory that it has held since its peak was forgotten."""
        return _resident_bytes(self._process.pid, "VmHWM:")

    def _family(self) -> set[int]:
        parents = {int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
        family = {self._process.pid}
        while more := {pid for pid, stat in parents.items() if stat and int(stat[1]) in family} - family:
            family |= more
        return family


def end_on_signals() -> None:
    """Let the first signal to end this process do so through every `finally` on the way, and ignore further ones."""

    def leave(number: int, _: FrameType | None) -> None:
        for each in _ENDING:
            signal.signal(each, signal.SIG_IGN)
        sys.exit(128 + number)

    for number in _ENDING:
        signal.signal(number, leave)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; none where the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_seconds(pid: int) -> float:
    stat = _stat(pid)
    return (int(stat[11]) + int(stat[12])) / TICKS if stat else 0.0


def _resident_bytes(pid: int, field: str = "VmRSS:") -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
