"""Dispatch: management endpoints answer operators, the gateway answers agents; and which of them at which socket."""

from collections.abc import Coroutine
from typing import Any

from aimux.admin.management import Management, refuse
from aimux.admin.refusal_log import RefusalLog
from aimux.core.reason import Failure
from aimux.core.refusal import after_failure
from aimux.edge.exchange import Exchange
from aimux.gateway.handle import Gateway
from aimux.wire.cors import Cors


class Dispatcher:
    """All that is answered on the port of agents."""

    def __init__(
        self, management: Management, gateway: Gateway[Exchange], refusals: RefusalLog, cors: Cors | None = None
    ) -> None:
        self._cors = cors
        self._management = management
        self._gateway = gateway
        self._refusals = refusals

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        if self._management.owns(exchange.head.path):
            return _manage(exchange, self._management, self._refusals)
        if self._cors is not None:
            exchange.cors = self._cors.lines(exchange.head)
            preflight = self._cors.preflight(exchange.head)
            if preflight is not None:
                return self._gateway.preflight(exchange, preflight)
        return self._gateway.handle(exchange)

    def reject(self, exchange: Exchange, failure: Failure) -> None:
        """Answer a request that could not be read."""
        if self._cors is not None and not self._management.owns(exchange.head.path):
            exchange.cors = self._cors.lines(exchange.head)
        self._gateway.reject(exchange, failure)


class OperatorsDispatcher:
    """All that is answered on a listener of operators' own: never agents' traffic."""

    def __init__(self, management: Management, refusals: RefusalLog) -> None:
        self._management = management
        self._refusals = refusals

    def serve(self, exchange: Exchange) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        return _manage(exchange, self._management, self._refusals)

    def reject(self, exchange: Exchange, failure: Failure) -> None:
        """Answer a request that could not be read."""
        refusal = after_failure(failure)
        if exchange.responding:
            exchange.abort()
        else:
            refuse(exchange, refusal)
        self._refusals.note(exchange, refusal)


async def _manage(exchange: Exchange, management: Management, refusals: RefusalLog) -> None:
    refused = await management.answer(exchange)
    if refused is not None:
        refusals.note(exchange, refused)
