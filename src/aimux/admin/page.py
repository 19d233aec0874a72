"""What a management endpoint answers: one page at once, or a stream that the client's reading paces."""

import asyncio
import json
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from aimux.edge.exchange import Exchange

HARDENING: Final = (b"Cache-Control: no-store", b"X-Content-Type-Options: nosniff")


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer. `headers` are complete lines beside its type and length."""

    status: int
    content_type: bytes
    body: bytes
    headers: tuple[bytes, ...] = HARDENING

    def answer(self, exchange: Exchange) -> None:
        """Send it."""
        exchange.answer(self.status, [b"Content-Type: " + self.content_type, *self.headers], self.body)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that comes in pieces, until there are no more or the client leaves."""

    content_type: bytes
    pieces: AsyncIterable[bytes]
    headers: tuple[bytes, ...] = HARDENING

    async def answer(self, exchange: Exchange) -> None:
        """Send it as fast as the client reads; where it breaks off, so does the connection."""
        try:
            await self._send(exchange)
        except Exception:
            exchange.abort()
            raise

    async def _send(self, exchange: Exchange) -> None:
        flow = _Flow()
        exchange.stream_from(flow)
        exchange.start(200, b"OK", [], [b"Content-Type: " + self.content_type, *self.headers], None)
        exchange.flush()
        if exchange.head.method != "HEAD":
            async for piece in self.pieces:
                exchange.write(piece)
                exchange.flush()
                await flow.open.wait()
        exchange.finish()


class _Flow:
    """Whether the client keeps up."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def pause(self) -> None:
        """It does not."""
        self.open.clear()

    def resume(self) -> None:
        """It does again."""
        self.open.set()


def json_page(answer: BaseModel, status: int = 200) -> Page:
    """A page of one JSON object, indented for people. Fields that were not given are left out."""
    text = json.dumps(answer.model_dump(mode="json", exclude_unset=True), indent=2)
    return Page(status, b"application/json", text.encode("ascii") + b"\n")
