"""A checkout as a stranger gets it: what is committed, and nothing that make has made."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Clone HEAD of `source`; where that is no repository of git's, copy it without what its .gitignore names.

    Raises SubprocessError and OSError.
    """
    if (source / ".git").exists():
        # The repository may belong to another user than the one who clones it.
        clone = [
            "git",
            "-c",
            f"safe.directory={source}",
            "clone",
            "--quiet",
            "--no-hardlinks",
            str(source),
            str(target),
        ]
        subprocess.run(clone, check=True)  # noqa: S603
        return
    patterns = [line.strip("/") for line in (source / ".gitignore").read_text().split()]
    shutil.copytree(source, target, symlinks=True, ignore=_ignoring(source, patterns))


def _ignoring(source: Path, patterns: Sequence[str]) -> Callable[[str, list[str]], set[str]]:
    """For `copytree`: the names in a folder that a pattern fits; one with a slash fits the path within `source`."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        within = Path(folder).relative_to(source)
        return {name for name in names if any(_fits(within / name, pattern) for pattern in patterns)}

    return ignored


def _fits(path: Path, pattern: str) -> bool:
    return fnmatch(path.as_posix() if "/" in pattern else path.name, pattern)
