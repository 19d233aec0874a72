"""docs/howto.md, done word for word in a copy of the project: its changes fit, its programs print what it says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs_support.blocks import Block, blocks_of, typed, write
from docs_support.printed import is_as_said

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "howto.md"
COPIED = (
    *("src", "docs", "tests/core", "tests/architecture", "tests/audit", "dashboard/src", "pyproject.toml"),
    *("checks/__init__.py", "checks/audit_tables.py"),
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project, as far as the document changes it or runs it."""
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("bundle", "__pycache__", "*.gen.ts"))
        else:
            shutil.copy(source, target)
    return tmp_path


def run(block: Block, folder: Path) -> None:
    """Type the commands of a block, and see that they print what it says."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    for command in typed(block):
        line = command.command.replace("python", sys.executable, 1)
        done = subprocess.run(
            line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        printed = done.stdout.splitlines()
        assert is_as_said(command.printed, printed), f"line {command.line}: {done.stdout}{done.stderr}"
        assert done.returncode == 0, done.stderr


def test_every_change_fits_and_every_program_prints_what_is_said(copy: Path) -> None:
    done = 0
    for block in blocks_of(PAGE.read_text("utf-8")):
        if block.language == "console":
            run(block, copy)
        else:
            assert block.is_run, f"line {block.line}: a block that nobody runs"
            write(block, copy)
        done += 1
    assert done > 10
