"""A log as it grows: each request twice, only what passes, and what a follower remembers."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import append, segments

from aimux.audit.filters import Filters
from aimux.audit.follow import Follower
from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings

Make = Callable[..., Any]
T0 = 1_700_000_000.0


def test_following_shows_each_request_twice_with_what_is_known(tmp_path: Path, made: Make) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, segment_bytes=1500), 1, print, print)
        before = made(1)
        log.decided(before)
        log.request(before)
        log.flush()
        follower = Follower(tmp_path, Filters())
        assert [entry["request_id"] for entry in follower.last(5)] == [before.request_id]
        assert follower.look().seen == []
        record = made(2)
        log.decided(record)
        (seen,) = follower.look().seen
        assert (seen.kind, seen.entry["request_id"], seen.entry["status"]) == ("decision", record.request_id, None)
        log.request(record)
        log.flush()
        (seen,) = follower.look().seen
        assert (seen.kind, seen.entry["status"], seen.number) == ("outcome", 200, seen.entry["position"]["outcome"])
        for n in range(3, 30):  # over several segments, and faster than is shown
            log.request(made(n))
        log.flush()
        look = follower.look(10)
        assert len(look.seen) + look.skipped >= 54
        assert look.seen[-1].entry["request_id"] == f"{29:032x}"
        log.close()

    asyncio.run(main())


def test_following_shows_only_what_passes(tmp_path: Path, made: Make) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path), 1, print, print)
        follower = Follower(tmp_path, Filters(agent="admin-bot"))
        for agent in ("admin-bot", "finance-bot"):
            log.request(made(1, agent=agent))
        log.flush()
        assert [seen.entry["agent"] for seen in follower.look().seen] == ["admin-bot", "admin-bot"]
        log.close()

    asyncio.run(main())


# What a follower remembers.


def line(number: int, fields: dict[str, Any]) -> bytes:
    return json.dumps({**fields, "seq": number}).encode()


@pytest.fixture
def decision(log: Path) -> dict[str, Any]:
    """The fields of a decision."""
    found = [json.loads(each) for path in segments(log) for each in path.read_bytes().splitlines()]
    return next(each for each in found if each["kind"] == "decision")


def test_a_follower_remembers_the_newest_decisions_up_to_a_size(log: Path, decision: dict[str, Any]) -> None:
    follower = Follower(log, Filters())
    long = {**decision, "text": "x" * 100_000}
    append(log, [line(100 + n, long) for n in range(200)])
    follower.look(50)
    append(log, [line(300 + n, long) for n in range(200)])
    assert follower.look().skipped == 0
    assert follower._open._bytes <= 4 * 1024 * 1024
    assert follower._open._bytes == sum(map(len, follower._open._lines.values()))
    outcome = {"kind": "outcome", "verdict": "forward", "status": 200, "bytes": 1, "model_ms": None}
    outcome |= {"upstream_ms": 1.0, "total_ms": 1.0, "ended": "completed"}
    append(log, [line(600 + n, {**outcome, "decision": n}) for n in (300, 499, 499)])
    assert [seen.entry["position"] for seen in follower.look().seen] == [{"chain": 1, "decision": 499, "outcome": 1099}]


def test_a_follower_remembers_no_decision_that_its_filters_rule_out(log: Path, decision: dict[str, Any]) -> None:
    follower = Follower(log, Filters(agent="admin-bot", verdict="refused"))
    append(log, [line(100 + n, {**decision, "agent": agent}) for n, agent in enumerate(("finance-bot", "admin-bot"))])
    assert follower.look().seen == []
    assert len(follower._open._lines) == 1  # what it is for may still be refused


def test_the_last_requests_are_those_that_came_last_whatever_the_clock_said(
    tmp_path: Path, made: Make, written: Callable[..., list[str]]
) -> None:
    began = [T0 + offset for offset in (0.0, 1.0, 1e8, 1e8 + 1, 2.0, 3.0)]
    written(AuditSettings(tmp_path), [made(number, began=at) for number, at in enumerate(began)])
    written(AuditSettings(tmp_path), [made(9, began=T0 + 0.5)], 2)
    last = [int(entry["request_id"], 16) for entry in Follower(tmp_path, Filters()).last(100)]
    assert last == [0, 9, 1, 2, 3, 4, 5]
    assert [int(entry["request_id"], 16) for entry in Follower(tmp_path, Filters()).last(2)] == [4, 5]
