"""What supervisor and workers say to each other: one JSON object a line, over a socket pair of their own."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

# A configuration file, which has at most 5 MiB, with every character escaped.
_LONGEST: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prepare:
    """To a worker: make this configuration ready. `accept` says whether to take connections already.

    `place` is where all keep the state, with the fields of `StatePlace`. `strict` says to refuse the configuration
    where its routes have errors.
    """

    number: int
    text: str
    source: str
    home: str
    digest: str
    loaded_at: str
    place: dict[str, str | None]
    accept: bool
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """To the supervisor: it is ready, or else why it cannot be used. `model` is the name of the model in it."""

    number: int
    problems: tuple[str, ...] = ()
    model: str | None = None
    model_digest: str | None = None
    bundled: bool = False


@dataclass(frozen=True, slots=True)
class Enforce:
    """To a worker: serve by what was prepared, or give it up."""

    number: int
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Enforced:
    """To the supervisor: done."""

    number: int


@dataclass(frozen=True, slots=True)
class Announce:
    """To a worker: every worker serves, so that the gateway as a whole is ready."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """To a worker: how an attempt to take a new configuration over ended."""

    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """To a worker: send your metrics. To the supervisor: send me the metrics of all."""

    number: int


@dataclass(frozen=True, slots=True)
class Measured:
    """To the supervisor: the metrics of a worker, as `edge.metrics_sum` takes them apart."""

    number: int
    families: list[Any]


@dataclass(frozen=True, slots=True)
class Page:
    """To a worker: the metrics of all, as Prometheus reads them."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class TakeOver:
    """To the supervisor: an operator wants the configuration file taken over, where it has this digest."""

    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """To a worker: done, or else why not."""

    number: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquire:
    """To a worker: say what you serve by. To the supervisor: tell me that of all."""

    number: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """To the supervisor: the digest of the configuration that a worker serves by, and the version of its standing."""

    number: int
    config: str | None
    standing: int


@dataclass(frozen=True, slots=True)
class Workers:
    """To a worker: of each worker its place, process, configuration and standing, as `Serving` has them."""

    number: int
    workers: list[Any]


@dataclass(frozen=True, slots=True)
class Ping:
    """To a worker: answer, if your event loop still turns."""

    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    """To the supervisor: it does."""

    number: int


@dataclass(frozen=True, slots=True)
class Drain:
    """To a worker: refuse new requests, finish those under way, and end."""


@dataclass(frozen=True, slots=True)
class Draining:
    """To the supervisor: so many requests are under way. Its `number` is always that of `Drain`, 0."""

    in_flight: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Drained:
    """To the supervisor: so many requests had to be cut."""

    cut: int


Message = (
    Prepare
    | Prepared
    | Enforce
    | Enforced
    | Announce
    | Reloaded
    | Measure
    | Measured
    | Page
    | TakeOver
    | TakenOver
    | Inquire
    | Acknowledged
    | Workers
    | Ping
    | Pong
    | Drain
    | Draining
    | Drained
)
_KINDS: Final[dict[str, Callable[..., Message]]] = {
    kind.__name__: kind
    for kind in (
        *(Prepare, Prepared, Enforce, Enforced, Announce, Reloaded),
        *(TakeOver, TakenOver, Inquire, Acknowledged, Workers),
        *(Measure, Measured, Page, Ping, Pong, Drain, Draining, Drained),
    )
}


def encoded(message: Message) -> bytes:
    """A message as a line."""
    return json.dumps([type(message).__name__, asdict(message)]).encode("ascii") + b"\n"


def decoded(line: bytes) -> Message:
    """A line as a message. Raises ValueError for anything else."""
    try:
        kind, fields = json.loads(line)
        given = {name: tuple(value) if name == "problems" else value for name, value in fields.items()}
        return _KINDS[kind](**given)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"no message: {line[:100]!r}") from error


class Channel:
    """One end of the line between a worker and its supervisor."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        """Talk over a connected socket, which belongs to the channel from now on."""
        return cls(*await asyncio.open_connection(sock=end, limit=_LONGEST))

    def send(self, message: Message) -> None:
        """Send a message; nothing happens where nobody listens any more."""
        if not self._writer.is_closing():
            self._writer.write(encoded(message))

    async def messages(self) -> AsyncIterator[Message]:
        """The messages of the other end, until it is gone. Raises ValueError where they make no sense."""
        try:
            while line := await self._reader.readline():
                yield decoded(line)
        except ConnectionError:
            return

    async def close(self) -> None:
        """Hang up, once everything has been sent."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
