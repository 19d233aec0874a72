"""The programs that the benchmark needs from the system."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bench import BenchError

# Program → Debian package.
_PACKAGES: Final = {
    "nginx": "nginx",
    "wrk": "wrk",
    "taskset": "util-linux",
    "setpriv": "util-linux",
    "chrt": "util-linux",
    "env": "coreutils",
}
ATTACKER: Final = {"slowhttptest": "slowhttptest"}
"""What only the slow attacks need."""
COUNTER: Final = {"valgrind": "valgrind", "callgrind_control": "valgrind"}
"""What only counting instructions needs."""
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def missing(also: Mapping[str, str] = _NOTHING) -> tuple[str, ...]:
    """The Debian packages whose programs are not here."""
    wanted = {**_PACKAGES, **also}
    return tuple(dict.fromkeys(package for program, package in wanted.items() if _found(program) is None))


def path_of(program: str) -> str:
    """Where a program is. Raises BenchError."""
    found = _found(program)
    if found is None:
        raise BenchError(
            f"{program} is not installed: sudo apt-get install {(_PACKAGES | ATTACKER | COUNTER)[program]}"
        )
    return found


def ensure(also: Mapping[str, str] = _NOTHING) -> None:
    """See to it that every program is here: root on Debian gets what is missing. Raises BenchError."""
    packages = missing(also)
    if not packages:
        return
    apt = shutil.which("apt-get")
    names = " ".join(packages)
    if apt is None or os.geteuid() != 0:
        raise BenchError(f"the benchmark needs {', '.join(packages)}: sudo apt-get install {names}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ([apt, "update", "-q"], [apt, "install", "-q", "-y", "--no-install-recommends", *packages]):
        if subprocess.run(command, env=environment, check=False).returncode != 0:  # noqa: S603  (apt-get)
            raise BenchError(f"'{' '.join(command)}' failed, see above; then run this again")
    if "nginx" in packages:
        _silence_service()
    if still := missing(also):
        raise BenchError(f"apt-get installed {names}, but {', '.join(still)} cannot be found")


def _silence_service() -> None:
    # Debian's package starts nginx on port 80; here only the program was wanted.
    systemctl = shutil.which("systemctl")
    if systemctl and Path("/run/systemd/system").is_dir():
        subprocess.run([systemctl, "disable", "--now", "nginx"], check=False)  # noqa: S603


def _found(program: str) -> str | None:
    # nginx lies where only root's PATH looks.
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
