"""Commands: who may give them, that each is recorded before it takes effect, and what comes of those that fail."""

import asyncio
import json

import pytest
from admin_support.desk import OWNER, VIEWER, Desk, Played, played

from aimux.admin.commands import Rejected
from aimux.core.operator import Operator
from aimux.core.reason import Reason


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


def test_a_body_that_says_it_is_too_large_is_not_read_and_one_in_chunks_is_none_either() -> None:
    large = b"{" + b" " * 65536 + b"}"
    said, chunked = played(Desk(), JSON, body=large), played(Desk(), JSON, "Transfer-Encoding: chunked", body=large)
    assert (said.code, said.was_read) == ("body_too_large", False)
    assert (chunked.code, chunked.was_read) == ("body_too_large", True)


def test_what_is_refused_to_nobody_is_told_as_other_requests_are_and_to_operators_as_commands() -> None:
    nobody, viewer = played(Desk(None)), played(Desk(VIEWER))
    assert nobody.refused is not None
    assert nobody.refused.reason is Reason.OPERATOR_REQUIRED
    assert (viewer.code, viewer.refused) == ("operator_forbidden", None)


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
