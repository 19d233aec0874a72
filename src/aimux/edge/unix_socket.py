"""Unix sockets by path: bound for some only, put in the place of a dead one, and removed by who made them."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ADMIN_SOCKET: Final = "admin.sock"
"""The operators' socket in the folder of the state."""
_LONGEST: Final = 107
"""Bytes of a path that the system takes as a socket's address."""


class LiveSocketError(Exception):
    """Somebody listens there."""


@dataclass(frozen=True, slots=True)
class SocketFile:
    """A socket that is bound to a path, and the file there by its device and inode."""

    socket: socket.socket
    path: Path
    identity: tuple[int, int]

    def close(self) -> None:
        """Close it, and remove its file unless that is another one by now."""
        self.socket.close()
        with suppress(OSError):
            if _identity(self.path) == self.identity:
                self.path.unlink()


def bind_file(path: Path, mode: int) -> SocketFile:
    """A socket bound to a path, whose file has this mode. One that a dead process left there is replaced.

    Raises LiveSocketError where somebody listens there, OSError where the file cannot be made, also where something
    else than a socket is there.
    """
    bound = socket.socket(socket.AF_UNIX)
    try:
        with short_address(path) as address:
            _clear(path, address)
            os.fchmod(bound.fileno(), mode)  # on Linux the file has it from its first moment
            bound.bind(address)
        path.chmod(mode)
        return SocketFile(bound, path, _identity(path))
    except BaseException:
        bound.close()
        raise


@contextmanager
def short_address(path: Path) -> Iterator[str]:
    """A path as a socket's address, while the block runs: a longer one leads through a descriptor of its folder.

    Raises OSError where there is no such folder, or the name alone is too long.
    """
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        address = f"/proc/self/fd/{folder}/{path.name}"
        if len(os.fsencode(address)) > _LONGEST or not Path(f"/proc/self/fd/{folder}").exists():
            raise OSError(errno.ENAMETOOLONG, f"a socket's path has at most {_LONGEST} bytes here")
        yield address
    finally:
        os.close(folder)


def _clear(path: Path, address: str) -> None:
    """Remove the file of a socket on which nobody listens."""
    if not path.is_socket():
        return  # whatever else is there, binding finds it
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(address)
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
        except BlockingIOError:
            pass  # its backlog is full: somebody listens
    raise LiveSocketError


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
