"""The processes of a playground or demo: found by a mark in their environment, waited for, on ports of their own."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from aimux.demo.processes import is_free
from aimux.demo.stage import MODEL_PATH

ROOT = Path(__file__).parents[3]
MARK = "DEMO_TEST_MARK"
SECONDS = 60.0


def environment(mark: str, temporary: Path) -> dict[str, str]:
    """The environment for a program of ours whose processes are to be found by this mark."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AIMUX_")}
    env |= {MARK: mark, "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}
    return env | {MODEL_PATH: str(ROOT / "models/all-MiniLM-L6-v2.onnx")}


def marked(mark: str) -> list[int]:
    """The processes that were started, directly or not, with this mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition; AssertionError where it does not come true in time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.02)


def free_ports(count: int) -> list[int]:
    """Ports below those that the system gives to clients: another program's client takes none of them meanwhile."""
    ports = random.sample(range(20_000, 32_000), 100)
    return [port for port in ports if is_free("127.0.0.1", port)][:count]
