"""The writer of log lines: together once a tick, and what happens while they cannot be written."""

import asyncio
import errno
import os

import pytest

from aimux.edge.log_writer import TickWriter


class Disk:
    """Takes bytes while it has room."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.room = room
        self.content = b""
        self.error = errno.ENOSPC
        self.writes = 0

    def write(self, data: bytes) -> int:
        self.writes += 1
        taken = data[: self.room]
        if not taken:
            raise OSError(self.error, os.strerror(self.error))
        self.room -= len(taken)
        self.content += taken
        return len(taken)


@pytest.fixture
def told() -> list[str | None]:
    return []


def test_without_a_loop_a_line_is_written_at_once(told: list[str | None]) -> None:
    disk = Disk()
    TickWriter(disk.write, told.append).msg("one")
    assert disk.content == b"one\n"
    assert told == []


def test_the_lines_of_a_tick_are_written_together_and_in_order(told: list[str | None]) -> None:
    disk = Disk()

    async def run() -> None:
        writer = TickWriter(disk.write, told.append)
        for line in ("one", "two", "three"):
            writer.msg(line)
        assert disk.content == b""
        await asyncio.sleep(0)

    asyncio.run(run())
    assert (disk.content, disk.writes) == (b"one\ntwo\nthree\n", 1)


def test_a_full_disk_is_told_once_and_loses_nothing(told: list[str | None]) -> None:
    disk = Disk(room=6)
    writer = TickWriter(disk.write, told.append)
    writer.msg("first")
    writer.msg("second")
    writer.msg("third")
    writer.flush()
    assert told == ["No space left on device"]
    assert disk.content == b"first\n"
    disk.room = 4  # a part of a line fits now
    writer.flush()
    assert (told, disk.content) == (["No space left on device"], b"first\nseco")
    disk.room = 1000
    writer.flush()
    assert told == ["No space left on device", None]
    assert disk.content == b"first\nsecond\nthird\n"
    writer.msg("fourth")
    assert disk.content.endswith(b"third\nfourth\n")
    assert writer.lost == 0


def test_it_tries_again_by_itself(told: list[str | None]) -> None:
    disk = Disk(room=0)

    async def run() -> None:
        recovered = asyncio.Event()

        def tell(why: str | None) -> None:
            told.append(why)
            if why is None:
                recovered.set()

        writer = TickWriter(disk.write, tell)
        writer.msg("one")
        await asyncio.sleep(0)
        assert told == ["No space left on device"]
        disk.room = 100
        await asyncio.wait_for(recovered.wait(), 30)

    asyncio.run(run())
    assert disk.content == b"one\n"


def test_what_is_kept_meanwhile_is_bounded_and_what_is_not_kept_is_counted(told: list[str | None]) -> None:
    disk = Disk(room=0)
    writer = TickWriter(disk.write, told.append)
    for _ in range(3000):
        writer.msg("x" * 1023)
    disk.room = 10_000_000
    writer.flush()
    lines = disk.content.count(b"\n")
    assert 1024 <= lines <= 1025
    assert lines + writer.lost == 3000


def test_nobody_reading_any_more_is_no_trouble(told: list[str | None]) -> None:
    disk = Disk(room=0)
    disk.error = errno.EPIPE
    writer = TickWriter(disk.write, told.append)
    writer.msg("one")
    writer.msg("two")
    assert told == []
    assert disk.writes == 2
