"""A worker's state: what is told of it, and that nothing is made ready before the standing is known."""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from aimux.app import keeping
from aimux.app.errors import ReloadError, StartError
from aimux.app.keeping import Keeping, claimed, held
from aimux.gateway.live import Live
from aimux.state.database import Database
from aimux.state.opening import open_state


class Log:
    """Keeps what was told."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    @property
    def event(self) -> "Log":
        return self

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append({"event": event, "level": "info", **fields})

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append({"event": event, "level": "warning", **fields})

    error = warning


def test_nothing_is_ready_while_the_state_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: Database) -> None:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
        raise error

    async def main() -> None:
        before = open_state(tmp_path, time.time).store
        version = (await before.add("counts", "n", 1)).version
        await before.close()
        monkeypatch.setattr(Database, "begin_reading", busy)
        monkeypatch.setattr(keeping, "_PATIENCE", 1.5)
        live = Live()
        state = Keeping(tmp_path, live, Log(), claim=claimed(tmp_path))  # type: ignore[arg-type]
        with pytest.raises(ReloadError, match="the state cannot be read"):
            await state.ready()
        assert live.standing.version == 0
        monkeypatch.undo()
        await state.ready()
        assert live.standing.version == version
        await state.close()

    asyncio.run(main())


def test_a_fault_at_the_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise LookupError("nobody expects it")

    async def main() -> None:
        monkeypatch.setattr(keeping, "_PATIENCE", 0.5)
        monkeypatch.setattr(Keeping, "_tell", fails)
        live = Live()
        state = Keeping(tmp_path, live, Log(), claim=claimed(tmp_path))  # type: ignore[arg-type]
        with pytest.raises(ReloadError, match="LookupError: nobody expects it"):
            await state.ready()
        assert live.obstacles
        await state.close()

    asyncio.run(main())


def test_a_folder_that_is_not_claimed_is_used_by_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    (folder / "lock").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    log, claim = Log(), claimed(folder)

    async def main() -> None:
        state = held(folder, claim, log)  # type: ignore[arg-type]
        assert state.place.files is None
        alone = Keeping(folder, Live(), Log(), claim=claim)  # type: ignore[arg-type]
        assert not alone.shown.lasting
        await alone.close()

    asyncio.run(main())
    assert [line["level"] for line in log.lines] == ["warning"]
    (folder / "state.db").touch(0o600)
    with pytest.raises(StartError, match="cannot be used"):
        held(folder, claim, log)  # type: ignore[arg-type]
