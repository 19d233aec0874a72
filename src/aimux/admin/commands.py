"""Commands of operators: a POST below /admin/, which is recorded before it takes effect, and where it is refused."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from pydantic import BaseModel

from aimux.admin.access import is_cross_site
from aimux.admin.page import json_page
from aimux.core.endpoints import ADMIN
from aimux.core.fault import fault_of
from aimux.core.operator import ACCEPTED, Command, Operator
from aimux.core.reason import Failure, Reason
from aimux.core.refusal import Refusal, after_failure, after_fault
from aimux.core.values import value
from aimux.edge.exchange import Exchange
from aimux.edge.log import Log
from aimux.gateway.answers import refusal_body, refusal_lines
from aimux.wire.decode import read_json
from aimux.wire.media_types import read_media_type

_ADMIN: Final = ADMIN.encode("ascii")
_MOST_BYTES: Final = 64 * 1024
_METHODS: Final = b"POST"
_LONGEST_DETAIL: Final = 4096
"""Characters of a refusal that are recorded and logged: a broken file can have any number of problems."""


class Rejected(Failure):
    """A command cannot be carried out; `problems` are lines for the operator."""

    def __init__(self, reason: Reason, message: str, problems: tuple[str, ...]) -> None:
        super().__init__(reason, message, "; ".join(problems))
        self.problems = problems


@value
class Plan:
    """The change that a command would make, as things stand and as they are to be, and the way to carry it out.

    `carry_out` gives the answer. It raises Failure where nothing has changed; where that is not known, it says so.
    """

    before: str | None
    after: str | None
    carry_out: Callable[[], Awaitable[BaseModel]]


class Handler(Protocol):
    """One command."""

    async def plan(self, arguments: Mapping[str, Any]) -> Plan:
        """The plan for these arguments. Raises Failure where it cannot be done, and changes nothing."""


Record = Callable[[Command], Awaitable[None] | None]
"""Writes a command down; what to wait for until that is done. Raises Failure where it cannot be written."""


class Commands:
    """Takes commands, one at a time."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        identify: Callable[[Exchange], Operator | None],
        record: Record | None,
        observe: Callable[[Command], None],
        is_draining: Callable[[], bool],
    ) -> None:
        """`identify` gives the operator who asks; without a `record` nothing is written down.

        `observe` hears of each command once it is decided.
        """
        self._handlers = handlers
        self._identify = identify
        self._record = record
        self._observe = observe
        self._is_draining = is_draining
        self._turn = asyncio.Lock()

    async def answer(self, exchange: Exchange) -> Refusal | None:
        """Carry out what one request commands, and answer it; the refusal where one of nobody is refused."""
        # A task of its own: a client that leaves does not stop a command half way.
        return await asyncio.shield(asyncio.get_running_loop().create_task(self._answer(exchange)))

    async def _answer(self, exchange: Exchange) -> Refusal | None:
        asked = _Asked(exchange, _name(exchange.head.path, self._handlers), self._identify(exchange))
        plan = _NOTHING
        try:
            name, arguments = await self._permitted(asked)
            async with self._turn:
                self._check_still(asked)
                plan = await self._handlers[name].plan(arguments)
                await self._note(asked.command(ACCEPTED, plan))
                page = json_page(await plan.carry_out())
        except Failure as failure:
            await self._note_refused(asked.command(failure.reason.code, plan, failure.detail or failure.message))
            return asked.told(_refuse(exchange, after_failure(failure), getattr(failure, "problems", ())))
        except Exception as error:  # fail closed: whatever went wrong is told and recorded
            await self._note_refused(asked.command(Reason.INTERNAL.code, plan, fault_of(error)))
            return asked.told(_refuse(exchange, after_fault(error)))
        if not exchange.responding:
            page.answer(exchange)
        return None

    async def _permitted(self, asked: "_Asked") -> tuple[str, Mapping[str, Any]]:
        """The command and its arguments. Raises Failure where it may not be given, or is none."""
        head = asked.exchange.head
        if is_cross_site(head):
            raise Failure(Reason.CROSS_SITE, "a page of another site asked: commands come from the gateway's own page")
        if asked.operator is None:
            raise Failure(
                Reason.OPERATOR_REQUIRED,
                "send 'Authorization: Bearer TOKEN' with the token of an operator (`operators`, server.admin_token), "
                "or use the gateway's Unix socket, as `aimux reload` does",
            )
        if asked.name is None:
            raise Failure(Reason.NOT_FOUND, "there is no such command")
        if head.method != "POST":
            raise Failure(Reason.METHOD_NOT_ALLOWED, "commands are sent with POST")
        if not asked.operator.commands:
            raise Failure(Reason.OPERATOR_FORBIDDEN, "the role 'viewer' reads, and gives no commands")
        self._check_not_draining()
        return asked.name, await _arguments(asked.exchange)

    def _check_still(self, asked: "_Asked") -> None:
        """Raises Failure where what was true when a command came is not any more: its body and its turn take time."""
        if self._identify(asked.exchange) != asked.operator:
            raise Failure(Reason.OPERATOR_REQUIRED, "the operators have changed since this command came: give it again")
        self._check_not_draining()

    def _check_not_draining(self) -> None:
        if self._is_draining():
            raise Failure(Reason.DRAINING, "the gateway is shutting down and takes no commands")

    async def _note(self, command: Command) -> None:
        """Write a command down, and tell of it. Raises Failure where it cannot be written."""
        written = None if self._record is None else self._record(command)
        if written is not None:
            await written
        self._observe(command)

    async def _note_refused(self, command: Command) -> None:
        """The same of a refusal, which stands also where it cannot be written."""
        try:
            await self._note(command)
        except Failure:
            self._observe(command)


@value
class _Asked:
    """A command as it is asked for: by whom, and what, where these are known."""

    exchange: Exchange
    name: str | None
    operator: Operator | None

    def told(self, refusal: Refusal) -> Refusal | None:
        """The refusal where it is to be logged as of any request: those of operators were told as commands."""
        return refusal if self.operator is None else None

    def command(self, verdict: str, plan: Plan, detail: str = "") -> Command:
        """Its record."""
        exchange = self.exchange
        who = exchange.request_id, exchange.origin.peer, self.name, self.operator
        left = len(detail) - _LONGEST_DETAIL
        told = detail if left <= 0 else f"{detail[:_LONGEST_DETAIL]}... and {left} characters more"
        return Command(time.time(), *who, verdict, told, plan.before, plan.after)


async def _unused() -> BaseModel:
    raise RuntimeError("this plan is not carried out")


_NOTHING: Final = Plan(None, None, _unused)


def _name(path: bytes, handlers: Mapping[str, Handler]) -> str | None:
    """The command that a path names, None where there is none of that name."""
    name = path[len(_ADMIN) + 1 :].decode("latin-1")
    return name if name in handlers else None


async def _arguments(exchange: Exchange) -> Mapping[str, Any]:
    """The JSON object that is sent with a command. Raises Failure where something else is."""
    head = exchange.head
    given = head.values(b"content-type")
    if len(given) != 1 or read_media_type(given[0].decode("latin-1")).name != "application/json":
        raise Failure(Reason.UNSUPPORTED_MEDIA_TYPE, "send a JSON object, with 'Content-Type: application/json'")
    if head.values(b"content-encoding"):
        raise Failure(Reason.UNSUPPORTED_ENCODING, "send the JSON object without a Content-Encoding")
    too_large = Failure(Reason.BODY_TOO_LARGE, f"a command has at most {_MOST_BYTES} bytes")
    if head.length > _MOST_BYTES:
        raise too_large
    body = await exchange.read_body()
    if len(body) > _MOST_BYTES:
        raise too_large
    found = read_json(body)
    if not isinstance(found, dict):
        raise Failure(Reason.BAD_REQUEST, "send a JSON object: {} where a command takes no arguments")
    return found


def log_command(given: Command, log: Log) -> None:
    """The line of a command in the log. One of nobody is refused, and told as other refused requests are."""
    if given.operator is None:
        return
    accepted = given.verdict == ACCEPTED
    (log.event.info if accepted else log.event.warning)(
        "command",
        request_id=given.request_id,
        command=given.name,
        operator=given.operator.name,
        verdict=given.verdict,
        peer=given.peer,
        **({} if accepted else {"detail": given.detail}),
    )


def take_none(arguments: Mapping[str, Any]) -> None:
    """Raises Failure where a command that takes no arguments gets any."""
    if arguments:
        raise Failure(Reason.BAD_REQUEST, "this command takes no arguments: send {}")


def _refuse(exchange: Exchange, refusal: Refusal, problems: tuple[str, ...] = ()) -> Refusal:
    if exchange.responding:
        return refusal
    body = refusal_body(refusal, exchange.request_id)
    if problems:
        body = json.dumps({**json.loads(body), "problems": problems}, separators=(",", ":")).encode("ascii") + b"\n"
    exchange.answer(refusal.reason.status, refusal_lines(refusal, exchange.request_id, _METHODS), body)
    return refusal
