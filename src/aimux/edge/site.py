"""Which of the two halves answers a request: management, or the gateway for agents."""

from aimux.core.reason import Failure
from aimux.edge.exchange import Exchange
from aimux.edge.management import Management
from aimux.gateway.handle import Gateway


class Site:
    """All that this process answers."""

    def __init__(self, management: Management, gateway: Gateway[Exchange]) -> None:
        self._management = management
        self._gateway = gateway

    async def serve(self, exchange: Exchange) -> None:
        """Answer one request."""
        if self._management.owns(exchange.head.path):
            self._management.answer(exchange)
        else:
            await self._gateway.handle(exchange)

    def reject(self, exchange: Exchange, failure: Failure) -> None:
        """Answer a request that could not be read."""
        self._gateway.reject(exchange, failure)
