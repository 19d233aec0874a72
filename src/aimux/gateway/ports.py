"""What the gateway needs of the edge and of the model, as protocols: it knows neither."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from aimux.core.decision import Permit
from aimux.core.headers import Trace
from aimux.core.record import Ended, Record
from aimux.core.scores import Scored
from aimux.core.values import value
from aimux.wire.forwarding import Origin
from aimux.wire.http1 import Head


class Exchange(Protocol):
    """One request on a client's connection, and the answer to it.

    `upstream_request_id` is what the upstream calls the request, where it calls it anything.
    """

    head: Head
    origin: Origin
    request_id: str
    trace: Trace
    started: float
    status: int
    response_bytes: int
    upstream_request_id: str | None

    @property
    def responding(self) -> bool:
        """Whether any byte of a response has been written."""

    async def first_byte(self) -> bytes:
        """The body's first byte behind white space and marks of encodings, none where there is none. Raises Failure."""

    async def read_body(self) -> bytes:
        """The whole body as received, its transfer coding undone. Raises Failure."""

    def answer(self, status: int, own: list[bytes], body: bytes) -> None:
        """Answer with a whole response; `own` are complete header lines."""

    def close_after(self) -> None:
        """Close the connection after this exchange."""

    def abort(self) -> None:
        """Cut the connection, so that a response which was begun cannot look complete."""


class Scorer(Protocol):
    """Scores texts against the intents of one policy."""

    def cached(self, text: str) -> Scored | None:
        """The scores of a text seen before."""

    def score(self, text: str) -> Awaitable[Scored]:
        """The scores of a text. Raises Failure where the text cannot be scored in time."""


@value
class Outcome:
    """How a forwarded exchange ended, and the seconds until the upstream's response head."""

    ended: Ended
    upstream_seconds: float
    fault: str = ""


E_contra = TypeVar("E_contra", bound=Exchange, contravariant=True)


class Forwarder(Protocol[E_contra]):
    """Carries a request to the route of a permit, and its response back."""

    async def forward(self, permit: Permit, exchange: E_contra, body: bytes | None) -> Outcome:
        """Forward. `body` is the body where it has been read, else it is streamed from the exchange.

        Raises Failure only while nothing of a response has reached the client.
        """


class Ledger(Protocol):
    """Where decisions are written down before they are carried out."""

    def decided(self, record: Record) -> Awaitable[None] | None:
        """Write down a decision to forward; what to wait for before that is done, if anything.

        Raises Failure where it cannot be written down, and so does waiting.
        """


Observer = Callable[[Record], None]
