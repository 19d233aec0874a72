"""Management pages: health, readiness, metrics, routes, agents, configuration; and access to them."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol

from aimux.admin.access import is_cross_site, is_from_this_machine
from aimux.admin.models import Health, NotReady, Ready, Session, StateEntry
from aimux.admin.operators import Operators, brings_token, is_cut_short
from aimux.admin.page import Page, Stream, json_page
from aimux.admin.paths import ALL_PATHS, PROBE_PATHS, SESSION_PATH, OwnPaths
from aimux.admin.policy_pages import InForce, Reloading, agents_page, config_page, routes_page
from aimux.core.endpoints import ADMIN, Endpoint, TakenPaths, taken_paths
from aimux.core.operator import Operator
from aimux.core.reason import Failure, Reason
from aimux.core.refusal import Refusal, after_failure, after_fault
from aimux.edge.exchange import Exchange
from aimux.edge.metrics import CONTENT_TYPE
from aimux.gateway.answers import refusal_body, refusal_lines
from aimux.gateway.live import Live
from aimux.gateway.serving import Serving

_ALIVE: Final = frozenset(endpoint.encode("ascii") for endpoint in (Endpoint.HEALTHZ, Endpoint.LIVEZ))
_COMMANDS: Final = OwnPaths(TakenPaths(frozenset(), (ADMIN,)))
_CUT_SHORT: Final = "the token is mistyped or not the whole of it: copy it again"
_CLOSED: Final = (
    "ask from this machine, as localhost and through no proxy, or send 'Authorization: Bearer TOKEN' with the token of "
    "an operator (`operators`, or server.admin_token)"
)
_FOR_OPERATORS: Final = "only operators' pages are answered here: agents ask at server.port"
_NOT_ANY_MORE: Final = "who reads this stream is no operator any more: the stream is cut off"
_NO_OPERATOR: Final = "send 'Authorization: Bearer TOKEN' with the token of an operator"


Measure = Callable[[], Awaitable[bytes]]
Serve = Callable[[Exchange], Awaitable[Page | Stream]]


class CommandHandler(Protocol):
    """The handler of commands, whose paths lie below /admin."""

    async def answer(self, exchange: Exchange) -> Refusal | None:
        """Answer one; the refusal where it is refused."""


def _uncounted() -> None:
    """Nobody counts the tokens that prove nothing."""


class Management:
    """Answers the management endpoints.

    `commands`, once set, answers what lies below /admin. `awaiting`, once set, says why the gateway as a whole is not
    ready although this process is. Without `have_own_listener` operators share the port of agents.
    """

    def __init__(
        self,
        live: Live,
        measure: Measure,
        in_force: InForce,
        operators: Operators,
        *,
        serving: Callable[[], Awaitable[Sequence[Serving]]],
        state: Callable[[], StateEntry],
        more: Mapping[Endpoint, Serve],
        files: Mapping[bytes, Page],
        commands: CommandHandler | None = None,
        have_own_listener: bool = False,
        count_wrong_token: Callable[[], None] = _uncounted,
    ) -> None:
        """`measure` gives the page of metrics, `serving` what each worker serves by; they raise Failure where that
        cannot be had. `state` says how the state is kept. `more` are other endpoints.

        `files` are the web page's, by path. `count_wrong_token` hears of each token that proves nobody.
        """
        self.in_force = in_force
        self.reloading: Reloading | None = None
        self.awaiting: Failure | None = None
        self.commands = commands
        self._have_own_listener = have_own_listener
        self._count_wrong_token = count_wrong_token
        self._live = live
        self._measure = measure
        self._serving = serving
        self._state = state
        self._healthy = json_page(Health(status="ok"))
        pages: dict[Endpoint, Serve] = {
            Endpoint.READYZ: self._readyz,
            Endpoint.METRICS: self._metrics,
            Endpoint.ROUTES: self._routes,
            Endpoint.AGENTS: self._agents,
            Endpoint.CONFIG: self._config,
            **more,
        }
        self._guarded = {endpoint.encode("ascii"): page for endpoint, page in pages.items()}
        self._guarded.update({path: partial(_always, file) for path, file in files.items()})
        self._files = frozenset(files)
        self.know(operators)

    def know(self, operators: Operators) -> None:
        """Take these operators from now on."""
        self._operators = operators
        self._owned = OwnPaths(taken_paths(own_listener=self._have_own_listener, commands=operators.have_tokens))

    def owns(self, path: bytes) -> bool:
        """Whether a path is taken from agents on their port. Exactly: nothing is decoded or folded."""
        return path in self._owned

    def who(self, exchange: Exchange) -> Operator | None:
        """The operator who asks; None for nobody that is known."""
        operator = self._operators.who(exchange)
        if operator is None and brings_token(exchange):
            self._count_wrong_token()
        return operator

    async def answer(self, exchange: Exchange) -> Refusal | None:
        """Answer one request to an endpoint; the refusal where it is refused."""
        path = exchange.head.path
        if self._live.draining:
            exchange.close_after()
        if path != SESSION_PATH and self.commands is not None and path in _COMMANDS:
            return await self.commands.answer(exchange)
        try:
            page = self._session(exchange) if path == SESSION_PATH else await self._page(exchange)
        except Failure as failure:
            return refuse(exchange, after_failure(failure))
        except Exception as error:
            _report(error, exchange)
            return refuse(exchange, after_fault(error))
        if isinstance(page, Stream):
            page = replace(page, pieces=self._while_admitted(page.pieces, exchange))
        return await _give(page, exchange)

    async def _while_admitted(self, pieces: AsyncIterable[bytes], exchange: Exchange) -> AsyncIterator[bytes]:
        """The pieces of a stream, as long as who asked may read. Raises Failure where that is over."""
        async for piece in pieces:
            if not self._admits(exchange):
                raise Failure(Reason.MANAGEMENT_FORBIDDEN, _NOT_ANY_MORE)
            yield piece

    async def _page(self, exchange: Exchange) -> Page | Stream:
        """The page that is asked for. Raises Failure where it is not given."""
        head = exchange.head
        if head.path not in ALL_PATHS:
            raise Failure(Reason.NOT_FOUND, _FOR_OPERATORS)
        if head.path in _COMMANDS:
            raise Failure(Reason.NOT_FOUND, "there is no such command")
        _check_method(exchange)
        if head.path in _ALIVE:
            return self._healthy
        if not self._is_open(exchange) and not self._admits(exchange):
            raise Failure(Reason.MANAGEMENT_FORBIDDEN, _CUT_SHORT if is_cut_short(exchange) else _CLOSED)
        page = self._guarded.get(head.path)
        if page is None:
            raise Failure(Reason.NOT_FOUND, "there is no such page")
        return await page(exchange)

    def _is_open(self, exchange: Exchange) -> bool:
        """Whether everybody may read it. The web page's files say nothing, and whoever logs in on it needs it first."""
        path = exchange.head.path
        if path in PROBE_PATHS:
            return True
        return path in self._files and self._operators.have_tokens and not brings_token(exchange)

    def _session(self, exchange: Exchange) -> Page:
        """The operator who asks. Raises Failure where nobody has proved to be one."""
        _check_method(exchange)
        if is_cross_site(exchange.head):
            raise Failure(Reason.CROSS_SITE, "a page of another site asked: use the gateway's own page")
        operator = self.who(exchange)
        if operator is None:
            raise Failure(Reason.OPERATOR_REQUIRED, _CUT_SHORT if is_cut_short(exchange) else _NO_OPERATOR)
        about = Session(name=operator.name, role=operator.role, proof=operator.proof, commands=operator.commands)
        return json_page(about)

    def _admits(self, exchange: Exchange) -> bool:
        """Whether somebody may read: an operator, or without a token whoever asks from this machine itself."""
        return self.who(exchange) is not None or (not brings_token(exchange) and is_from_this_machine(exchange))

    async def _readyz(self, exchange: Exchange) -> Page:
        """A status word for everybody; why, for operators."""
        reasons = self._live.reasons or ((self.awaiting,) if self.awaiting else ())
        lacking = self._state().problem if self._admits(exchange) else None
        if not reasons:
            return json_page(Ready(status="ready") if lacking is None else Ready(status="ready", detail=lacking))
        draining = reasons[0].reason is Reason.DRAINING
        words = [*(reason.message for reason in reasons), *(() if lacking is None else (lacking,))]
        why = {"detail": "; ".join(words)} if self._admits(exchange) else {}
        return json_page(NotReady(status="draining" if draining else "not_ready", **why), 503)

    async def _metrics(self, _: Exchange) -> Page:
        return Page(200, CONTENT_TYPE, await self._measure())

    async def _routes(self, _: Exchange) -> Page:
        return routes_page(self.in_force)

    async def _agents(self, _: Exchange) -> Page:
        return agents_page(self.in_force)

    async def _config(self, _: Exchange) -> Page:
        return config_page(self.in_force, self.reloading, await self._serving(), self._state())


def refuse(exchange: Exchange, refusal: Refusal) -> Refusal:
    """Answer with a refusal, and give it back."""
    lines = refusal_lines(refusal, exchange.request_id, b"GET, HEAD")
    exchange.answer(refusal.reason.status, lines, refusal_body(refusal, exchange.request_id))
    return refusal


def _check_method(exchange: Exchange) -> None:
    if exchange.head.method not in {"GET", "HEAD"}:
        raise Failure(Reason.METHOD_NOT_ALLOWED, "management endpoints are read with GET")


async def _give(page: Page | Stream, exchange: Exchange) -> Refusal | None:
    if isinstance(page, Page):
        page.answer(exchange)
        return None
    try:
        await page.answer(exchange)
    except Failure as failure:  # the connection is cut
        return after_failure(failure)
    except Exception as error:
        _report(error, exchange)
        return after_fault(error)
    return None


def _report(error: Exception, exchange: Exchange) -> None:
    context: dict[str, Any] = {"message": "a management endpoint failed", "exception": error}
    context |= {"request_id": exchange.request_id, "path": exchange.head.path_text}
    asyncio.get_running_loop().call_exception_handler(context)


async def _always(page: Page, _: Exchange) -> Page:
    return page
