"""`python -m clients.run`: runs real clients against a gateway, and writes down what their users see."""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from aimux import __version__
from bench.processes import end_on_signals
from clients import ROOT, ClientsError, environments, pins
from clients.document import put_between
from clients.measure import Installed, Observed, Session
from clients.pins import PinnedClient
from clients.report import Observations, as_json, differences, from_json, markdown
from clients.situations import SITUATIONS

_DOCUMENT: Final = ROOT / "docs" / "clients.md"
_RESULTS: Final = ROOT / "clients" / ".results"


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the clients; the exit code."""
    options = _parser().parse_args(arguments)
    newest = environment.get("NEWEST", "0") not in {"", "0"}
    end_on_signals()
    try:
        with _alone():
            _run(options.clients, newest=newest)
    except (ClientsError, OSError) as error:
        sys.stderr.write(f"clients: {error}\n")
        return 1
    return 0


def _run(wanted: Sequence[str], *, newest: bool) -> None:
    clients = pins.load(pins.FILE.read_text(), newest=newest)
    if unknown := set(wanted) - {client.name for client in clients}:
        raise ClientsError(f"there is no {', '.join(unknown)}: choose of {', '.join(each.name for each in clients)}")
    pinned = _RESULTS / "pinned.json"
    before = None
    if not wanted:
        # Better found out now than after minutes of measuring.
        put_between(_DOCUMENT.read_text(), _part(newest=newest), "")
        if newest:
            before = _kept(pinned)
    run = _observations([each for each in clients if not wanted or each.name in wanted], newest=newest)
    if wanted:
        _tell(markdown(run, SITUATIONS))
        return
    _RESULTS.mkdir(exist_ok=True)
    (_RESULTS / "newest.json" if newest else pinned).write_text(as_json(run))
    content = markdown(run, SITUATIONS) if before is None else differences(run, before, SITUATIONS)
    _DOCUMENT.write_text(put_between(_DOCUMENT.read_text(), _part(newest=newest), content))
    _tell(f"{_DOCUMENT.name} has what was seen")


def _observations(clients: Sequence[PinnedClient], *, newest: bool) -> Observations:
    installed: list[Installed] = []
    found: dict[str, Observed] = {}
    for client in clients:
        _tell(f"{client.name}: {'the newest of ' if newest else ''}{' '.join(client.wanted)}")
        environment = environments.find(client, newest=newest)
        if isinstance(environment, str):
            _tell(f"{client.name}: {environment}")
            found[client.name] = Observed(client.name, problem=environment)
        else:
            installed.append((client, environment))
    if installed:
        found |= {each.name: each for each in Session(SITUATIONS, _tell).run(installed)}
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return Observations(day, __version__, _node(), tuple(found[client.name] for client in clients))


def _kept(file: Path) -> Observations:
    try:
        return from_json(file.read_text())
    except (FileNotFoundError, ValidationError):
        raise ClientsError("there is nothing to compare the newest with: run `make clients` first") from None


def _part(*, newest: bool) -> str:
    return "newest" if newest else "pinned"


def _node() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    return subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _alone() -> Iterator[None]:
    """Keep a second run from the same environments. Raises ClientsError."""
    environments.HOME.mkdir(exist_ok=True)
    with (environments.HOME / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ClientsError("another run is going on here: wait for its end") from None
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m clients.run", description="Real clients: docs/clients.md")
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help="run only these, and only print what was seen")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
