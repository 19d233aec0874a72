"""`make fresh`: the README on a bare Debian 12, as root and as a plain user.

Exit code 0 where all is as the README says, 1 where something is not, 3 where this machine does not permit the check.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from checks.fresh.checkout import copy
from checks.fresh.follow import FailedError, follow, move, run_tests
from checks.fresh.readme import quick_start
from checks.fresh.root import USER, CannotError, Root, make_base, mounted_in, open_root, tell

CANNOT: Final = 3
_ISOLATED: Final = "AIMUX_FRESH_ISOLATED"
_CHECKOUT: Final = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Do it for both users; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m checks.fresh")
    parser.add_argument("--full", action="store_true", help="run the whole test suite, once, as root")
    parser.add_argument("--user", choices=["root", USER], action="append", help="for one of them only")
    parser.add_argument("--optional", action="store_true", help="exit code 0 where this machine does not permit it")
    options = parser.parse_args(arguments)
    try:
        _isolate(arguments)
        return _check(options)
    except CannotError as error:
        tell([f"NOT CHECKED, since this machine does not permit it: {error}"])
        return 0 if options.optional else CANNOT
    except (FailedError, subprocess.SubprocessError) as error:
        tell(["FAILED", *str(error).splitlines()])
        return 1


def _isolate(arguments: Sequence[str]) -> None:
    """Go on in a process with mounts of its own, with which all that it starts ends. Raises CannotError."""
    if os.environ.pop(_ISOLATED, None):
        return
    if os.geteuid() != 0:
        raise CannotError("it needs root, for a chroot: sudo make fresh")
    unshare = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)  # noqa: S603
    if tried.returncode != 0:
        raise CannotError(tried.stderr.strip())
    command = [*unshare, sys.executable, "-m", "checks.fresh", *arguments]
    os.execvpe(command[0], command, {**os.environ, _ISOLATED: "1"})  # noqa: S606  # nosec B606


def _check(options: argparse.Namespace) -> int:
    temporary = Path(tempfile.mkdtemp(prefix="aimux-fresh-")).resolve()
    try:
        for user in options.user or [USER, "root"]:
            _follow(temporary, user, full=options.full and user == (options.user or ["root"])[0])
    finally:
        _remove(temporary)
    tell(["all as the README says"])
    return 0


def _follow(temporary: Path, user: str, *, full: bool) -> None:
    started = time.monotonic()
    base = temporary / "base"
    if not base.exists():
        tell(["making a bare Debian"])
        make_base(base)
    root = open_root(base, temporary / user, user)
    checkout = _clone(root)
    tell([f"as {user}: a clone of HEAD in {checkout}"])
    follow(root, checkout, quick_start((root.outside(checkout) / "README.md").read_text()))
    if user != "root":
        checkout = move(root, checkout)
    run_tests(root, checkout, whole=full)
    tell([f"as {user}: done after {time.monotonic() - started:.0f} s"])


def _clone(root: Root) -> Path:
    checkout = root.home / "aimux"
    copy(_CHECKOUT, root.outside(checkout))
    own = ["chroot", str(root.folder), "chown", "-R", f"{root.user}:{root.user}", str(checkout)]
    subprocess.run(own, check=True)  # noqa: S603
    return checkout


def _remove(temporary: Path) -> None:
    """Unmount what is mounted there, and then remove it: what is still mounted is the machine's own, and stays."""
    for target in _mounted(temporary):
        subprocess.run(["umount", "--lazy", target], check=False)  # noqa: S603, S607  # nosec B607
    if left := _mounted(temporary):
        tell([f"{temporary} is not removed, since this is mounted in it: {', '.join(left)}"])
        return
    shutil.rmtree(temporary)


def _mounted(folder: Path) -> list[str]:
    return mounted_in(folder, Path("/proc/self/mounts").read_text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
