"""A desk of one command, at which a test plays requests and sees in what order things happen."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from aimux.admin.commands import Commands, Plan, take_none
from aimux.admin.models import Health
from aimux.core.operator import Command, Operator, OperatorProof, Role
from aimux.core.reason import Failure, Reason
from aimux.core.refusal import Refusal
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
        self.was_read = False
        self.refused: Refusal | None = None
        self._body = body

    @property
    def responding(self) -> bool:
        return self.status != 0

    async def read_body(self) -> bytes:
        self.was_read = True
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
        sized = () if "Transfer-Encoding: chunked" in given else (f"Content-Length: {len(body)}",)
        played = Played("\n".join([line, f"Host: {host}", *given, *sized]), body)
        played.refused = await self.commands.answer(cast("Exchange", played))
        return played


def played(desk: Desk, *headers: str, **more: Any) -> Played:
    return asyncio.run(desk.send(*headers, **more))
