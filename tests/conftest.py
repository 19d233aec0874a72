"""For all tests: what their processes inherit.

A run in the background ignores SIGINT, and must not hand that down to the processes it tests. Where the environment
says that compiled modules are not kept, hundreds of processes would compile the same modules again. NumPy computes on
one thread, as it does in the command.
"""

import os
import signal
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# Some of these have few tests, and xdist would begin with the files that have many: at the end one process would be
# left with them while the other has nothing to do.
LONGEST = [
    TESTS / file
    for file in (
        "bench/test_bench_run.py",
        "e2e/test_workers.py",
        "e2e/test_reload.py",
        "demo/test_running_mesh.py",
        "edge/test_management_api.py",
        "edge/test_slow_corpus.py",
        "e2e/test_audit_under_harm.py",
        "e2e/test_telemetry.py",
        "e2e/test_back_pressure.py",
        "e2e/test_audit.py",
        "browser/test_dashboard_views.py",
        "e2e/test_many_at_once.py",
        "e2e/test_routes_looked_at.py",
        "e2e/test_many_names.py",
    )
]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    places = {file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
