"""The follower tells the standing in order, and stops the gateway at a critical fact that this build does not know."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_support.stores import in_file, in_memory

from aimux.core.standing import Standing
from aimux.state.database import Database
from aimux.state.following import STANDING, StandingFollower, why_unknown
from aimux.state.operating import OperatingStore
from aimux.state.store import Durability, SetDone

HARMLESS = b'{"kind": "later", "critical": false, "more": [1]}'
CRITICAL = b'{"kind": "later", "critical": true}'


class Heard:
    """What a follower has told."""

    def __init__(self, store: OperatingStore) -> None:
        self.versions: list[int] = []
        self.obstacles: list[str | None] = []
        self.unread: list[str | None] = []
        self.follower = StandingFollower(store, self.tell, self.obstacles.append, self.unread.append)

    def tell(self, standing: Standing) -> None:
        self.versions.append(standing.version)


async def until(probe: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + 30
    while not probe():
        assert time.monotonic() < end, f"waited in vain for: {what}"
        await asyncio.sleep(0.005)


async def fact(store: OperatingStore, key: str, value: bytes | None) -> int:
    found = await store.get(STANDING, key)
    expected = None if found is None else found.version
    durability = Durability.POWER if store.is_lasting else Durability.NONE
    done = await store.compare_and_set(STANDING, key, value, expected, durability=durability)
    assert isinstance(done, SetDone)
    return done.version


@pytest.mark.parametrize("make", [in_memory, in_file])
async def test_each_change_is_told_in_order_after_all_was_read(
    make: Callable[..., OperatingStore], tmp_path: Path
) -> None:
    store = make(time.time, tmp_path)
    await fact(store, "a", HARMLESS)
    await fact(store, "b", CRITICAL)
    heard = Heard(store)
    heard.follower.start()
    await heard.follower.ready()
    version = (await store.entries(STANDING)).version
    assert heard.versions == [version]
    assert len(heard.obstacles) == 1
    assert "fact 'b'" in (heard.obstacles[0] or "")
    versions = [await fact(store, "b", HARMLESS)]
    versions += [await fact(store, str(number), HARMLESS) for number in range(50)]
    versions += [await fact(store, "7", None)]
    await until(lambda: len(heard.versions) == 53, "all changes")
    assert heard.versions == [version, *versions]
    assert heard.obstacles[1:] == [None]
    await heard.follower.stop()
    await store.close()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (CRITICAL, "its kind 'later' is critical and unknown"),
        (b"\xff", "cannot be read"),
        (b"[]", "has no kind"),
        (b'{"kind": "later"}', "has no kind"),
        (b'{"kind": "later", "critical": 0}', "has no kind"),
        (b'{"kind": "later", "critical": true, "critical": false}', "cannot be read"),
        (b'{"kind": "later", "critical": false, "x": NaN}', "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
    ],
)
async def test_a_fact_that_this_build_must_heed_and_does_not_know_stops_it(
    tmp_path: Path, value: bytes, words: str
) -> None:
    store = in_file(time.time, tmp_path)
    heard = Heard(store)
    heard.follower.start()
    await heard.follower.ready()
    assert heard.obstacles == []
    await fact(store, "who", value)
    await fact(store, "other", CRITICAL)
    await until(lambda: len(heard.obstacles) == 2, "the obstacles")
    assert words in (heard.obstacles[0] or "")
    assert "and 1 more" in (heard.obstacles[1] or "")
    await fact(store, "who", None)
    await fact(store, "other", None)
    await until(lambda: heard.obstacles[-1] is None, "the end of the obstacle")
    await heard.follower.stop()
    await store.close()


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans()).filter(lambda fact: "kind" not in fact))
def test_any_fact_without_a_kind_stops(fact: dict[str, Any]) -> None:
    import json

    assert why_unknown(json.dumps(fact).encode())
    assert why_unknown(json.dumps({**fact, "kind": "k", "critical": True}).encode())
    assert why_unknown(json.dumps({**fact, "kind": "k", "critical": False}).encode()) is None


async def test_a_follower_waits_until_the_store_can_be_read_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(_: Database) -> None:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
        raise error

    store = in_file(time.time, tmp_path)
    heard = Heard(store)
    heard.follower.start()
    await heard.follower.ready()
    monkeypatch.setattr(Database, "begin_reading", busy)
    await until(lambda: heard.unread, "the store that cannot be read")
    assert "the state cannot be read" in (heard.unread[0] or "")
    versions = []
    for number in range(3):
        done = await store.compare_and_set(STANDING, str(number), HARMLESS, None)
        assert isinstance(done, SetDone)
        versions.append(done.version)
    assert len(heard.versions) == 1, "the last standing stays"
    monkeypatch.undo()
    await until(lambda: heard.versions[1:] == versions, "what happened meanwhile, in order")
    await until(lambda: heard.unread[-1] is None, "the end of it")
    assert heard.obstacles == []
    await heard.follower.stop()
    await store.close()


async def test_a_file_that_is_gone_is_told_and_the_last_standing_stays(tmp_path: Path) -> None:
    store = in_file(time.time, tmp_path)
    heard = Heard(store)
    heard.follower.start()
    await heard.follower.ready()
    (tmp_path / "state.db").unlink()
    await until(lambda: heard.unread, "the file that is gone")
    assert "removed or replaced" in (heard.unread[0] or "")
    assert heard.obstacles == []
    assert len(heard.versions) == 1
    await heard.follower.stop()
    await store.close()


async def test_whatever_is_raised_on_the_way_stops_the_gateway(tmp_path: Path) -> None:
    store = in_file(time.time, tmp_path)
    heard = Heard(store)
    failing = [sqlite3.Error("nobody expects it")]
    tell = heard.tell

    def fails_once(standing: Standing) -> None:
        if failing:
            raise failing.pop()
        tell(standing)

    heard.tell = fails_once  # type: ignore[method-assign]
    heard.follower = StandingFollower(store, fails_once, heard.obstacles.append, heard.unread.append)
    heard.follower.start()
    await heard.follower.ready()
    assert "nobody expects it" in (heard.obstacles[0] or "")
    assert heard.obstacles[-1] is None
    await heard.follower.stop()
    await store.close()


async def test_one_late_answer_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [True]
    begin_reading = Database.begin_reading

    def busy_once(database: Database) -> None:
        if failing:
            failing.pop()
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
            raise error
        begin_reading(database)

    monkeypatch.setattr(Database, "begin_reading", busy_once)
    store = in_file(time.time, tmp_path)
    heard = Heard(store)
    heard.follower.start()
    await heard.follower.ready()
    assert not failing
    assert heard.unread == []
    await heard.follower.stop()
    await store.close()


async def test_what_is_raised_while_telling_of_trouble_stops_the_gateway_too(tmp_path: Path) -> None:
    store = in_file(time.time, tmp_path)
    heard = Heard(store)

    def fails(words: str | None) -> None:
        if words is not None:
            raise OSError("the log is gone")

    heard.follower = StandingFollower(store, heard.tell, heard.obstacles.append, fails)
    heard.follower.start()
    await heard.follower.ready()
    (tmp_path / "state.db").unlink()
    await until(lambda: heard.obstacles, "the obstacle")
    assert "the log is gone" in (heard.obstacles[0] or "")
    assert "restart the gateway" in (heard.obstacles[0] or "")
    await heard.follower.stop()
    await store.close()
