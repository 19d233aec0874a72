"""The build that wrote the old log: taken out of the repository's history, and run by this interpreter."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from e2e_support.gateway import ROOT

COMMIT = "70621b5bdc2db7b4145bab15817b18841a8b23a1"
"""The last commit whose records have neither `chosen_by` nor `part`."""
_PROBE = """
import importlib.util, json, os, sys
found = importlib.util.find_spec("aimux")
line = json.dumps({"origin": found and found.origin, "command": sys.orig_argv}) + "\\n"
file = os.open(os.environ["AIMUX_TEST_ORIGINS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
os.write(file, line.encode())
os.close(file)
"""


def is_in_history() -> bool:
    """Whether the repository has the commit; a shallow clone or an unpacked archive has not."""
    command = ["git", "-C", str(ROOT), "cat-file", "-e", f"{COMMIT}^{{commit}}"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class OldBuild:
    """The commit's sources in a folder. Processes started with `environment` import them, and say so in a file."""

    def __init__(self, folder: Path) -> None:
        """Takes out `src`. Raises CalledProcessError where the repository lacks the commit."""
        self._source = folder / "old-build"
        command = ["git", "-C", str(ROOT), "archive", COMMIT, "src"]
        packed = subprocess.run(command, capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(self._source, filter="data")
        probe = folder / "probe"
        probe.mkdir()
        (probe / "sitecustomize.py").write_text(_PROBE)
        self._origins = folder / "origins.jsonl"
        paths = os.pathsep.join(map(str, (self._source / "src", probe)))
        self.environment: Mapping[str, str] = {"PYTHONPATH": paths, "AIMUX_TEST_ORIGINS": str(self._origins)}

    def check_origins(self) -> None:
        """Check that every process so far imported this build: gateways, workers, indexers and commands."""
        lines = [json.loads(line) for line in self._origins.read_text().splitlines()]
        wanted = str(self._source / "src" / "aimux" / "__init__.py")
        others = [line for line in lines if line["origin"] != wanted]
        assert not others, f"these processes ran another build: {others}"
        commands = [" ".join(line["command"]) for line in lines]
        for process in ("aimux run", "aimux.app.supervised", "aimux.audit.indexing", "aimux audit"):
            assert any(process in command for command in commands), f"no process was seen to be {process}"
