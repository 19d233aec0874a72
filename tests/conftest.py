"""For all tests: what their processes inherit, no time limit on an example of a property, the longest files first."""

import ctypes
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent
# Some of these have few tests, and xdist would begin with the files that have many: at the end one process would be
# left with them while the other has nothing to do.
LONGEST = [
    TESTS / file
    for file in (
        "bench/test_bench_run.py",
        "e2e/test_workers.py",
        "e2e/test_reload.py",
        "docs/test_first_mesh.py",
        "demo/test_running_mesh.py",
        "edge/test_management_api.py",
        "edge/test_slow_corpus.py",
        "e2e/test_audit_under_harm.py",
        "e2e/test_telemetry_export.py",
        "e2e/test_back_pressure.py",
        "e2e/test_audit.py",
        "browser/test_dashboard_views.py",
        "e2e/test_many_at_once.py",
        "e2e/test_routes_looked_at.py",
        "audit/test_old_log.py",
        "audit/test_old_log_made_again.py",
        "e2e/test_many_names.py",
    )
]

PROGRAMS = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
"""Where programs are looked for: nginx is where only root's PATH looks."""
LIBRARIES = {"libatomic1": "libatomic.so.1"}
"""Debian's packages of shared libraries that tests need, and what the loader calls these."""

# A run in the background ignores SIGINT, and must not hand that down to the processes that it tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where compiled modules are not kept, hundreds of processes would compile the same ones again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# As it does in the command, for all tests that load it first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A busy machine makes any example slow, and speed is measured elsewhere.
settings.register_profile("untimed", settings.default, deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Refuse a name among the longest that no file has: renamed or split, a file would lose its place unnoticed."""
    gone = [str(file.relative_to(TESTS)) for file in LONGEST if not file.is_file()]
    if gone:
        raise pytest.UsageError(f"LONGEST in tests/conftest.py names files that do not exist: {', '.join(gone)}")


def is_installed(package: str) -> bool:
    """Whether the machine has the program of that name, or the library of that package."""
    if package not in LIBRARIES:
        return shutil.which(package, path=PROGRAMS) is not None
    try:
        ctypes.CDLL(LIBRARIES[package])
    except OSError:
        return False
    return True


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs` where one of its programs is missing; fail it where AIMUX_TEST_PROGRAMS is set."""
    programs = {program for mark in item.iter_markers("needs") for program in mark.args}
    if missing := sorted(program for program in programs if not is_installed(program)):
        said = f"needs {', '.join(missing)}: sudo apt-get install {' '.join(missing)}"
        if os.environ.get("AIMUX_TEST_PROGRAMS"):
            pytest.fail(said)
        pytest.skip(said)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    places = {file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
