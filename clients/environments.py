"""An environment for each client, made where it is not there with just these packages: a venv, or a folder of npm's."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clients.pins import PinnedClient

HOME: Final = Path(__file__).with_name(".envs")
_SECONDS: Final = 1200
_SILENT: Final = "no reason given"
_STAMP: Final = "installed.json"
_ERROR: Final = re.compile(r"^(?:ERROR:|npm error|npm ERR!) (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Environment:
    """A client's environment: `program` runs its scripts; `versions` are those of the packages that were asked for."""

    place: Path
    program: str
    versions: Mapping[str, str]


def find(client: PinnedClient, *, newest: bool = False) -> Environment | str:
    """The client's environment, made where it is missing or other packages were asked for; or why there is none.

    Of the newest packages it is made again where it was made on another day.
    """
    lacking = [] if client.kind == "python" else [each for each in ("node", "npm") if shutil.which(each) is None]
    if lacking:
        return f"not run: it needs {' and '.join(lacking)}, not found on the PATH"
    place = HOME / ("newest" if newest else "pinned") / client.name
    recipe = {"wanted": list(client.wanted), "day": time.strftime("%Y-%m-%d", time.gmtime()) if newest else None}
    stamp = place / _STAMP
    if not (stamp.is_file() and json.loads(stamp.read_text())["recipe"] == recipe):
        shutil.rmtree(place, ignore_errors=True)
        (place / "home").mkdir(parents=True)
        if problem := (_with_pip if client.kind == "python" else _with_npm)(place, client.wanted):
            return problem
        # Only what was installed to its end has one.
        stamp.write_text(json.dumps({"recipe": recipe, "versions": _versions(place, client)}))
    program = str(place / "bin" / "python") if client.kind == "python" else shutil.which("node") or "node"
    return Environment(place, program, json.loads(stamp.read_text())["versions"])


def _with_pip(place: Path, wanted: Sequence[str]) -> str | None:
    venv.create(place, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", str(place), "--disable-pip-version-check", "install", "--quiet"]
    # None of these packages has to be built, and what a source distribution runs is not looked at.
    errors = _run([*command, "--only-binary=:all:", *wanted], place)
    return None if errors is None else f"pip could not install it: {(errors or [_SILENT])[-1]}"


def _with_npm(place: Path, wanted: Sequence[str]) -> str | None:
    (place / "package.json").write_text('{"private": true, "type": "module"}')
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--save-exact"]
    errors = _run(["npm", "install", *options, *wanted], place)
    # The first line is a code, and the second says what it is about.
    return None if errors is None else f"npm could not install it: {', '.join(errors[:2]) or _SILENT}"


def _run(command: Sequence[str], place: Path) -> list[str] | None:
    """None where the command succeeds; otherwise the errors that it told, if any."""
    try:
        done = subprocess.run(  # noqa: S603  (pip and npm, with arguments of ours)
            command, cwd=place, env=os.environ, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"not done within {_SECONDS} s"]
    return None if done.returncode == 0 else _ERROR.findall(done.stderr)


def _versions(place: Path, client: PinnedClient) -> dict[str, str]:
    if client.kind == "npm":
        files = {name: place / "node_modules" / name / "package.json" for name in client.packages}
        return {name: json.loads(file.read_text())["version"] for name, file in files.items()}
    folder = next(place.glob("lib/python*/site-packages"))
    return {name: _version(folder, name) for name in client.packages}


def _version(folder: Path, name: str) -> str:
    """The version of a package in a folder of packages, by the name of its folder of metadata."""
    wanted = name.replace("-", "_")
    found = [each.name for each in folder.glob("*.dist-info") if each.name.lower().startswith(f"{wanted}-")]
    return found[0].removesuffix(".dist-info").partition("-")[2] if found else "?"
