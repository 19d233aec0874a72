"""The writer of log lines: together once a tick, never waiting, and what happens while they cannot be written."""

import asyncio
import errno
import os
import pty
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from aimux.edge.log_output import Descriptor, SharedOutput
from aimux.edge.log_writer import BOUNDS, Bounds, TickWriter

PATIENCE = 30.0
QUICK = Bounds(interval=0.01, looks=3)
# Whoever shares the open file may have set O_NONBLOCK: a terminal, for example, has it of many a program.
BLOCKING = pytest.mark.parametrize("blocking", [True, False], ids=["blocking", "non-blocking"])


class Disk:
    """Takes bytes while it has room; never at once where it is `slow`."""

    def __init__(self, room: int = 1_000_000, *, slow: bool = False) -> None:
        self.room = room
        self.slow = slow
        self.content = b""
        self.error = errno.ENOSPC
        self.writes: list[str] = []

    def write_now(self, data: bytes) -> int:
        return 0 if self.slow else self.write(data)

    def write(self, data: bytes | memoryview) -> int:
        self.writes.append(threading.current_thread().name)
        taken = bytes(data[: self.room])
        if not taken:
            raise OSError(self.error, os.strerror(self.error))
        self.room -= len(taken)
        self.content += taken
        return len(taken)

    def release(self) -> None:
        pass


@dataclass
class Told:
    """What was told, and waiting for it."""

    heard: list[str | None] = field(default_factory=list)

    def __call__(self, why: str | None) -> None:
        self.heard.append(why)

    async def wait(self, count: int) -> None:
        """Wait until so much was told."""
        await becomes(lambda: len(self.heard) >= count)


async def becomes(probe: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not probe():  # noqa: ASYNC110  (files and threads set no events)
            await asyncio.sleep(0.001)


@pytest.fixture
def told() -> Told:
    return Told()


@dataclass
class Pipe:
    """A pipe as a log's output, and its reader."""

    read_end: int
    write_end: int
    writers: list[TickWriter] = field(default_factory=list)

    def writer(self, told: "Told", bounds: Bounds = BOUNDS, lock: int | None = None) -> TickWriter:
        """A writer to it, shared by `lock` where that is given."""
        output = Descriptor(self.write_end)
        self.writers.append(TickWriter(output if lock is None else SharedOutput(output, lock), told, bounds))
        return self.writers[-1]

    def read(self, size: int = 65536) -> bytes:
        """What is there."""
        try:
            return os.read(self.read_end, size)
        except BlockingIOError:
            return b""

    async def read_until(self, end: bytes) -> bytes:
        """All up to something."""
        found = bytearray()
        async with asyncio.timeout(PATIENCE):
            while not found.endswith(end):
                found += self.read()
                await asyncio.sleep(0.001)
        return bytes(found)


@contextmanager
def a_pipe() -> Iterator[Pipe]:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)  # the open file of this end alone
    made = Pipe(read_end, write_end)
    try:
        yield made
    finally:
        os.close(read_end)  # from here on every write ends at once
        for writer in made.writers:
            writer.lost = 0
            assert writer.close(PATIENCE) == 0, "a thread would write to whatever gets the number next"
        os.close(write_end)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    with a_pipe() as made:
        yield made


def test_without_a_loop_a_line_is_written_at_once(told: Told) -> None:
    disk = Disk()
    TickWriter(disk, told).msg("one")
    assert disk.content == b"one\n"
    assert told.heard == []


def test_the_lines_of_a_tick_are_written_together_and_in_order(told: Told) -> None:
    disk = Disk()

    async def run() -> None:
        writer = TickWriter(disk, told)
        for line in ("one", "two", "three"):
            writer.msg(line)
        assert disk.content == b""
        await asyncio.sleep(0)

    asyncio.run(run())
    assert (disk.content, disk.writes) == (b"one\ntwo\nthree\n", ["MainThread"])


def test_what_cannot_be_written_at_once_is_written_by_the_thread_and_in_order(told: Told) -> None:
    disk = Disk(slow=True)

    async def run() -> None:
        writer = TickWriter(disk, told)
        for number in range(200):
            writer.msg(str(number))
            await asyncio.sleep(0)
            disk.slow = number % 20 < 10
            if number % 10 == 9:  # the loop writes again as soon as it may
                await becomes(lambda: writer.close(0) == 0)

    asyncio.run(run())
    assert disk.content.split() == [str(number).encode() for number in range(200)]
    assert set(disk.writes) == {"MainThread", "aimux-log"}
    assert told.heard == []


def test_a_full_disk_is_told_once_and_loses_nothing(told: Told) -> None:
    disk = Disk(room=6)

    async def run() -> TickWriter:
        writer = TickWriter(disk, told, QUICK)
        for line in ("first", "second", "third"):
            writer.msg(line)
            await asyncio.sleep(0)
        await told.wait(1)
        assert disk.content == b"first\n"
        disk.room = 4  # a part of a line fits now
        await becomes(lambda: disk.room == 0)
        assert (told.heard, disk.content) == (["No space left on device"], b"first\nseco")
        disk.room = 1000
        await told.wait(2)
        assert told.heard == ["No space left on device", None]
        assert disk.content == b"first\nsecond\nthird\n"
        writer.msg("fourth")
        await becomes(lambda: disk.content.endswith(b"third\nfourth\n"))
        return writer

    assert asyncio.run(run()).lost == 0


@BLOCKING
def test_a_reader_that_stalls_is_told_and_one_that_goes_on_gets_everything(
    told: Told, pipe: Pipe, blocking: bool
) -> None:
    os.set_blocking(pipe.write_end, blocking)

    async def run() -> TickWriter:
        writer = pipe.writer(told, QUICK)
        for number in range(1000):  # ten times what a pipe takes; nobody reads
            writer.msg(f"{number} {'x' * 600}")
            await asyncio.sleep(0)
        await told.wait(1)
        writer.msg("last")
        assert told.heard == ["its reader has taken nothing for 0.03 s"]
        content = await pipe.read_until(b"last\n")
        await told.wait(2)
        assert told.heard[1:] == [None]
        assert [line.split()[0] for line in content.splitlines()] == [*(b"%d" % n for n in range(1000)), b"last"]
        return writer

    assert asyncio.run(run()).lost == 0


def test_the_open_file_that_others_share_still_blocks(told: Told, pipe: Pipe) -> None:
    async def run() -> None:
        writer = pipe.writer(told)
        writer.msg("x" * 100_000)
        await asyncio.sleep(0)
        assert os.get_blocking(pipe.write_end)
        await pipe.read_until(b"\n")

    asyncio.run(run())


@BLOCKING
def test_a_reader_that_is_slow_loses_nothing_and_is_no_trouble(told: Told, pipe: Pipe, blocking: bool) -> None:
    os.set_blocking(pipe.write_end, blocking)
    read = bytearray()

    async def slowly() -> None:
        while not read.endswith(b"end\n"):
            read.extend(pipe.read(4096))
            await asyncio.sleep(0.002)

    async def run() -> TickWriter:
        writer = pipe.writer(told, Bounds(interval=0.05, looks=200))
        reading = asyncio.create_task(slowly())
        for number in range(600):
            writer.msg(f"{number} {'x' * 600}")
            await asyncio.sleep(0)
        writer.msg("end")
        await reading
        return writer

    assert asyncio.run(run()).lost == 0
    assert [line.split()[0] for line in read.splitlines()] == [*(b"%d" % n for n in range(600)), b"end"]
    assert told.heard == []


def test_too_much_that_waits_is_told_before_anything_is_lost(told: Told, pipe: Pipe) -> None:
    bounds = Bounds(interval=0.01, looks=1_000_000, stalled=200_000, recovered=50_000, kept=400_000)

    async def run() -> TickWriter:
        writer = pipe.writer(told, bounds)
        while not told.heard:
            writer.msg("x" * 999)
            await asyncio.sleep(0)
        assert "bytes wait" in str(told.heard[0])
        assert writer.lost == 0
        for _ in range(1000):
            writer.msg("x" * 999)
            await asyncio.sleep(0)
        assert writer.lost > 0
        kept = 0
        while len(told.heard) < 2:
            kept += pipe.read().count(b"\n")
            await asyncio.sleep(0)
        writer.msg("end")
        await asyncio.sleep(0)
        rest = await pipe.read_until(b"end\n")
        kept += rest.count(b"\n") - 1
        assert told.heard[1:] == [None]
        assert 400 <= kept < 500, "the bound and what a pipe takes"
        return writer

    writer = asyncio.run(run())
    assert writer.lost > 0


def test_every_line_is_kept_or_counted(told: Told) -> None:
    disk = Disk(room=0)

    async def run() -> TickWriter:
        writer = TickWriter(disk, told, Bounds(interval=0.01, kept=1024 * 1024))
        for _ in range(3000):
            writer.msg("x" * 1023)
        await told.wait(1)
        disk.room = 10_000_000
        await told.wait(2)
        return writer

    writer = asyncio.run(run())
    lines = disk.content.count(b"\n")
    assert lines == 1024
    assert lines + writer.lost == 3000


def test_closing_with_a_reader_that_has_stalled_ends_and_says_what_is_lost(told: Told, pipe: Pipe) -> None:
    writer = pipe.writer(told)
    for _ in range(300):
        writer.msg("x" * 1023)
    lost = writer.close(0.05)
    assert pipe.read(1_000_000).count(b"\n") + lost == 300


def test_nobody_reading_any_more_is_no_trouble(told: Told) -> None:
    disk = Disk(room=0)
    disk.error = errno.EPIPE

    async def run() -> None:
        writer = TickWriter(disk, told, QUICK)
        for line in ("one", "two"):
            writer.msg(line)
            await becomes(lambda: writer.close(0) == 0)
        await asyncio.sleep(QUICK.interval * (QUICK.looks + 2))

    asyncio.run(run())
    assert told.heard == []
    assert len(disk.writes) >= 2


def test_a_terminal_that_is_gone_is_no_trouble(told: Told) -> None:
    master, slave = pty.openpty()
    writer = TickWriter(Descriptor(slave), told)
    os.close(master)

    async def run() -> None:
        for line in ("one", "two"):
            writer.msg(line)
            await becomes(lambda: writer.close(0) == 0)

    asyncio.run(run())
    os.close(slave)
    assert told.heard == []


def test_who_shares_the_output_waits_in_its_thread_and_its_lines_stay_whole(told: Told, pipe: Pipe) -> None:
    """Another process holds the lock in the middle of a line, and then goes on."""
    lock = os.memfd_create("lock")
    holding, going_on = os.pipe(), os.pipe()
    other = os.fork()
    if not other:
        output = SharedOutput(Descriptor(pipe.write_end), lock)
        output.write(b"half of ")
        os.write(holding[1], b"x")
        os.read(going_on[0], 1)
        output.write(b"a line\n")
        output.release()
        os._exit(0)
    os.read(holding[0], 1)

    async def run() -> None:
        writer = pipe.writer(told, QUICK, lock)
        writer.msg("ours")
        await told.wait(1)  # the loop goes on meanwhile, and says what is the matter
        os.write(going_on[1], b"x")
        await told.wait(2)

    try:
        asyncio.run(run())
    finally:
        os.waitpid(other, 0)
        for each in (lock, *holding, *going_on):
            os.close(each)
    assert pipe.read() == b"half of a line\nours\n"


def test_a_part_of_a_line_keeps_the_others_out(told: Told, pipe: Pipe) -> None:
    lock = os.memfd_create("lock")
    output = SharedOutput(Descriptor(pipe.write_end), lock)

    def others_may() -> bool:
        other = os.fork()
        if not other:
            os._exit(0 if SharedOutput(Descriptor(pipe.write_end), lock).write_now(b"") == 0 and _free(lock) else 1)
        return os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == 0

    try:
        assert output.write_now(b"a line\n") in {0, 7}
        assert others_may()
        taken = output.write_now(b"x" * 200_000)
        assert others_may() == (taken == 0)
        output.release()
        assert others_may()
    finally:
        os.close(lock)


def _free(lock: int) -> bool:
    import fcntl

    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
