"""`make fresh` on a machine that does not permit it: never a silent success."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checks.fresh.root import mounted_in

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


@pytest.mark.parametrize("folder", ["/tmp/aimux-fresh-1", "/mnt/a folder/aimux-fresh-1"])
def test_what_is_mounted_in_the_folder_is_found_before_that_is_removed(folder: str) -> None:
    """What is overlooked would be removed with it: `/dev` of the machine, for one."""
    written = folder.replace(" ", "\\040")
    points = [f"{written}/dev", f"{written}/dev/pts", f"{written}0/dev", "/", "/dev"]
    table = "".join(f"udev {point} devtmpfs rw 0 0\n" for point in points)
    assert mounted_in(Path(folder), table) == [f"{folder}/dev/pts", f"{folder}/dev"]


def test_a_folder_behind_a_link_is_looked_at_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "mmdebstrap").write_text('#!/bin/sh\necho "$@" >&2\nexit 1\n')
    (tmp_path / "mmdebstrap").chmod(0o755)
    program = "import sys; from checks.fresh.__main__ import main; sys.exit(main([]))"
    path = f"{tmp_path}:{os.environ['PATH']}"
    env = {**os.environ, "AIMUX_FRESH_ISOLATED": "1", "PATH": path, "TMPDIR": str(tmp_path / "link")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert "could not make a Debian" in done.stdout
    assert f"{tmp_path}/real/aimux-fresh-" in done.stdout
    assert f"{tmp_path}/link" not in done.stdout
