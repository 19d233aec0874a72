"""Names and addresses that a test makes up: a mount namespace with its own files, and addresses that never answer."""

import contextlib
import functools
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import pytest

_SCRIPT = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit; shift 2; done; shift; exec "$@"'


def within(files: Mapping[str, Path]) -> list[str]:
    """The beginning of a command that sees `files` in place of the system's, by path; skips where that is forbidden."""
    if not _permitted():
        pytest.skip("mount namespaces may not be made here: that needs root on Linux")
    pairs = [str(each) for path, file in files.items() for each in (file, path)]
    return ["unshare", "-m", "--", "sh", "-c", _SCRIPT, "sh", *pairs, "--"]


@functools.cache
def _permitted() -> bool:
    command = ["unshare", "-m", "--", "mount", "--bind", "/etc/hosts", "/etc/hosts"]
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False


@contextlib.contextmanager
def unanswering(host: str, port: int = 0) -> Iterator[int]:
    """A port where connecting is neither accepted nor refused: the kernel's queue is full, and nobody takes from it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as full, contextlib.ExitStack() as waiting:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((host, port))
        full.listen(0)
        for _ in range(4):
            crowd = waiting.enter_context(socket.socket(family))
            crowd.setblocking(False)
            crowd.connect_ex(full.getsockname())
        yield full.getsockname()[1]


class NameServer:
    """A DNS server on port 53 of `host` that says of every name that it does not exist, or nothing where it `hangs`."""

    def __init__(self, host: str, *, hangs: bool) -> None:
        self.asked = 0
        self._hangs = hangs
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((host, 53))
        except PermissionError:
            self._socket.close()
            pytest.skip("port 53 may not be bound here: that needs root")
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(
            OSError
        ):  # a datagram socket without a peer says so, and wakes its reader all the same
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, peer = self._socket.recvfrom(4096)
            except OSError:
                return
            if not question:
                return
            self.asked += 1
            if not self._hangs:
                # The question comes back as a response (QR, RD, RA) with the code NXDOMAIN.
                self._socket.sendto(question[:2] + b"\x81\x83" + question[4:6] + bytes(6) + question[12:], peer)
