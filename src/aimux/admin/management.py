"""What operators read: health, readiness, metrics, routes, agents, configuration; and who may read it."""

import asyncio
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from typing import Any, Final

from aimux.admin.models import (
    AgentEntry,
    Agents,
    ConfigurationInForce,
    FallbackEntry,
    Health,
    LastReload,
    NotReady,
    Ready,
    RouteEntry,
    Routes,
)
from aimux.admin.page import Page, Stream, json_page
from aimux.core.access import may_use
from aimux.core.endpoints import Endpoint
from aimux.core.identity import Assurance, Principal
from aimux.core.policy import Policy, Route
from aimux.core.reason import Failure, Reason
from aimux.core.refusal import Refusal, after_failure, after_fault, failed
from aimux.edge.exchange import Exchange
from aimux.edge.metrics import CONTENT_TYPE
from aimux.gateway.answers import refusal_body, refusal_lines
from aimux.gateway.live import Live
from aimux.wire.http1 import Head

_LOOPBACK_HOST: Final = re.compile(rb"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_FORWARDING: Final = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via")
_BEARER: Final = re.compile(rb"[Bb]earer +([!-~]+)")
_ALIVE: Final = frozenset(endpoint.encode("ascii") for endpoint in (Endpoint.HEALTHZ, Endpoint.LIVEZ))
_READYZ: Final = Endpoint.READYZ.encode("ascii")
_OPEN: Final = _ALIVE | {_READYZ}
"""For probes: answered to everybody, whatever the Host."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The configuration in force. `display` is what operators may see of it: of secrets, where they come from."""

    policy: Policy
    display: Mapping[str, Any]
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Reloading:
    """The last attempt to take a new configuration over: when, and what stood in the way, if anything did."""

    at: datetime
    problems: tuple[str, ...] = ()


Measure = Callable[[], Awaitable[bytes]]


Serve = Callable[[Exchange], Awaitable[Page | Stream]]


class Management:
    """Answers the management endpoints."""

    def __init__(
        self,
        live: Live,
        measure: Measure,
        in_force: InForce,
        admin_token: str | None,
        *,
        more: Mapping[Endpoint, Serve],
        files: Mapping[bytes, Page],
    ) -> None:
        """`measure` gives the page of metrics; it raises Failure where that cannot be had. `more` are other endpoints.

        `files` are the web page's, by path.

        `awaiting`, once set, says why the gateway as a whole is not ready although this process is.
        """
        self.in_force = in_force
        self.reloading: Reloading | None = None
        self.awaiting: Failure | None = None
        self._live = live
        self._measure = measure
        self._token = admin_token.encode("utf-8") if admin_token else None
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

    def owns(self, path: bytes) -> bool:
        """Whether a path is a management endpoint's. Exactly: nothing is decoded or folded."""
        return path in _ALIVE or path in self._guarded or path == b"/dashboard" or path.startswith(b"/dashboard/")

    async def answer(self, exchange: Exchange) -> Refusal | None:
        """Answer one request to an endpoint; the refusal where it is refused."""
        path = exchange.head.path
        refusal = self._refusal(exchange)
        if self._live.draining:
            exchange.close_after()
        if refusal is None:
            try:
                page = self._healthy if path in _ALIVE else await self._guarded[path](exchange)
            except Failure as failure:
                refusal = after_failure(failure)
            except Exception as error:
                _report(error, exchange)
                refusal = after_fault(error)
        if refusal is not None:
            lines = refusal_lines(refusal, exchange.request_id, b"GET, HEAD")
            exchange.answer(refusal.reason.status, lines, refusal_body(refusal, exchange.request_id))
            return refusal
        return await _give(page, exchange)

    def _refusal(self, exchange: Exchange) -> Refusal | None:
        head = exchange.head
        if head.method not in {"GET", "HEAD"}:
            return failed(Reason.METHOD_NOT_ALLOWED, "management endpoints are read with GET")
        if head.path in _OPEN:
            return None
        if not self._admits(exchange):
            return failed(
                Reason.MANAGEMENT_FORBIDDEN,
                "ask from this machine, as localhost and through no proxy, or send "
                "'Authorization: Bearer TOKEN' with the configured server.admin_token",
            )
        if head.path not in self._guarded:
            return failed(Reason.NOT_FOUND, "there is no such page")
        return None

    def _admits(self, exchange: Exchange) -> bool:
        head = exchange.head
        if b"authorization" in head.first:
            given = _BEARER.fullmatch(b"\n".join(head.values(b"authorization")))
            return bool(given and self._token and hmac.compare_digest(given.group(1), self._token))
        return (
            _is_loopback(exchange.origin.peer)
            and _LOOPBACK_HOST.fullmatch(head.first.get(b"host", b"")) is not None
            and not any(name in head.first for name in _FORWARDING)
            and _is_same_origin(head)
        )

    async def _readyz(self, exchange: Exchange) -> Page:
        """A status word for everybody; why, for operators."""
        reasons = self._live.reasons or ((self.awaiting,) if self.awaiting else ())
        if not reasons:
            return json_page(Ready(status="ready"))
        draining = reasons[0].reason is Reason.DRAINING
        why = {"detail": "; ".join(reason.message for reason in reasons)} if self._admits(exchange) else {}
        return json_page(NotReady(status="draining" if draining else "not_ready", **why), 503)

    async def _metrics(self, _: Exchange) -> Page:
        return Page(200, CONTENT_TYPE, await self._measure())

    async def _routes(self, _: Exchange) -> Page:
        policy, shown = self.in_force.policy, self.in_force.display
        routes = [_route(route, text) for route, text in zip(policy.routes, shown["routes"], strict=True)]
        fallback = None if policy.fallback is None else _fallback(policy.fallback, shown["fallback"])
        return json_page(Routes(routes=routes, fallback=fallback))

    async def _agents(self, _: Exchange) -> Page:
        policy = self.in_force.policy
        return json_page(Agents(agents=[_agent(name, policy) for name in sorted(policy.agents)]))

    async def _config(self, _: Exchange) -> Page:
        last = self.reloading
        return json_page(
            ConfigurationInForce(
                config=dict(self.in_force.display),
                digest=self.in_force.policy.digest,
                loaded_at=_moment(self.in_force.loaded_at),
                last_reload=None
                if last is None
                else LastReload(at=_moment(last.at), successful=not last.problems, problems=list(last.problems)),
            )
        )


async def _give(page: Page | Stream, exchange: Exchange) -> Refusal | None:
    if isinstance(page, Page):
        page.answer(exchange)
        return None
    try:
        await page.answer(exchange)
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


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _route(route: Route, shown: Mapping[str, Any]) -> RouteEntry:
    return RouteEntry(
        name=route.name,
        upstream=shown["upstream"],
        intents=shown["intents"],
        access=route.access,
        allowed=sorted(route.allowed),
        min_score=route.min_score,
    )


def _fallback(route: Route, shown: Mapping[str, Any]) -> FallbackEntry:
    return FallbackEntry(upstream=shown["upstream"], access=route.access, allowed=sorted(route.allowed))


def _agent(name: str, policy: Policy) -> AgentEntry:
    principal = Principal(name, Assurance.CLAIMED)
    return AgentEntry(name=name, routes=[route.name for route in policy.routes if may_use(principal, route)])


def _is_same_origin(head: Head) -> bool:
    """Whether no other site's page made a browser ask."""
    if head.first.get(b"sec-fetch-site", b"none") not in {b"none", b"same-origin"}:
        return False
    origin = head.first.get(b"origin")
    return origin is None or origin.lower() == b"http://" + head.first[b"host"].lower()


def _is_loopback(peer: str) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
