"""Both stores do what a naive model does, whatever is asked of them and however time goes on."""

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from state_support.clock import VirtualClock
from state_support.naive import NaiveStore
from state_support.stores import in_file, in_memory

from aimux.state.operating import OperatingStore
from aimux.state.store import Durability, NotACounterError, SetDone, StoredChange

SPACES = st.sampled_from(["standing", "nonces"])
KEYS = st.sampled_from(["a", "\N{LATIN SMALL LETTER E WITH ACUTE}", "nul\0"])
VALUES = st.sampled_from([b"", b"x", b"7", b"-12", b"\xff\0"])
NO_NUMBERS = {b"", b"x", b"\xff\0"}
TTLS = st.one_of(st.none(), st.sampled_from([0.5, 1.0, 10.0]))
HOLDERS = st.sampled_from(["one", "two"])
SEEN: set[str] = set()


class StoreMachine(RuleBasedStateMachine):
    """One store beside the model. Subclasses say which."""

    def make(self, clock: VirtualClock, folder: Path) -> OperatingStore:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.naive = VirtualClock(), NaiveStore()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.store = self.runner.run(self.begun())
        self.heard: list[StoredChange] = []
        self.listener = self.runner.run(self.listening())

    async def begun(self) -> OperatingStore:
        return self.make(self.clock, self.folder / "state")

    async def listening(self) -> "asyncio.Task[None]":
        self.naive.last = (await self.store.entries("standing")).version
        return asyncio.create_task(self.listen(self.naive.last))

    async def listen(self, since: int) -> None:
        async for change in self.store.watch("standing", since):
            assert isinstance(change, StoredChange)
            self.heard.append(change)

    def do(self, asked: Any) -> Any:
        return self.runner.run(self.result(asked))

    async def result(self, asked: Any) -> Any:
        return await asked

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(space=SPACES, key=KEYS, value=st.one_of(st.none(), VALUES), ttl=TTLS, right=st.booleans())
    def set(self, space: str, key: str, value: bytes | None, ttl: float | None, right: bool) -> None:
        found = self.naive.find(self.clock.now, space, key)
        there = None if found is None else found[1]
        expected = there if right else (None if there is not None else self.naive.last)
        if value is None and expected is None:
            return
        asked = self.store.compare_and_set(space, key, value, expected, ttl=ttl, durability=Durability.NONE)
        outcome = self.do(asked)
        SEEN.add(f"{type(outcome).__name__} {'removed' if value is None else 'set'}")
        if right:
            assert isinstance(outcome, SetDone)
            expires = None if ttl is None else self.clock.now + ttl
            self.naive.changed(space, key, value, outcome.version, expires)
        else:
            assert not isinstance(outcome, SetDone)
            assert (outcome.found and (outcome.found.value, outcome.found.version, outcome.found.expires)) == found

    @rule(space=SPACES, key=KEYS, amount=st.integers(-5, 5) | st.just(2**62), ttl=TTLS)
    def add(self, space: str, key: str, amount: int, ttl: float | None) -> None:
        found = self.naive.find(self.clock.now, space, key)
        before = b"0" if found is None else found[0]
        asked = self.store.add(space, key, amount, ttl=ttl)
        if before in NO_NUMBERS or int(before) + amount >= 2**63:
            SEEN.add("no counter" if before in NO_NUMBERS else "beyond the range")
            with pytest.raises(NotACounterError):
                self.do(asked)
            return
        counter = self.do(asked)
        assert counter.value == int(before) + amount
        expires = found[2] if found is not None else (None if ttl is None else self.clock.now + ttl)
        assert counter.expires == expires
        SEEN.add("begun" if found is None else "went on")
        self.naive.changed(space, key, b"%d" % counter.value, counter.version, expires)

    @rule(name=KEYS, holder=HOLDERS, seconds=st.sampled_from([0.5, 5.0]), renewing=st.booleans())
    def lease(self, name: str, holder: str, seconds: float, renewing: bool) -> None:
        found = self.naive.find(self.clock.now, "leases", name)
        lease = self.do((self.store.renew if renewing else self.store.lease)(name, holder, seconds))
        is_mine = found is not None and found[0] == holder.encode()
        assert lease.granted == (is_mine or (found is None and not renewing))
        SEEN.add(f"lease {'granted' if lease.granted else 'refused'} {renewing}")
        if lease.granted:
            assert (lease.holder, lease.expires) == (holder, self.clock.now + seconds)
            self.naive.changed("leases", name, holder.encode(), lease.version, lease.expires)
        else:
            assert lease.holder == (None if found is None else found[0].decode())

    @rule(name=KEYS, holder=HOLDERS)
    def release(self, name: str, holder: str) -> None:
        found = self.naive.find(self.clock.now, "leases", name)
        released = self.do(self.store.release(name, holder))
        assert released == (found is not None and found[0] == holder.encode())
        SEEN.add(f"released {released}")
        if released:
            del self.naive.entries["leases", name]

    @rule(space=SPACES, key=KEYS)
    def get(self, space: str, key: str) -> None:
        entry = self.do(self.store.get(space, key))
        found = self.naive.find(self.clock.now, space, key)
        assert (entry and (entry.value, entry.version, entry.expires)) == found

    @invariant()
    def contents_are_the_same(self) -> None:
        contents = self.do(self.store.entries("standing"))
        assert contents.version >= self.naive.last
        self.naive.last = contents.version  # what was swept has versions too
        there = {entry.key: (entry.value, entry.version, entry.expires) for entry in contents.entries}
        assert there == self.naive.there(self.clock.now, "standing")

    def teardown(self) -> None:
        try:
            self.runner.run(asyncio.wait_for(self.all_heard(), 30))
            self.heard_in_order()
        finally:
            self.runner.run(self.ended())
            self.runner.close()
            shutil.rmtree(self.folder)

    async def all_heard(self) -> None:
        """Wait until what was heard comes to what is there, expired entries gone."""
        while True:
            if self.listener.done():
                self.listener.result()
            there: dict[str, bytes] = {}
            for change in self.heard:
                there.pop(change.key, None)
                if change.value is not None:
                    there[change.key] = change.value
            if there == {key: entry[0] for key, entry in self.naive.there(self.clock.now, "standing").items()}:
                return
            await asyncio.sleep(0.005)

    def heard_in_order(self) -> None:
        """Each change once and in order; besides these only removals of what had expired."""
        expected, ends, last = list(self.naive.told), dict[str, float | None](), 0
        for change in self.heard:
            assert change.version > last
            last = change.version
            if expected and (change.key, change.value, change.version) == expected[0]:
                expected.pop(0)
                ends[change.key] = change.expires
            else:
                assert change.value is None
                moment = ends.pop(change.key)
                assert moment is not None
                assert moment <= self.clock.now
                SEEN.add("expiry heard")
        assert not expected

    async def ended(self) -> None:
        self.listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.listener
        await self.store.close()


class MemoryMachine(StoreMachine):
    def make(self, clock: VirtualClock, folder: Path) -> OperatingStore:
        return in_memory(clock, folder)


class FileMachine(StoreMachine):
    def make(self, clock: VirtualClock, folder: Path) -> OperatingStore:
        return in_file(clock, folder)


@pytest.mark.parametrize(("machine", "examples"), [(MemoryMachine, 100), (FileMachine, 40)])
def test_a_store_does_what_the_model_does(machine: type[StoreMachine], examples: int) -> None:
    SEEN.clear()
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        ),
    )
    assert {
        *("SetDone set", "SetDone removed", "SetConflict set", "SetConflict removed", "expiry heard"),
        *("begun", "went on", "no counter", "lease granted False", "lease granted True", "lease refused False"),
        *("lease refused True", "released True", "released False"),
    } <= SEEN
