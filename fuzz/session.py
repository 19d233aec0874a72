"""One target's share of a run: libFuzzer as a process of its own, what it reports, and the finding where it stops."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fuzz import FINDINGS, ROOT
from fuzz.target import Target

_EXECUTIONS: Final = re.compile(r"^stat::number_of_executed_units: (\d+)$", re.MULTILINE)
_COVERAGE: Final = re.compile(r"^#\d+\s+(?:INITED|NEW|DONE|pulse).*? cov: (\d+)", re.MULTILINE)
_WRITTEN: Final = re.compile(r"Test unit written to (\S.*)$", re.MULTILINE)
_PATIENCE: Final = 60  # seconds for a start, and for an end
_MOST_MEMORY: Final = 1024  # MiB
_SLOWEST: Final = 10  # seconds for one input
_SHOWN: Final = 2000


class FuzzError(Exception):
    """A target could not be fuzzed. The message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """An input that breaks a promise: where it was saved, and what was said about it."""

    path: Path
    told: str

    def __str__(self) -> str:
        data = self.path.read_bytes()
        shown = repr(data[:_SHOWN]) + (f" and {len(data) - _SHOWN} bytes more" if len(data) > _SHOWN else "")
        return f"{self.told}\n\ninput: {shown}\nsaved: {self.path}\nagain: python -m fuzz.run --again {self.path}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one target's share. `covered` counts what no seed had reached."""

    name: str
    executions: int
    covered: int
    finding: Found | None

    def __str__(self) -> str:
        found = "no findings" if self.finding is None else "A FINDING"
        return f"{self.name:<16} {self.executions:>9} executions  {self.covered:>4} new edges  {found}"


def fuzz(target: Target, seconds: int) -> Result:
    """Fuzz a target from its seeds, until it breaks or its time is over. Raises FuzzError."""
    FINDINGS.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="aimux-fuzz-") as name:
        corpus = Path(name)
        words = _prepare(target, corpus)
        command = [
            *(sys.executable, "-m", "fuzz.worker", target.name, str(corpus / "seeds"), f"-dict={words}"),
            *(
                f"-max_total_time={seconds}",
                f"-max_len={target.longest}",
                f"-artifact_prefix={FINDINGS}/{target.name}-",
            ),
            *(f"-rss_limit_mb={_MOST_MEMORY}", f"-timeout={_SLOWEST}", "-print_final_stats=1"),
        ]
        try:
            done = subprocess.run(  # noqa: S603  (our own module)
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds + _PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FuzzError(f"{target.name} does not end") from error
    told, log = (output.decode("utf-8", "backslashreplace") for output in (done.stdout, done.stderr))
    return result_of(target.name, done.returncode, told, log)


def _prepare(target: Target, directory: Path) -> Path:
    """Write seeds and words into files."""
    seeds = directory / "seeds"
    seeds.mkdir()
    for number, seed in enumerate(target.seeds()):
        (seeds / f"{number:04}").write_bytes(seed)
    words = directory / "words"
    words.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n' for token in target.tokens))
    return words


def result_of(name: str, code: int, told: str, log: str) -> Result:
    """What a worker's exit code, its own output and libFuzzer's log come to. Raises FuzzError."""
    written = _WRITTEN.search(log)
    if code != 0 and written is None:
        raise FuzzError(f"{name} ended with {code}:\n{(told + log)[-_SHOWN:]}")
    covered = [int(count) for count in _COVERAGE.findall(log)] or [0]
    executed = _EXECUTIONS.search(log)
    finding = Found(Path(written[1]), _essence(told, log)) if written else None
    return Result(name, int(executed[1]) if executed else 0, covered[-1] - covered[0], finding)


def _essence(told: str, log: str) -> str:
    """What was said of a finding: the traceback, or libFuzzer's own words where memory or time ran out."""
    _, uncaught, traceback = told.partition("=== Uncaught Python exception: ===")
    return traceback.strip() if uncaught else "\n".join(line for line in log.splitlines() if line.startswith("=="))
