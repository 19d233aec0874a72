"""The machine that is measured on: its two cores for the benchmark, its free ports, and what to say about it."""

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import BenchError

TICKS: Final = os.sysconf("SC_CLK_TCK")
"""Of the kernel's accounting of processor time, in a second."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core runs the process under test, and which the load and the upstream."""

    tested: int
    load: int


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader has to know of a machine to judge its figures."""

    processor: str
    cores: int
    siblings: bool
    system: str
    python: str
    load_before: float


def two_cores() -> Cores:
    """The first two cores that this process may use. Raises BenchError."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("the benchmark needs two cores: one for the process under test, one for the load")
    return Cores(allowed[0], allowed[1])


def describe(cores: Cores) -> Machine:
    """This machine, as it is before the load."""
    names = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    siblings = _lines(Path(f"/sys/devices/system/cpu/cpu{cores.tested}/topology/thread_siblings_list"))
    return Machine(
        processor=names[0].partition(":")[2].strip() if names else platform.machine(),
        cores=os.cpu_count() or 1,
        siblings=bool(siblings) and cores.load in _numbers(siblings[0]),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        load_before=round(os.getloadavg()[0], 2),
    )


def core_seconds(core: int) -> float:
    """The time so far in which a core ran processes, whichever they were, or was withheld by the hypervisor."""
    for line in _lines(Path("/proc/stat")):
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _, _, _, _, stolen = (int(tick) for tick in ticks[:8])
            return (user + nice + system + stolen) / TICKS
    raise BenchError(f"/proc/stat does not know core {core}")


def free_port() -> int:
    """A port on the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _numbers(ranges: str) -> set[int]:
    found: set[int] = set()
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found
