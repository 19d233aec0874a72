"""Commands of operators in the log: written before they take effect, refused where they cannot be, and read back."""

import asyncio
import errno
import json
import os
from pathlib import Path

import pytest
from audit_support.files import append, is_whole, records

from aimux.audit.commands import commands
from aimux.audit.log import AuditLog
from aimux.audit.settings import AuditSettings
from aimux.audit.troubles import Trouble
from aimux.cli import audit as cli
from aimux.core.operator import ACCEPTED, Command, Operator, OperatorProof, Role
from aimux.core.reason import Failure

OWNER = Operator("owner", Role.OPERATOR, OperatorProof.TOKEN)
NEVER = Path("no-such-configuration.yaml")


def command(number: int, operator: Operator | None = OWNER, verdict: str = ACCEPTED) -> Command:
    """The command of this number, a second after the one before it."""
    detail = "" if verdict == ACCEPTED else "why\nnot"
    return Command(1e9 + number, f"{number:032x}", "unix", "reload", operator, verdict, detail, "a" * 64, "b" * 64)


def written(folder: Path, given: dict[int, list[Command]]) -> None:
    """Write commands to chains."""

    async def main() -> None:
        for chain, each in given.items():
            log = AuditLog(AuditSettings(folder), chain, print, print)
            for one in each:
                assert log.command(one) is None
            log.close()

    asyncio.run(main())


def test_a_command_stands_in_the_file_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path), 1, print, print)
        log.command(command(1))
        found = records(tmp_path)[-1]
        log.close()
        assert {name: found[name] for name in found if name not in {"seq", "prev", "hash"}} == {
            "kind": "command",
            "schema": 2,
            "time": "2001-09-09T01:46:41.000000Z",
            "request_id": f"{1:032x}",
            "peer": "unix",
            "command": "reload",
            "operator": "owner",
            "role": "operator",
            "proof": "token",
            "verdict": "accepted",
            "detail": "",
            "before": "a" * 64,
            "after": "b" * 64,
        }

    asyncio.run(main())
    assert is_whole(tmp_path)


def test_a_command_waits_for_the_disk_where_records_do(tmp_path: Path) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path, always=True), 1, print, print)
        waiting = log.command(command(1))
        assert waiting is not None
        await waiting
        log.close()

    asyncio.run(main())


def test_a_command_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path), 1, print, print)
        log.stop_for(Trouble.WRITE, "no space")
        with pytest.raises(Failure):
            log.command(command(1))
        log.close()

    asyncio.run(main())
    assert not commands(tmp_path)


def test_what_is_refused_while_nothing_can_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        log = AuditLog(AuditSettings(tmp_path), 1, print, print)
        with monkeypatch.context() as broken:
            broken.setattr(os, "write", full)
            for given in (command(1), command(2, verdict="not_ready"), command(3, None, "operator_required")):
                with pytest.raises(Failure):
                    log.command(given)
        assert log.flush()
        log.close()
        with pytest.raises(Failure):
            log.command(command(4))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    asyncio.run(main())
    # The first one has not taken effect, and the second says so. Refusals of nobody are counted only.
    assert [(each["request_id"], each["verdict"]) for each in commands(tmp_path)] == [
        (f"{1:032x}", "accepted"),
        (f"{2:032x}", "not_ready"),
    ]
    assert [each["unrecorded"] for each in records(tmp_path) if each["kind"] == "gap"] == [1]
    assert is_whole(tmp_path)


def test_commands_of_all_chains_are_read_in_the_order_of_their_time(tmp_path: Path) -> None:
    written(tmp_path, {1: [command(3), command(5, None, "operator_required")], 2: [command(4)]})
    found = [(each["chain"], each["operator"], each["verdict"]) for each in commands(tmp_path)]
    assert found == [(1, "owner", "accepted"), (2, "owner", "accepted"), (1, None, "operator_required")]
    assert [each["chain"] for each in commands(tmp_path, "2001-09-09T01:46:44.000000Z")] == [2, 1]


def test_a_text_that_speaks_of_commands_is_none(tmp_path: Path) -> None:
    written(tmp_path, {1: [command(1)]})
    quoted = b'{"seq":9,"kind":"decision","text":"\\"kind\\":\\"command\\"", "x":{"kind":"command"}}'
    append(tmp_path, [quoted, b'{"kind":"command"}', b'["kind":"command"', b'{"seq":9,"kind":"command"}'])
    assert [each["seq"] for each in commands(tmp_path)] == [9, 3]


def test_they_are_printed_for_people_and_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, {1: [command(1), command(2, None, "operator_required")]})
    assert cli.commands(NEVER, tmp_path, None, as_json=False) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "owner reload accepted aaaaaaaaaaaa -> bbbbbbbbbbbb" in first
    assert second.endswith("(nobody) reload operator_required why\\nnot")
    assert cli.commands(NEVER, tmp_path, "2001-09-09T01:46:42Z", as_json=True) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["verdict"] == "operator_required"
    assert cli.commands(NEVER, tmp_path, "someday", as_json=False) == 2
