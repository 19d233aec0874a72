"""Commands: who may give them, that each is recorded before it takes effect, and what comes of those that fail."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aimux.admin.commands import Commands, Plan, Rejected, take_none
from aimux.admin.models import Health
from aimux.core.operator import Command, Operator, OperatorProof, Role
from aimux.core.reason import Failure, Reason
from aimux.edge.exchange import Exchange
from aimux.wire.http1 import HeadLimits, parse_head

OWNER = Operator("owner", Role.OPERATOR, OperatorProof.TOKEN)
VIEWER = Operator("watcher", Role.VIEWER, OperatorProof.TOKEN)
LIMITS = HeadLimits(32 * 1024, 100, 8192)


class Played:
    """One request, and what was answered."""

    def __init__(self, head: str, body: bytes) -> None:
        self.head = parse_head(head.replace("\n", "\r\n").encode() + b"\r\n\r\n", LIMITS)
        self.origin = SimpleNamespace(peer="192.0.2.7")
        self.request_id = "f" * 32
        self.status = 0
        self.lines: list[bytes] = []
        self.answered = b""
        self._body = body

    @property
    def responding(self) -> bool:
        return self.status != 0

    async def read_body(self) -> bytes:
        return self._body

    def answer(self, status: int, own: list[bytes], body: bytes) -> None:
        self.status, self.lines, self.answered = status, own, body

    @property
    def code(self) -> str:
        return "" if self.status == 200 else str(json.loads(self.answered)["error"]["code"])


class Desk:
    """A handler of one command, and everything that happens in its order."""

    def __init__(self, operator: Operator | None = OWNER, fails: Exception | None = None) -> None:
        self.events: list[str] = []
        self.recorded: list[Command] = []
        self.writable = True
        self.draining = False
        self.operator = operator
        self.carry_out: Callable[[], Awaitable[None]] | None = None
        self._fails = fails
        self.commands = Commands(
            {"reload": self}, lambda _: self.operator, self._record, lambda given: None, lambda: self.draining
        )

    async def plan(self, arguments: Mapping[str, Any]) -> Plan:
        take_none(arguments)
        self.events.append("plan")
        return Plan("old", "new", self._effect)

    async def _effect(self) -> Health:
        if self.carry_out is not None:
            await self.carry_out()
        if self._fails is not None:
            raise self._fails
        self.events.append("effect")
        return Health(status="ok")

    def _record(self, given: Command) -> None:
        if not self.writable:
            raise Failure(Reason.NOT_READY, "the audit log cannot be written")
        self.events.append(f"record {given.verdict}")
        self.recorded.append(given)

    async def send(
        self, *headers: str, line: str = "POST /admin/reload HTTP/1.1", body: bytes = b"{}", host: str = "localhost"
    ) -> Played:
        given = headers or ("Content-Type: application/json",)
        played = Played("\n".join([line, f"Host: {host}", *given, f"Content-Length: {len(body)}"]), body)
        await self.commands.answer(cast("Exchange", played))
        return played


def played(desk: Desk, *headers: str, **more: Any) -> Played:
    return asyncio.run(desk.send(*headers, **more))


def test_a_command_is_recorded_before_its_effect() -> None:
    desk = Desk()
    assert played(desk).status == 200
    assert desk.events == ["plan", "record accepted", "effect"]
    (given,) = desk.recorded
    assert (given.name, given.operator, given.peer, given.before, given.after) == (
        *("reload", OWNER, "192.0.2.7"),
        *("old", "new"),
    )


def test_a_command_that_cannot_be_recorded_has_no_effect() -> None:
    desk = Desk()
    desk.writable = False
    assert played(desk).code == "not_ready"
    assert desk.events == ["plan"]


@pytest.mark.parametrize(
    ("operator", "code", "status"), [(None, "operator_required", 401), (VIEWER, "operator_forbidden", 403)]
)
def test_who_may_not_command_is_refused_and_recorded(operator: Operator | None, code: str, status: int) -> None:
    desk = Desk(operator)
    answer = played(desk)
    assert (answer.code, answer.status) == (code, status)
    assert desk.events == [f"record {code}"]
    assert (desk.recorded[0].operator, desk.recorded[0].before) == (operator, None)


JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    "headers",
    [
        [JSON, "Origin: http://evil"],
        [JSON, "Origin: null"],
        [JSON, "Origin: http://localhost:1"],
        [JSON, "Sec-Fetch-Site: cross-site"],
        [JSON, "Sec-Fetch-Site: same-site"],
        [JSON, "Origin: http://localhost", "Sec-Fetch-Site: cross-site"],
    ],
)
def test_a_page_of_another_site_commands_nothing(headers: list[str]) -> None:
    desk = Desk()
    assert played(desk, *headers).code == "cross_site"
    assert desk.events == ["record cross_site"]


@pytest.mark.parametrize(
    "headers",
    [
        [JSON, "Origin: http://localhost", "Sec-Fetch-Site: same-origin"],
        [JSON, "Origin: https://localhost"],
        [JSON, "Sec-Fetch-Site: none"],
        ["Content-Type: application/json; charset=utf-8"],
    ],
)
def test_the_own_page_commands(headers: list[str]) -> None:
    assert played(Desk(), *headers).status == 200


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        (["X-Nothing: 1"], b"{}", "unsupported_media_type"),
        (["Content-Type: text/plain"], b"{}", "unsupported_media_type"),
        (["Content-Type: application/x-www-form-urlencoded"], b"a=b", "unsupported_media_type"),
        ([JSON, "Content-Encoding: gzip"], b"{}", "unsupported_encoding"),
        ([JSON], b"", "bad_request"),
        ([JSON], b"[]", "bad_request"),
        ([JSON], b'{"a": 1, "a": 2}', "bad_request"),
        ([JSON], b'{"unknown": 1}', "bad_request"),
        ([JSON], b"{" + b" " * 65536 + b"}", "body_too_large"),
    ],
)
def test_what_is_no_command_is_refused_and_recorded(headers: list[str], body: bytes, code: str) -> None:
    desk = Desk()
    assert played(desk, *headers, body=body).code == code
    assert "effect" not in desk.events
    assert desk.recorded[-1].verdict == code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("POST /admin/nothing HTTP/1.1", "not_found"),
        ("POST /admin HTTP/1.1", "not_found"),
        ("POST /admin/reload/ HTTP/1.1", "not_found"),
        ("POST /admin/%72eload HTTP/1.1", "not_found"),
        ("GET /admin/reload HTTP/1.1", "method_not_allowed"),
    ],
)
def test_other_paths_and_methods_command_nothing(line: str, code: str) -> None:
    desk = Desk()
    assert played(desk, line=line).code == code
    assert desk.events == [f"record {code}"]
    assert desk.recorded[0].name == (None if code == "not_found" else "reload")


def test_a_gateway_that_shuts_down_takes_no_commands() -> None:
    desk = Desk()
    desk.draining = True
    assert played(desk).code == "draining"


def test_what_stands_in_the_way_is_said_and_recorded_behind_the_command() -> None:
    desk = Desk(fails=Rejected(Reason.CONFIGURATION_REFUSED, "not taken over", ("line 3: no",)))
    answer = played(desk)
    assert (answer.status, json.loads(answer.answered)["problems"]) == (422, ["line 3: no"])
    assert desk.events == ["plan", "record accepted", "record configuration_refused"]
    assert (desk.recorded[1].detail, desk.recorded[1].after) == ("line 3: no", "new")


def test_of_very_many_problems_the_first_are_recorded_and_all_are_said() -> None:
    problems = tuple(f"line {number}: no" for number in range(5000))
    desk = Desk(fails=Rejected(Reason.CONFIGURATION_REFUSED, "not taken over", problems))
    assert json.loads(played(desk).answered)["problems"] == list(problems)
    detail = desk.recorded[1].detail
    assert detail.startswith("line 0: no; line 1: no; ")
    assert detail[4096:] == f"... and {len('; '.join(problems)) - 4096} characters more"


def test_a_fault_is_recorded_and_not_shown() -> None:
    desk = Desk(fails=ZeroDivisionError("secret"))
    answer = played(desk)
    assert answer.code == "internal"
    assert b"secret" not in answer.answered
    assert "ZeroDivisionError" in desk.recorded[-1].detail


def test_a_client_that_leaves_stops_no_command_half_way() -> None:
    async def scene() -> list[str]:
        desk, may, begun = Desk(), asyncio.Event(), asyncio.Event()

        async def slowly() -> None:
            begun.set()
            await may.wait()

        desk.carry_out = slowly
        sending = asyncio.create_task(desk.send())
        await begun.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        may.set()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait_for(asyncio.gather(*others), 5)
        return desk.events

    assert asyncio.run(scene())[-1] == "effect"


def test_commands_are_carried_out_one_at_a_time() -> None:
    async def scene() -> list[str]:
        desk = Desk()

        async def slowly() -> None:
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        desk.carry_out = slowly
        await asyncio.gather(desk.send(), desk.send())
        return desk.events

    assert asyncio.run(scene()) == ["plan", "record accepted", "effect"] * 2


@pytest.mark.parametrize(
    ("operator", "draining", "code"),
    [
        (None, False, "operator_required"),
        (VIEWER, False, "operator_required"),
        (OWNER, True, "draining"),
    ],
)
def test_a_command_that_waits_is_judged_again_when_its_turn_comes(
    operator: Operator | None, draining: bool, code: str
) -> None:
    async def scene() -> tuple[Desk, Played, Played]:
        desk, may, begun = Desk(), asyncio.Event(), asyncio.Event()

        async def slowly() -> None:
            begun.set()
            await may.wait()

        desk.carry_out = slowly
        first = asyncio.create_task(desk.send())
        await begun.wait()
        second = asyncio.create_task(desk.send())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        desk.operator, desk.draining = operator, draining  # as the first command has it
        may.set()
        return desk, await first, await second

    desk, first, second = asyncio.run(scene())
    assert (first.status, second.code) == (200, code)
    assert desk.events == ["plan", "record accepted", "effect", f"record {code}"]
    assert desk.recorded[1].operator == OWNER
