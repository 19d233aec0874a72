"""Which of the two halves answers a request: management, or the gateway for agents."""

from collections.abc import Coroutine
from typing import Any

from aimux.core.reason import Failure
from aimux.edge.exchange import Exchange
from aimux.edge.log import Log
from aimux.edge.management import Management
from aimux.gateway.handle import Gateway


class Site:
    """All that this process answers."""

    def __init__(self, management: Management, gateway: Gateway[Exchange], log: Log) -> None:
        self._management = management
        self._gateway = gateway
        self._log = log

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        return self._manage(exchange) if self._management.owns(exchange.head.path) else self._gateway.handle(exchange)

    async def _manage(self, exchange: Exchange) -> None:
        refused = await self._management.answer(exchange)
        if refused is not None:
            peer, path = exchange.origin.peer, exchange.head.path_text
            self._log.event.warning("management", verdict=refused.code, peer=peer, path=path)

    def reject(self, exchange: Exchange, failure: Failure) -> None:
        """Answer a request that could not be read."""
        self._gateway.reject(exchange, failure)
