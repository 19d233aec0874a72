"""Opening, writing, keeping and removing: what the gateway does to its log."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from audit_support.files import is_whole, records

from aimux.audit.errors import AuditError
from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings
from aimux.audit.signing import PUBLIC_KEY, Verifier
from aimux.audit.verify import verify

Written = Callable[..., list[str]]
Make = Callable[..., Any]


def test_a_decision_stands_in_the_file_before_anything_else_happens(tmp_path: Path, made: Make) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path), 1, print, print)
        record = made(7)
        assert log.decided(record) is None
        found = records(tmp_path)[-1]
        assert (found["kind"], found["request_id"], found["seq"]) == ("decision", record.request_id, record.audited)
        log.request(record)
        log.close()

    asyncio.run(main())
    decision, outcome, closed = records(tmp_path)[-3:]
    assert (outcome["kind"], outcome["decision"]) == ("outcome", decision["seq"])
    assert closed["kind"] == "closed"
    assert is_whole(tmp_path)


def test_a_refusal_leaves_both_records_when_it_has_ended(tmp_path: Path, made: Make) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path), 1, print, print)
        log.request(made(1, verdict="route_forbidden"))
        log.close()

    asyncio.run(main())
    kinds = [(each["kind"], each.get("verdict")) for each in records(tmp_path)[-3:-1]]
    assert kinds == [("decision", "route_forbidden"), ("outcome", "route_forbidden")]


def test_a_chain_goes_on_where_it_ended(log: Path, written: Written, made: Make) -> None:
    before = records(log)
    written(AuditSettings(log), [made(99)])
    after = records(log)
    assert after[: len(before)] == before
    assert [each["kind"] for each in after[len(before) :]] == ["opened", "decision", "outcome", "closed"]
    assert is_whole(log)


@pytest.mark.parametrize("rest", [b'{"seq":44,"pr', b"\0" * 500, b"\0" * 10 + b"\n", b'{"seq":44,"prev":"00'])
def test_what_a_crash_tore_is_cut_off_kept_and_told(log: Path, written: Written, made: Make, rest: bytes) -> None:
    last = max((log / "chain-1").glob("*[0-9].jsonl"))
    with last.open("ab") as file:
        file.write(rest)
    (warning,) = written(AuditSettings(log), [made(1)])
    repaired = next(each for each in records(log) if each["kind"] == "repaired")
    assert repaired["torn_bytes"] == len(rest)
    assert (log / "chain-1" / repaired["kept"]).read_bytes() == rest
    assert str(len(rest)) in warning
    assert is_whole(log)


def test_a_checkpoint_that_a_crash_tore_is_no_fault(log: Path, written: Written, made: Make) -> None:
    with (log / "chain-1" / "checkpoints.jsonl").open("ab") as file:
        file.write(b'{"origin":"ab')
    written(AuditSettings(log), [made(1)])
    assert is_whole(log)


def test_it_does_not_go_on_behind_records_that_are_missing(log: Path, written: Written) -> None:
    last = max((log / "chain-1").glob("*[0-9].jsonl"))
    last.write_bytes(b"".join(last.read_bytes().splitlines(keepends=True)[:-1]))
    before = records(log)
    with pytest.raises(AuditError, match=r"record 43 was signed.*aimux audit verify"):
        written(AuditSettings(log), [])
    assert records(log) == before


def test_it_does_not_go_on_behind_a_record_that_was_changed(log: Path, written: Written) -> None:
    last = max((log / "chain-1").glob("*[0-9].jsonl"))
    lines = last.read_bytes().splitlines(keepends=True)
    lines[0] = lines[0].replace(b'"kind":"', b'"kind":"x')
    last.write_bytes(b"".join(lines))
    with pytest.raises(AuditError, match="does not follow"):
        written(AuditSettings(log), [])


def test_two_gateways_never_share_a_chain(tmp_path: Path) -> None:
    async def main() -> None:
        first = AuditLog(AuditSettings(tmp_path), 1, print, print)
        with pytest.raises(AuditError, match="another gateway"):
            AuditLog(AuditSettings(tmp_path), 1, print, print)
        first.close()

    asyncio.run(main())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, written: Written) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match=r"audit\.path"):
        written(AuditSettings(tmp_path / "file" / "audit"), [])


def test_a_key_that_is_none_is_named(tmp_path: Path, written: Written) -> None:
    key = tmp_path / "key.pem"
    for content in (None, "no key"):
        if content is not None:
            key.write_text(content)
        with pytest.raises(AuditError, match=r"key\.pem.*openssl genpkey"):
            written(AuditSettings(tmp_path / "audit", signing_key=key), [])


def test_only_its_owner_reads_the_key(tmp_path: Path, written: Written) -> None:
    written(AuditSettings(tmp_path), [])
    assert (tmp_path / "signing-key.pem").stat().st_mode & 0o077 == 0


def trimmed(folder: Path, written: Written, made: Make, **settings: Any) -> list[str]:
    """Open the log with other settings, and let it look once for what is too old."""
    warnings: list[str] = []

    async def main() -> None:
        log = AuditLog(AuditSettings(folder, segment_bytes=3000, **settings), 1, print, warnings.append)
        loop = asyncio.get_running_loop()
        due = await loop.run_in_executor(log._disk, log._seal.outlived, log.writer.segment)
        done: asyncio.Future[Any] = loop.create_future()
        done.set_result(due)
        log._upkeep._trim(done)
        await loop.run_in_executor(log._disk, int)
        log.close()

    asyncio.run(main())
    return warnings


@pytest.mark.parametrize("settings", [{"keep_bytes": 8000}, {"keep_seconds": 50.0}])
def test_what_is_too_old_or_too_much_goes_and_the_rest_verifies(
    log: Path, written: Written, made: Make, settings: dict[str, Any]
) -> None:
    files = sorted((log / "chain-1").glob("*[0-9].jsonl"))
    for path in files[:2]:
        os.utime(path, (time.time() - 100, time.time() - 100))
    assert trimmed(log, written, made, **settings) == []
    left = sorted((log / "chain-1").glob("*[0-9].jsonl"))
    assert files[0] not in left
    assert files[-1] in left
    (verdict,) = verify(log, Verifier.at(log / PUBLIC_KEY))
    assert verdict.fault is None
    assert verdict.first == int(left[0].stem) > 1
    assert any(each["kind"] == "trimmed" for each in records(log))
    # Whoever removes one more is found out.
    left[0].unlink()
    assert not is_whole(log)


def test_what_does_not_verify_is_not_removed(log: Path, written: Written, made: Make) -> None:
    files = sorted((log / "chain-1").glob("*[0-9].jsonl"))
    files[0].write_bytes(files[0].read_bytes().replace(b"revenue", b"nothing"))
    warnings = trimmed(log, written, made, keep_bytes=1)
    assert sum("is kept" in warning for warning in warnings) == 1
    assert files[0].exists()


@pytest.mark.parametrize("rest", [b'{"seq":44,"pr', b"\0" * 100])
def test_a_segment_whose_first_record_is_torn_leaves_the_chain_where_it_was(
    log: Path, written: Written, made: Make, rest: bytes
) -> None:
    (log / "chain-1" / f"{44:020d}.jsonl").write_bytes(rest)
    written(AuditSettings(log), [made(1)])
    assert is_whole(log)
    assert any(each["kind"] == "repaired" for each in records(log))


def test_the_end_of_a_segment_that_a_kill_left_unsigned_is_signed_at_the_next_start(
    log: Path, written: Written, made: Make
) -> None:
    path = log / "chain-1" / "checkpoints.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    ends = [int(each.stem) - 1 for each in sorted((log / "chain-1").glob("*[0-9].jsonl"))[1:]]
    unsigned = [line for line in lines if json.loads(line)["count"] not in ends]
    assert len(unsigned) < len(lines)
    path.write_text("".join(unsigned))
    assert trimmed(log, written, made, keep_bytes=8000) == []
    assert is_whole(log)
    assert records(log)[0]["seq"] > 1
