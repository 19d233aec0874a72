"""`make fresh` on a machine that does not permit it: never a silent success."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("arguments", "code"), [((), 3), (("--optional",), 0)])
def test_what_the_machine_does_not_permit_is_said(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\necho unshare: not permitted >&2\nexit 1\n")
    unshare.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "checks.fresh", *arguments],
        cwd=ROOT, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    reason = "unshare: not permitted" if os.geteuid() == 0 else "it needs root, for a chroot: sudo make fresh"
    assert done.stdout == f"fresh: NOT CHECKED, since this machine does not permit it: {reason}\n"
    assert done.returncode == code


def test_without_mmdebstrap_it_is_said_and_nothing_stays(tmp_path: Path) -> None:
    program = "import sys; from checks.fresh.__main__ import main; sys.exit(main([]))"
    env = {**os.environ, "AIMUX_FRESH_ISOLATED": "1", "PATH": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert "NOT CHECKED, since this machine does not permit it: mmdebstrap is not installed" in done.stdout
    assert done.returncode == 3
    assert not list(tmp_path.iterdir())
