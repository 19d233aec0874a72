"""Watchers get every change in order, or are told to start over: never a gap that they do not hear of."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from state_support.clock import VirtualClock
from state_support.stores import in_file, in_memory

from aimux.core.reason import Failure
from aimux.state.changelog import Bounds
from aimux.state.database import Database
from aimux.state.operating import OperatingStore
from aimux.state.store import Durability, SetDone, StartOver, StoredChange

Make = Callable[..., OperatingStore]
pytestmark = pytest.mark.parametrize("make", [in_memory, in_file])


async def put(store: OperatingStore, key: str, space: str = "standing", ttl: float | None = None) -> int:
    """Set an entry, whatever stands there; the version."""
    found = await store.get(space, key)
    expected = None if found is None else found.version
    done = await store.compare_and_set(space, key, key.encode(), expected, ttl=ttl, durability=Durability.NONE)
    assert isinstance(done, SetDone)
    return done.version


async def heard(store: OperatingStore, since: int, most: int) -> list[StoredChange | StartOver]:
    """The first of what a watcher hears."""
    found: list[StoredChange | StartOver] = []

    async def hear() -> None:
        async for change in store.watch("standing", since):
            found.append(change)
            if len(found) == most:
                return

    await asyncio.wait_for(hear(), 30)
    return found


async def started_over(store: OperatingStore, since: int) -> bool:
    return isinstance((await heard(store, since, 1))[0], StartOver)


async def test_more_changes_than_are_read_at_once_come_all(make: Make, tmp_path: Path) -> None:
    store = make(time.time, tmp_path)
    since = (await store.entries("standing")).version
    versions = [await put(store, str(number % 7)) for number in range(1200)]
    assert [change.version for change in await heard(store, since, 1200)] == versions
    assert [change.version for change in await heard(store, versions[599], 600)] == versions[600:]
    await store.close()


async def test_changes_beyond_the_number_that_is_kept_are_started_over(make: Make, tmp_path: Path) -> None:
    store = make(time.time, tmp_path, Bounds(most=5))
    since = (await store.entries("standing")).version
    versions = [await put(store, str(number)) for number in range(20)]

    async def is_trimmed() -> bool:
        return await started_over(store, versions[13])

    await asyncio.wait_for(waited(is_trimmed), 30)
    assert await started_over(store, since)
    assert [change.version for change in await heard(store, versions[14], 5)] == versions[15:]
    await store.close()


async def waited(probe: Callable[[], Awaitable[bool]]) -> None:
    while not await probe():  # noqa: ASYNC110  (what is waited for is in a file)
        await asyncio.sleep(0.005)


async def test_changes_that_are_too_old_are_started_over(make: Make, tmp_path: Path) -> None:
    clock = VirtualClock()
    store = make(clock, tmp_path, Bounds(age=60))
    since = (await store.entries("standing")).version
    await put(store, "old")
    clock.now += 61
    version = await put(store, "new")

    async def is_trimmed() -> bool:
        return await started_over(store, since)

    await asyncio.wait_for(waited(is_trimmed), 30)
    last = await put(store, "newest")
    assert [change.version for change in await heard(store, version, 1)] == [last]
    await store.close()


async def test_a_version_that_the_store_has_not_reached_is_started_over(make: Make, tmp_path: Path) -> None:
    store = make(time.time, tmp_path)
    version = await put(store, "k")
    assert await started_over(store, version + 1)
    await store.close()


async def test_an_entry_that_expires_is_heard_as_removed_and_many_are_swept(make: Make, tmp_path: Path) -> None:
    clock = VirtualClock()
    store = make(clock, tmp_path)
    since = (await store.entries("standing")).version
    for number in range(1100):
        await store.add("standing", str(number), 1, ttl=10)
    assert len((await store.entries("standing")).entries) == 1100
    clock.now += 10
    assert (await store.entries("standing")).entries == ()
    changes = await heard(store, since, 2200)
    assert all(isinstance(change, StoredChange) for change in changes)
    removed = [change.key for change in changes if isinstance(change, StoredChange) and change.value is None]
    assert sorted(removed) == sorted(str(number) for number in range(1100))
    assert removed == [change.key for change in changes[1100:] if isinstance(change, StoredChange)]
    await store.close()


async def test_only_spaces_that_are_declared_can_be_watched(make: Make, tmp_path: Path) -> None:
    store = make(time.time, tmp_path)
    with pytest.raises(ValueError, match="'nonces' is not declared as watched"):
        await anext(aiter(store.watch("nonces", 0)))
    await put(store, "k", "nonces")
    if make is in_file:
        rows = store._worker._database._connection.execute("SELECT count(*) FROM changes").fetchone()  # type: ignore[attr-defined]
        assert rows == (0,), "spaces that nobody watches pay for the log"
    await store.close()


async def test_a_space_that_was_once_declared_is_logged_by_builds_that_do_not_watch_it(
    make: Make, tmp_path: Path
) -> None:
    if make is in_memory:
        return
    await in_file(time.time, tmp_path).close()
    other = Database(tmp_path, time.time, frozenset(), Bounds())
    from aimux.state.operations import Add

    since = next(iter(other._connection.execute("SELECT value FROM counters")))[0]
    other.begin(durable=False)
    other.apply(Add("standing", "k", 1, None))
    other.commit()
    other.close()
    store = in_file(time.time, tmp_path)
    assert [change.key for change in await heard(store, since, 1) if isinstance(change, StoredChange)] == ["k"]
    await store.close()


async def test_a_watcher_of_a_store_that_closes_is_told(make: Make, tmp_path: Path) -> None:
    store = make(time.time, tmp_path)
    since = (await store.entries("standing")).version
    watching = asyncio.create_task(heard(store, since, 1))
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises(Failure):
        await asyncio.wait_for(watching, 30)


@pytest.mark.parametrize("name", ["", "x" * 1025, "\ud800"])
async def test_names_that_cannot_be_kept_are_refused(make: Make, tmp_path: Path, name: str) -> None:
    store = make(time.time, tmp_path)
    for asked in (store.get(name, "k"), store.add("space", name, 1), store.entries(name), store.lease("n", name, 1)):
        with pytest.raises(ValueError, match=r"name of the state|surrogates"):
            await asked
    await store.close()


@pytest.mark.parametrize("ttl", [0, -1.0, float("nan"), float("inf")])
async def test_times_to_live_that_are_none_are_refused(make: Make, tmp_path: Path, ttl: float) -> None:
    store = make(time.time, tmp_path)
    with pytest.raises(ValueError, match="time to live"):
        await store.add("space", "k", 1, ttl=ttl)
    with pytest.raises(ValueError, match="at most 1048576 bytes"):
        await store.compare_and_set("space", "k", b"x" * (2**20 + 1), None)
    with pytest.raises(ValueError, match="takes the version"):
        await store.compare_and_set("space", "k", None, None)
    await store.close()
