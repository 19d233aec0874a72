"""A root file system with a bare Debian, and what of this machine's configuration is lent to it.

The configuration of apt, pip and npm, certificates and name servers are mounted into it and taken from the environment:
no address of a registry is written anywhere. All mounts end with the mount namespace of this process.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUITE: Final = "bookworm"
USER: Final = "dev"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LENT: Final = (
    *("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/usr/share/ca-certificates"),
    *("/usr/local/share/ca-certificates", "/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/apt.conf.d"),
    *("/etc/apt/auth.conf.d", "/etc/apt/keyrings", "/etc/apt/trusted.gpg.d"),
    *("/etc/pip.conf", "/etc/xdg/pip", "/etc/npmrc", "/usr/etc/npmrc"),
)
_LENT_OF_HOME: Final = (".config/pip/pip.conf", ".pip/pip.conf", ".npmrc")
_LENT_VARIABLES: Final = re.compile(
    r"PIP_\w+|NPM_CONFIG_\w+|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|(HTTPS?|NO|ALL)_PROXY|LANG",
    re.IGNORECASE,
)
_OCTAL: Final = re.compile(r"\\([0-7]{3})")


class CannotError(Exception):
    """This machine does not permit the check; the message says why."""


def make_base(folder: Path) -> None:
    """Make a Debian with apt, certificates and sudo. Raises CannotError."""
    if shutil.which("mmdebstrap") is None:
        raise CannotError("mmdebstrap is not installed and could not be installed")
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    sources = [str(each) for each in lists if each.suffix in {".list", ".sources"} and each.is_file()]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,sudo", SUITE, str(folder)]
    done = subprocess.run([*command, *sources], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise CannotError(f"mmdebstrap could not make a Debian {SUITE}:\n{done.stderr[-2000:]}")


@dataclass(frozen=True, slots=True)
class Root:
    """A root file system that is ready: commands run in it as root or as the user `dev`."""

    folder: Path
    user: str

    @property
    def home(self) -> Path:
        """The home of the user, as seen from inside."""
        return Path("/root" if self.user == "root" else f"/home/{self.user}")

    def outside(self, path: Path) -> Path:
        """Where a path of the inside is."""
        return self.folder / path.relative_to("/")

    def command(self, script: str, folder: Path, **variables: str) -> list[str]:
        """The command that runs a script of bash inside, in a folder."""
        environment = {name: value for name, value in os.environ.items() if _LENT_VARIABLES.fullmatch(name)}
        environment |= {"HOME": str(self.home), "USER": self.user, "PATH": _PATH, "TERM": "dumb", **variables}
        words = [f"{name}={value}" for name, value in environment.items()]
        inside = ["env", "-i", f"--chdir={folder}", *words, "bash", "-c", script]
        return ["chroot", f"--userspec={self.user}:{self.user}", str(self.folder), *inside]

    def processes(self) -> list[str]:
        """The command lines of the processes inside."""
        found = []
        for entry in (self.folder / "proc").glob("[0-9]*"):
            try:
                if (entry / "root").readlink() == self.folder:
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        return found


def open_root(base: Path, folder: Path, user: str) -> Root:
    """Copy the base, and lend it what it needs of this machine. Raises CannotError where mounting is not permitted."""
    _run("cp", "-a", str(base), str(folder))
    root = Root(folder.resolve(), user)
    _run("mount", "-t", "proc", "proc", str(folder / "proc"))
    for name in ("dev", "sys"):
        _run("mount", "--rbind", f"/{name}", str(folder / name))
    if user != "root":
        _run("chroot", str(folder), "useradd", "--create-home", "--shell", "/bin/bash", user)
        (folder / "etc/sudoers.d" / user).write_text(f"{user} ALL=(ALL) NOPASSWD: ALL\n")
    for path in _lent():
        _lend(path, root.outside(path))
    for name in _LENT_OF_HOME:
        _copy(Path.home() / name, root.outside(root.home / name))
    _run("chroot", str(folder), "chown", "--recursive", f"{user}:{user}", str(root.home))
    return root


def _lent() -> Iterator[Path]:
    yield from (Path(each) for each in _LENT if Path(each).exists())
    yield from _folders_of_pip()


def _folders_of_pip() -> Iterator[Path]:
    """Folders of this machine in which pip's configuration has it find packages: whole, since indexes point within."""
    told = subprocess.run(["python3", "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)  # noqa: S607  # nosec B607
    named = re.findall(r"(?<![\w/:])(?:file://)?(/(?:opt|srv)/[\w.+-]+)", told.stdout)
    yield from (Path(each) for each in sorted(set(named)) if Path(each).is_dir())


def _lend(path: Path, target: Path) -> None:
    if path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.touch()
    _run("mount", "--bind", "-o", "ro", str(path), str(target))


def _copy(path: Path, target: Path) -> None:
    """Copied, since the file of another user could not be read."""
    if path.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise CannotError(f"'{' '.join(command)}' failed: {done.stderr.strip()}")


def mounted_in(folder: Path, table: str) -> list[str]:
    """Mount points in a folder, the deepest first; `table` is the kernel's, with some signs in octal digits."""
    points = (line.split()[1] for line in table.splitlines())
    plain = (_OCTAL.sub(lambda sign: chr(int(sign[1], 8)), point) for point in points)
    return sorted((point for point in plain if Path(point).is_relative_to(folder)), reverse=True)


def tell(lines: Iterable[str]) -> None:
    """Print lines at once, each marked as this program's."""
    for line in lines:
        print(f"fresh: {line}", flush=True)
