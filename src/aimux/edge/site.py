"""Which of the two halves answers a request: management, or the gateway for agents."""

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

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request."""
        if self._management.owns(exchange.head.path):
            refused = self._management.answer(exchange)
            if refused is not None:
                path = exchange.head.path.decode("latin-1")
                self._log.event.warning("management", verdict=refused.code, peer=exchange.origin.peer, path=path)
        else:
            await self._gateway.handle(exchange)

    def reject(self, exchange: Exchange, failure: Failure) -> None:
        """Answer a request that could not be read."""
        self._gateway.reject(exchange, failure)
