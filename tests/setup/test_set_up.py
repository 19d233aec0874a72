"""Set-up by make: moved folders, missing packages, a dashboard that cannot be built. No package is really installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKE = ROOT / "make"
# A virtual environment without pip takes a fraction of the time.
QUICK_PYTHON = f"""#!/bin/sh
case "$*" in "-m venv "*) exec {sys.executable} "$@" --without-pip ;; esac
exec {sys.executable} "$@"
"""
Program = Callable[[str, str], Path]

pytestmark = pytest.mark.needs("make")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a program of a name, in the folder `programs`, which PATH begins with."""
    folder = tmp_path / "programs"
    folder.mkdir()

    def make(name: str, script: str) -> Path:
        path = folder / name
        path.write_text(script)
        path.chmod(0o755)
        return path

    return make


def run(folder: Path, *command: object, **environ: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder.parent / 'programs'}:{os.environ['PATH']}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    env = {**inherited, "PATH": path, **environ}
    return subprocess.run(
        [*map(str, command)], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def checkout(tmp_path: Path, program: Program) -> Path:
    """A folder with what make reads before it installs anything."""
    program("python3", QUICK_PYTHON)
    folder = tmp_path / "checkout"
    shutil.copytree(MAKE, folder / "make")
    shutil.copy(ROOT / "Makefile", folder)
    for name in ("requirements", "dashboard"):
        (folder / name).mkdir()
    for name in ("requirements/run.txt", "pyproject.toml", "hatch_build.py"):
        (folder / name).touch()
    return folder


def set_up(checkout: Path) -> str:
    done = run(checkout, "make", ".venv/venv.stamp")
    assert done.returncode == 0, done.stderr
    return done.stdout


def would_install(checkout: Path) -> bool:
    return "Installing the dependencies" in run(checkout, "make", "--dry-run", ".venv/run.stamp").stdout


def test_a_virtual_environment_is_made_once(checkout: Path) -> None:
    assert "Making the virtual environment .venv\n" in set_up(checkout)
    (checkout / ".venv/run.stamp").touch()
    assert "Making" not in set_up(checkout)
    assert not would_install(checkout)


@pytest.mark.parametrize("how", ["move", "copy"])
def test_it_is_made_anew_where_the_folder_was_moved_or_copied(checkout: Path, how: str) -> None:
    set_up(checkout)
    (checkout / ".venv/run.stamp").touch()
    (checkout / ".venv/old").touch()
    elsewhere = checkout.with_name("elsewhere")
    run(checkout.parent, *(("mv",) if how == "move" else ("cp", "-a")), checkout, elsewhere)
    assert would_install(elsewhere)
    assert f"This folder was moved or copied from {checkout}: making" in set_up(elsewhere)
    assert not (elsewhere / ".venv/old").exists()
    assert f"{elsewhere}/.venv" in (elsewhere / ".venv/bin/activate").read_text()
    assert "anew" not in set_up(elsewhere)
    if how == "copy":
        assert (checkout / ".venv/old").exists()
        assert not would_install(checkout)


def test_it_is_made_anew_where_its_python_is_gone(checkout: Path) -> None:
    set_up(checkout)
    for name in ("python", "python3"):
        (checkout / ".venv/bin" / name).unlink()
    assert "The virtual environment .venv does not work as it is: making it anew\n" in set_up(checkout)
    assert (checkout / ".venv/bin/python").exists()


def test_a_virtual_environment_that_somebody_else_made_is_not_cleared(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv/mine").touch()
    set_up(checkout)
    assert (checkout / ".venv/mine").exists()


def test_help_makes_nothing(checkout: Path) -> None:
    done = run(checkout, "make")
    assert "make run " in done.stdout
    assert "make dashboard " in done.stdout
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_too_old_is_named(checkout: Path, program: Program) -> None:
    claim = "import sys; sys.version_info = (3, 10, 2); exec(sys.argv[1])"
    old = f'#!/bin/sh\n[ "$1" = -c ] || exec {sys.executable} "$@"\nexec {sys.executable} -c "{claim}" "$2"\n'
    program("python3", old)
    done = run(checkout, "make", ".venv/venv.stamp")
    assert done.returncode != 0
    assert "AIMux needs Python 3.11 or newer, and python3 is Python 3" in done.stdout
    assert not (checkout / ".venv").exists()


def apt(program: Program, log: Path, *, user: int, code: int = 0) -> None:
    program("id", f"#!/bin/sh\necho {user}\n")
    program("apt-get", f'#!/bin/sh\necho "$@" >> {log}\necho no such package\n[ "$1" = update ] || exit {code}\n')


@pytest.mark.parametrize(("kind", "code"), [("required", 1), ("optional", 0)])
def test_without_root_it_says_which_packages_to_install(
    tmp_path: Path, checkout: Path, program: Program, kind: str, code: int
) -> None:
    apt(program, tmp_path / "log", user=1000)
    done = run(checkout, MAKE / "packages.sh", kind, "This needs two", "one", "two")
    assert done.returncode == code
    command = "sudo apt-get update && sudo apt-get install -y --no-install-recommends one two"
    assert done.stdout.splitlines()[0] == f"This needs two. To install them: {command}"
    assert not (tmp_path / "log").exists()


def test_root_gets_the_lists_and_then_the_packages(tmp_path: Path, checkout: Path, program: Program) -> None:
    apt(program, tmp_path / "log", user=0)
    done = run(checkout, MAKE / "packages.sh", "required", "This needs two", "one", "two")
    assert done.returncode == 0
    assert done.stdout == "This needs two. Installing the Debian packages: one two\n"
    assert (tmp_path / "log").read_text() == "update\ninstall -y --no-install-recommends one two\n"


@pytest.mark.parametrize(("kind", "code"), [("required", 1), ("optional", 0)])
def test_what_apt_says_is_shown_where_it_fails(
    tmp_path: Path, checkout: Path, program: Program, kind: str, code: int
) -> None:
    apt(program, tmp_path / "log", user=0, code=100)
    done = run(checkout, MAKE / "packages.sh", kind, "This needs one", "one")
    assert done.returncode == code
    assert "no such package\nThese packages could not be installed, see above: one\n" in done.stdout


@pytest.mark.parametrize("is_there", [True, False])
def test_a_library_that_the_browser_needs_is_found_in_a_long_list(
    checkout: Path, program: Program, *, is_there: bool
) -> None:
    """Longer than a pipe holds, so that a reader that leaves early ends who writes it."""
    program("chromium", "#!/bin/sh\n")
    program("id", "#!/bin/sh\necho 1000\n")
    program("ldconfig", f"#!/bin/sh\necho {'libatomic.so.1' if is_there else 'libc.so.6'}\nseq 100000\n")
    done = run(checkout, MAKE / "tools.sh", "chromium")
    assert ("libatomic1" in done.stdout) is not is_there
    assert done.returncode == 0


def test_a_dashboard_that_failed_is_not_tried_again_with_the_same_files(checkout: Path, program: Program) -> None:
    tries = checkout / "tries"
    page = checkout / "dashboard/page.ts"
    page.write_text("wrong")
    program("failing", f'#!/bin/sh\necho "$@" >> {tries}\n! grep -q wrong dashboard/page.ts\n')

    def build() -> str:
        done = run(checkout, MAKE / "dashboard.sh", "dashboard/page.ts", MAKE="failing")
        assert done.returncode == 0
        return done.stdout

    assert "could not be built, see above" in build()
    assert "since that failed before with the same files. To try again: make dashboard" in build()
    assert tries.read_text().splitlines() == ["--no-print-directory dashboard"]
    page.write_text("wrong in another way")
    assert "could not be built, see above" in build()
    page.write_text("right")
    assert build() == ""
    assert len(tries.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("version", "fits"),
    [("18.20.4", ""), ("20.18.9", ""), ("20.19.0", "yes"), ("21.7.3", ""), ("22.12.0", ""), ("22.13.0", "yes"),
     ("23.4.0", ""), ("23.5.1", "yes"), ("24.0.0", "yes"), ("30.1.0", "yes")],
)  # fmt: skip
def test_which_node_is_used(tmp_path: Path, checkout: Path, program: Program, version: str, fits: str) -> None:
    claim = tmp_path / "claim.cjs"
    claim.write_text(
        f"Object.defineProperty(process, 'versions', {{value: {{...process.versions, node: '{version}'}}}})"
    )
    real = shutil.which("node") or ROOT / ".venv/node/bin/node"  # make gets the second where the machine has none
    program("npm", "#!/bin/sh\n")
    program("node", f'#!/bin/sh\n[ "$1" = -e ] || exec {real} "$@"\nexec {real} -r {claim} "$@"\n')
    done = run(checkout, "make", "--eval", 'show: ; @echo "$(NODE_FITS) $(NODE)"', "show")
    assert done.stdout.strip() == (fits or ".venv/node.stamp")
