"""A log that is open, and what others do to its files."""

import asyncio
import gzip
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aimux.audit.incidents import Harm, Outcome
from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import PUBLIC_KEY, Verifier
from aimux.audit.verify import verify
from audit_support.files import records

Make = Callable[..., Any]
Body = Callable[["Running"], Awaitable[None]]


class Running:
    """A log that is open, with what it told; `turn` has it look after its files once."""

    def __init__(self, settings: AuditSettings, made: Make) -> None:
        self.troubles: list[str | None] = []
        self.warnings: list[str] = []
        self.log = AuditLog(settings, 1, self.troubles.append, self.warnings.append)
        self.folder = settings.path / "chain-1"
        self._made = made
        self._number = 0

    def serve(self, count: int = 3) -> None:
        for _ in range(count):
            self._number += 1
            record = self._made(self._number)
            self.log.decided(record)
            self.log.request(record)
        self.log.flush()

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        self.log._upkeep._tick()
        for _ in range(3):  # looking, sealing, and what follows from both
            await loop.run_in_executor(self.log._disk, int)
            for _ in range(3):
                await asyncio.sleep(0)

    @property
    def live(self) -> Path:
        return self.log.writer.segment.path

    @property
    def incidents(self) -> dict[tuple[Outcome, Harm], int]:
        return dict(self.log.counts.incidents)


def run(tmp_path: Path, made: Make, body: Body, **settings: Any) -> Running:
    """Open a log of its own, do something with it, and close it."""
    found: list[Running] = []

    async def main() -> None:
        running = Running(AuditSettings(tmp_path / "audit", checkpoint_interval=3600, **settings), made)
        found.append(running)
        running.serve()
        await running.turn()
        await body(running)
        running.log.close()

    asyncio.run(main())
    return found[0]


def kinds(log: Path) -> list[str]:
    return [each["kind"] for each in records(log)]


def faults(log: Path) -> list[str]:
    return [str(verdict.fault) for verdict in verify(log, Verifier.at(log / PUBLIC_KEY)) if verdict.fault is not None]


def renamed(path: Path) -> None:
    path.rename(path.with_suffix(".1"))


def deleted(path: Path) -> None:
    path.unlink()


def compressed(path: Path) -> None:
    path.with_suffix(".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def rotated(path: Path) -> None:
    """As logrotate does with `create`."""
    renamed(path)
    path.touch()


def edited(path: Path) -> None:
    """As `sed -i` does."""
    other = path.with_name("edited")
    other.write_bytes(path.read_bytes().replace(b"revenue", b"nothing"))
    other.replace(path)


def appended(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"what somebody else says, without an end")


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def shortened(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def overwritten(path: Path) -> None:
    path.write_bytes(b"x" * 50_000)


def changed_in_place(path: Path) -> None:
    """Without a change of its size."""
    with path.open("r+b") as file:
        file.seek(-100, os.SEEK_END)
        file.write(b"x" * 50)


def cut_checkpoints(path: Path) -> None:
    os.truncate(path, 10)


def changed_later(path: Path) -> None:
    """The same, at another time than the gateway's last write by the clock of the file system."""
    changed_in_place(path)
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 20_000_000))
