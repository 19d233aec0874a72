"""A gateway takes over what an operator's command was recorded with, and nothing else, with one process or several."""

import asyncio
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from aimux.app.alone import _Reloading
from aimux.app.errors import CHANGED_MEANWHILE
from aimux.app.supervisor import Supervisor
from aimux.app.wanted import Wanted
from aimux.app.worker import Worker
from aimux.config.load import Loaded, load
from aimux.state.places import StatePlace

CONFIG = "routes: [{name: a, upstream: 'http://127.0.0.1:9'}]\n"


class Serving:
    """Of a worker what taking over needs."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.enforced: list[Loaded] = []
        self.log = SimpleNamespace(event=SimpleNamespace(error=self._hear, warning=self._hear, info=self._hear))

    def _hear(self, event: str, **more: Any) -> None: ...

    async def prepare(self, loaded: Loaded, _: object) -> Loaded:
        return loaded

    def enforce(self, made: Loaded) -> None:
        self.enforced.append(made)

    def note_reload(self, problems: tuple[str, ...]) -> None: ...

    def look(self, made: Loaded) -> None: ...


def taken_over(path: Path, then: str) -> tuple[tuple[str, ...], list[Loaded]]:
    """The outcome where the file says something `then`, after it was read for a command."""
    path.write_text(CONFIG)
    wanted = load(path, os.environ)
    path.write_text(then)

    async def scene() -> tuple[tuple[str, ...], list[Loaded]]:
        worker = Serving(wanted)
        with socket.create_server(("127.0.0.1", 0)) as bound:
            problems = await _Reloading(cast("Worker", worker), bound).take_over(wanted)
        return problems, worker.enforced

    return asyncio.run(scene())


def test_what_the_file_still_says_is_taken_over(tmp_path: Path) -> None:
    problems, enforced = taken_over(tmp_path / "aimux.yaml", f"# a comment\n{CONFIG}")
    assert (problems, len(enforced)) == ((), 1)


def test_a_file_that_has_changed_since_is_not_taken_over(tmp_path: Path) -> None:
    # A reload by signal may have it in force by now: the older one would replace the newer.
    assert taken_over(tmp_path / "aimux.yaml", CONFIG.replace("name: a", "name: b")) == ((CHANGED_MEANWHILE,), [])


def test_a_supervisor_compares_too(tmp_path: Path) -> None:
    path = tmp_path / "aimux.yaml"
    path.write_text(CONFIG)
    loaded = load(path, os.environ)
    supervisor = object.__new__(Supervisor)
    supervisor._in_force = Wanted(loaded, datetime.now(UTC), strict=False, place=StatePlace(None))
    supervisor._members = []
    assert asyncio.run(supervisor._take_over("0" * 64)) == (CHANGED_MEANWHILE,)
    for digest in (None, loaded.digest):
        (problem,) = asyncio.run(supervisor._take_over(digest))
        assert problem.startswith("no worker serves")
