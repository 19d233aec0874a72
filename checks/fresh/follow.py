"""Follows the quick start inside a root: installs, serves, calls, stops; then runs the tests."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

from checks.fresh.readme import QuickStart
from checks.fresh.root import Root, tell

READY: Final = "The gateway is ready"
_START_SECONDS: Final = 1200
_STOP_SECONDS: Final = 60
_CALL_SECONDS: Final = 60
_TEST_SECONDS: Final = 3600
MACHINE_TESTS: Final = "-m needs"
"""What pytest runs in the short form: the tests that need programs of the machine."""


class FailedError(Exception):
    """Something did not come out as the README says; the message says what."""


def follow(root: Root, checkout: Path, readme: QuickStart) -> None:
    """Follow the quick start in a checkout inside. Raises FailedError."""
    if root.user == "root":
        # A machine with nothing but these: make installs what else it needs, and gets the package lists itself.
        _run(root, "apt-get update && apt-get install -y --no-install-recommends curl git make python3", Path("/"))
        _run(root, "rm -rf /var/lib/apt/lists/*", Path("/"))
    else:
        _run(root, readme.install, Path("/"))
    log = root.outside(root.home) / "make-run.log"
    with log.open("wb") as output:
        command = root.command(readme.serve, checkout)
        served = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
    try:
        _wait_until_ready(served, log)
        _call(root, checkout, readme)
    finally:
        _stop(root, served)


def move(root: Root, checkout: Path) -> Path:
    """Move the checkout, set up as the README's troubleshooting says, and give its new path. Raises FailedError."""
    moved = checkout.with_name("moved")
    _run(root, f"mv {checkout} {moved}", Path("/"))
    told = _run(root, "make setup", moved)
    code = _run(root, ".venv/bin/python -c 'import aimux; print(aimux.__file__)'; .venv/bin/aimux version", moved)
    if f"moved or copied from {checkout}:" not in told or not code.startswith(f"{moved}/"):
        raise FailedError(f"make did not mend a folder that was moved:\n{told}\n{code}")
    tell(["works: make setup, after the folder was moved"])
    return moved


def run_tests(root: Root, checkout: Path, *, whole: bool) -> None:
    """Run the tests inside: all, or those that need programs of the machine. Raises FailedError."""
    arguments = "" if whole else f' PYTEST_ARGS="{MACHINE_TESTS}"'
    tell([f"as {root.user}: make test{arguments}"])
    # Root has installed all programs: none may be missing. Without root the tests that lack one say so.
    required = {"AIMUX_TEST_PROGRAMS": "required"} if root.user == "root" else {}
    command = root.command(f"make test{arguments}", checkout, **required)
    if subprocess.run(command, check=False, timeout=_TEST_SECONDS).returncode != 0:  # noqa: S603
        raise FailedError("make test failed, see above")


def _wait_until_ready(served: "subprocess.Popen[bytes]", log: Path) -> None:
    started = time.monotonic()
    while READY not in log.read_text(errors="replace"):
        if served.poll() is not None or time.monotonic() - started > _START_SECONDS:
            raise FailedError(f"make run did not come up (exit code {served.poll()}):\n{log.read_text()[-4000:]}")
        time.sleep(0.2)
    tell(line for line in log.read_text(errors="replace").splitlines() if not line.startswith("{"))
    tell([f"make run was ready after {time.monotonic() - started:.0f} s"])


def _call(root: Root, checkout: Path, readme: QuickStart) -> None:
    for call in readme.calls:
        problem = call.problem(_run(root, call.command, checkout))
        if problem:
            raise FailedError(f"{call.command}\n  {problem}")
        tell([f"answered as it should: {call.command}"])
    if "<script" not in _run(root, "curl -s http://localhost:8080/dashboard/", checkout):
        raise FailedError("the dashboard is not built")
    if readme.others:
        _run(root, "\n".join(readme.others), checkout)
        tell(f"works: {each}" for each in readme.others)


def _stop(root: Root, served: "subprocess.Popen[bytes]") -> None:
    """Stop it as Ctrl-C does, and make sure that nothing is left."""
    if served.poll() is None:
        os.killpg(served.pid, signal.SIGINT)
    try:
        served.wait(_STOP_SECONDS)
    finally:
        left = root.processes()
        if served.poll() is None:
            os.killpg(served.pid, signal.SIGKILL)
    if left:
        raise FailedError("processes were left behind by make run:\n  " + "\n  ".join(left))


def _run(root: Root, script: str, folder: Path) -> str:
    command = root.command(f"set -e\n{script}", folder)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_START_SECONDS)  # noqa: S603
    if done.returncode != 0:
        raise FailedError(f"{script}\n  exit code {done.returncode}:\n{(done.stdout + done.stderr)[-4000:]}")
    return done.stdout
