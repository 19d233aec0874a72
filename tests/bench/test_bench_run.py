"""The benchmark as people run it, as short as it gets. Its figures are judged by nobody here."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_COMMAND = [sys.executable, "-m", "bench.run", "--rounds", "1", "--calls", "50"]
_COMMAND += ["--without", "envoy", "portkey", "litellm"]
_DEADLINE = 30.0

needs_two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs a second core")


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Keeps a benchmark's files, and so the command lines of what it starts, in the test's directory."""
    return {**os.environ, "TMPDIR": str(tmp_path)}


@dataclass(frozen=True, slots=True)
class _Process:
    """A process that is no zombie; its start tells it from a later one with the same number."""

    pid: int
    parent: int
    start: int
    command: str


def _processes() -> set[_Process]:
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if stat[0] != "Z":
            found.add(_Process(int(entry.name), int(stat[1]), int(stat[19]), command))
    return found


def _descendants(pid: int) -> set[_Process]:
    processes = _processes()
    family, pids = set[_Process](), {pid}
    while more := {process for process in processes - family if process.parent in pids}:
        family |= more
        pids = {process.pid for process in more}
    return family


@pytest.mark.needs("nginx", "wrk")
@pytest.mark.timeout(600)
@needs_two_cores
def test_a_tiny_run_measures_every_figure_and_leaves_nothing_behind(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    results = tmp_path / "kept" / "results.json"
    command = [*_COMMAND, "--seconds", "1", "--results", str(results)]
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    kept = json.loads(results.read_text())
    measured = {(row["figure"]["key"], row["subject"]) for row in kept["rows"]}
    of_both = {
        *("seen", "chat", "added_p50", "added_p99", "half_p50", "half_tail", "added_event", "stream_memory"),
        *("download", "upload", "transfer_memory", "start", "memory"),
    }
    assert measured == {(figure, name) for figure in of_both for name in ("nginx", "AIMux")} | {
        *(("new", "AIMux"), ("new", "bare loop"), ("beyond", "AIMux")),
        *((figure, "direct call") for figure in ("p50", "p99", "event")),
        *(("intents", "10,000 intents"), ("intents", "100,000 intents")),
        *((figure, way) for figure in ("two_seen", "two_new") for way in ("as measured", "by processor time")),
        *(("audit", kind) for kind in ("audit.sync: os", "audit.sync: always")),
    }
    assert all(len(row["values"]) == 1 for row in kept["rows"])
    # What is added may drown in noise, and what is grown may be nothing.
    sure = {"seen", "chat", "new", "p50", "half_p50", "event", "download", "upload", "intents", "start", "memory"}
    assert all(row["spread"]["median"] > 0 for row in kept["rows"] if row["figure"]["key"] in sure)
    assert "Requests/s, texts seen before" in done.stdout
    for peer in ("Envoy", "Portkey", "LiteLLM"):
        assert f"Left out: {peer}: not asked for" in done.stdout
    assert not [process for process in _processes() if str(tmp_path) in process.command]
    assert list(tmp_path.iterdir()) == [results.parent]


@pytest.mark.needs("nginx", "wrk")
@needs_two_cores
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_what_was_started_ends_with_a_benchmark_that_is_cut_short(
    number: signal.Signals, tmp_path: Path, environment: Mapping[str, str]
) -> None:
    command = [*_COMMAND, "--seconds", "100", "--results", str(tmp_path / "results.json")]
    with subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _DEADLINE
            while not any("wrk -t1" in each.command for each in _descendants(process.pid)):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            started = _descendants(process.pid)
        finally:
            process.send_signal(number)
        assert process.wait(_DEADLINE) == (-number if number == signal.SIGKILL else 128 + number)
    # Two nginx of two processes each, the gateway and what builds its index, and wrk.
    assert len(started) == 7
    identities = {(each.pid, each.start) for each in started}
    deadline = time.monotonic() + _DEADLINE
    while left := [each for each in _processes() if (each.pid, each.start) in identities]:
        if time.monotonic() > deadline:
            for each in left:
                os.kill(each.pid, signal.SIGKILL)
            pytest.fail(f"the benchmark left behind: {left}")
        time.sleep(0.05)


@pytest.mark.parametrize("option", [("--rounds", "0"), ("--seconds", "x"), ("--calls", "-1"), ("--without", "nginx")])
def test_senseless_settings_are_refused(option: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "bench.run", *option]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert option[0] in done.stderr
