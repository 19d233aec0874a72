"""Processes share the file: each sees every change in order, and no change that was acknowledged is lost."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from state_support.stores import in_file

MEMBER = Path(__file__).parent / "state_support" / "member.py"
Process = subprocess.Popen[str]


@contextmanager
def members(folder: Path, what: str, count: int) -> Iterator[list[Process]]:
    """Two processes that begin together."""
    asyncio.run(in_file(time.time, folder).close())
    command = [sys.executable, str(MEMBER), str(folder)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen([*command, name, what, str(count)], **pipes) for name in ("one", "two")]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def outcomes(processes: list[Process]) -> list[dict[str, Any]]:
    return [json.loads(process.communicate()[0]) for process in processes]


def test_each_process_sees_ten_thousand_changes_in_their_order(tmp_path: Path) -> None:
    with members(tmp_path / "state", "changes", 5000) as processes:
        one, two = outcomes(processes)
    assert len(one["seen"]) == 10_000
    assert one["seen"] == two["seen"] == sorted({*one["written"], *two["written"]})
    assert max(one["slowest"], two["slowest"]) < 1.0


def test_processes_count_together_and_a_nonce_is_new_to_one_of_them(tmp_path: Path) -> None:
    with members(tmp_path / "state", "counts", 500) as processes:
        one, two = outcomes(processes)
    assert sorted([*one["mine"], *two["mine"]]) == list(range(500))

    async def total() -> int:
        store = in_file(time.time, tmp_path / "state")
        counted = await store.add("counts", "all", 0)
        await store.close()
        return counted.value

    assert asyncio.run(total()) == 1000


def test_kill_in_mid_stream_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    with members(tmp_path / "state", "acknowledged", 100_000) as processes:
        said: set[str] = set()
        for process in processes:
            assert process.stdout is not None
            said.update(process.stdout.readline().strip() for _ in range(300))
            process.kill()
            said.update(line.strip() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n"))
    assert len(said) >= 600

    async def kept() -> set[str]:
        store = in_file(time.time, tmp_path / "state")
        contents = await store.entries("kept")
        await store.close()
        return {entry.key for entry in contents.entries}

    there = asyncio.run(kept())
    assert said <= there
    assert len(there - said) <= 2  # set, and killed before it was said
