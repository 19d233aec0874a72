"""Load from wrk: 32 connections that post the bodies of a file, and what wrk says of how that went."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import BenchError
from bench.processes import pinned
from bench.tools import path_of

CONNECTIONS: Final = 32
_SCRIPT: Final = Path(__file__).with_name("requests.lua")
_CALLERS: Final = 4  # times as many connections where each of them waits between its requests
_ANSWER: Final = 10  # seconds: 32 callers of a slow server on a busy machine wait for longer than wrk's own two
_PATIENCE: Final = 60.0
_REQUESTS = re.compile(r"^\s*([0-9]+) requests in ", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s*([0-9.]+)\s*$", re.MULTILINE)
_REFUSED = re.compile(r"^\s*Non-2xx or 3xx responses: ([0-9]+)\s*$", re.MULTILINE)
_LATENCY = r"^\s*{}%\s+([0-9.]+)(us|ms|s)\s*$"
_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
_BROKEN = re.compile(r"^\s*(Socket errors: .*?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of wrk achieved."""

    requests: int
    per_second: float
    p50: float | None = None
    p99: float | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.requests / self.per_second


def parse(output: str) -> Outcome:
    """Read wrk's summary. Raises BenchError where not every request was answered with success."""
    requests, rate = _REQUESTS.search(output), _RATE.search(output)
    if not requests or not rate:
        raise BenchError(f"wrk gave no summary: {output.strip() or 'nothing at all'}")
    if broken := _BROKEN.search(output):
        raise BenchError(f"wrk lost connections, so its figure means nothing ({broken.group(1)}): run it again")
    if refused := _REFUSED.search(output):
        raise BenchError(f"{refused.group(1)} of {requests.group(1)} requests were refused: their speed means nothing")
    if float(rate.group(1)) == 0:
        raise BenchError("no request was answered")
    return Outcome(int(requests.group(1)), float(rate.group(1)), *(_latency(output, share) for share in (50, 99)))


def _latency(output: str, share: int) -> float | None:
    found = re.search(_LATENCY.format(share), output, re.MULTILINE)
    return None if found is None else float(found.group(1)) * _UNITS[found.group(2)]


def run(
    port: int, bodies: Path, headers: Mapping[str, str], seconds: int, core: int, *, path: str = "/", rate: float = 0
) -> Outcome:
    """Load a server on this machine for some seconds: with as many requests as it takes, or with `rate` a second."""
    connections = CONNECTIONS * _CALLERS if rate else CONNECTIONS
    pause = round(connections / rate * 1000) if rate else 0
    command = [path_of("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={_ANSWER}s", "--latency"]
    command += ["-s", str(_SCRIPT), f"http://127.0.0.1:{port}/", "--", str(bodies), path, str(pause)]
    command += [f"{name}: {value}" for name, value in headers.items()]
    try:
        done = subprocess.run(  # noqa: S603  (wrk, with arguments of ours)
            pinned(command, core), capture_output=True, text=True, timeout=seconds + _PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"wrk did not come to an end in {seconds + _PATIENCE:.0f} s") from error
    if done.returncode != 0:
        raise BenchError(f"wrk failed: {(done.stderr or done.stdout).strip()}")
    return parse(done.stdout)
