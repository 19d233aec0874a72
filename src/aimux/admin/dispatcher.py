"""Dispatch: management endpoints answer operators, the gateway answers agents."""

from collections.abc import Coroutine
from typing import Any

from aimux.admin.management import Management
from aimux.core.reason import Failure
from aimux.edge.exchange import Exchange
from aimux.edge.log import Log
from aimux.gateway.handle import Gateway
from aimux.wire.cors import Cors


class Dispatcher:
    """All that this process answers."""

    def __init__(self, management: Management, gateway: Gateway[Exchange], log: Log, cors: Cors | None = None) -> None:
        self._cors = cors
        self._management = management
        self._gateway = gateway
        self._log = log

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        if self._management.owns(exchange.head.path):
            return self._manage(exchange)
        if self._cors is not None:
            exchange.cors = self._cors.lines(exchange.head)
            preflight = self._cors.preflight(exchange.head)
            if preflight is not None:
                return self._gateway.preflight(exchange, preflight)
        return self._gateway.handle(exchange)

    async def _manage(self, exchange: Exchange) -> None:
        refused = await self._management.answer(exchange)
        if refused is not None:
            peer, path = exchange.origin.peer, exchange.head.path_text
            verdict, request_id = refused.reason.code, exchange.request_id
            self._log.event.warning(
                "management", verdict=verdict, peer=peer, path=path, detail=refused.message, request_id=request_id
            )

    def reject(self, exchange: Exchange, failure: Failure) -> None:
        """Answer a request that could not be read."""
        if self._cors is not None and not self._management.owns(exchange.head.path):
            exchange.cors = self._cors.lines(exchange.head)
        self._gateway.reject(exchange, failure)
