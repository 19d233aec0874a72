"""What goes to an upstream: a request, the limits of its response, and the ways in which an exchange fails."""

from dataclasses import dataclass, field

from aimux.core.policy import Timeouts
from aimux.core.values import value
from aimux.wire.redirects import Kept
from aimux.wire.response import ResponseHeadLimits


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """How large a response's head may be, and the seconds of silence between comments on event streams, if any."""

    head: ResponseHeadLimits = field(default_factory=ResponseHeadLimits)
    sse_keepalive: float | None = None


@value
class Outgoing:
    """A request as the upstream gets it. `body` is None where it is streamed from the exchange.

    `own` are the header lines that the gateway adds to the response. `keeps` is the upstream where its redirects are
    kept at the gateway, None where they go on as they come. `timeouts` are those of the route.
    """

    head: bytes
    body: bytes | None
    own: list[bytes]
    keeps: Kept | None
    timeouts: Timeouts


class StaleConnectionError(Exception):
    """A reused connection was closed by the upstream before a byte of the response: it may be the idle close's race."""


class TruncatedError(Exception):
    """The response broke off after its head had gone to the client. Holds what happened, for the operator."""
