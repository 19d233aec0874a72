"""What `make fresh` takes into its chroot."""

import subprocess
from pathlib import Path

import pytest

from checks.fresh.checkout import copy


@pytest.mark.parametrize("is_repository", [True, False])
def test_a_copy_holds_what_is_committed_and_nothing_that_was_made(tmp_path: Path, is_repository: bool) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    for name in ("README.md", "src/code.py", ".venv/bin/python", "page/build/index.html", "page/src/build.py"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (source / ".gitignore").write_text(".venv/\n/page/build/\n*.pyc\n")
    (source / "src/code.pyc").write_text("made")
    if is_repository:
        git = ["git", "-C", str(source), "-c", "user.name=a", "-c", "user.email=a@b.c"]
        for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"]):
            subprocess.run([*git, *arguments], check=True)
    copy(source, target)
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    kept = {name for name in found if not name.startswith(".git/")}
    assert kept == {".gitignore", "README.md", "src/code.py", "page/src/build.py"}
