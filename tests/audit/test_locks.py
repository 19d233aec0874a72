"""Who holds a lock, and who only asks: asking keeps nobody from taking it."""

import fcntl
import os
from pathlib import Path

import pytest

from aimux.audit import locks


def test_who_asks_does_not_keep_a_gateway_from_taking_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = os.open(tmp_path / locks.NAME, os.O_RDONLY | os.O_CREAT)
    fcntl.flock(asking, fcntl.LOCK_SH)  # as `is_held` does, for a moment
    monkeypatch.setattr("aimux.audit.locks.time.sleep", lambda _: fcntl.flock(asking, fcntl.LOCK_UN))
    taken = locks.take(tmp_path / locks.NAME)
    assert taken is not None
    assert locks.is_held(tmp_path)
    os.close(taken)
    os.close(asking)


def test_a_lock_that_is_held_is_not_taken(tmp_path: Path) -> None:
    taken = locks.take(tmp_path / locks.NAME)
    assert taken is not None
    assert locks.take(tmp_path / locks.NAME) is None
    os.close(taken)
    again = locks.take(tmp_path / locks.NAME)
    assert again is not None
    os.close(again)
