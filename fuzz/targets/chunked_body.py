"""The chunked coding: the same payload, remainder and verdict however it comes in, and what llhttp and h11 read."""

from dataclasses import dataclass

from aimux.core.reason import Failure, Reason
from aimux.wire.chunked import ChunkedDecoder
from fuzz import seeds
from fuzz.oracles import H11, Llhttp
from fuzz.target import Target, expect, pieces

_HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
_MOST_KEPT = 8 * 1024


@dataclass(frozen=True, slots=True)
class _Outcome:
    payload: bytes
    rest: bytes
    done: bool
    refused: Reason | None = None


def check(data: bytes) -> None:
    """Decode what follows the first byte, which says how it is cut."""
    if not data:
        return
    body = data[1:]
    whole = _decode(body, max(len(body), 1))
    for size in (1, data[0] + 1):
        expect("a body comes out the same in pieces and at once", kept=_decode(body, size) == whole)
    ours = body[: len(body) - len(whole.rest)]
    # Framing in trailers, which are dropped here, means something to the others.
    if whole.done and not any(name in ours.lower() for name in (b"content-length", b"transfer-encoding")):
        expect("what follows the end is not touched", kept=body.endswith(whole.rest))
        for other in (Llhttp(_HEAD + ours), H11(_HEAD + ours)):
            who = type(other).__name__
            expect(f"{who} accepts what is accepted: {other.error}", kept=other.error is None and other.complete)
            expect(f"{who} reads the same payload", kept=other.body == whole.payload)


def _decode(body: bytes, size: int) -> _Outcome:
    decoder, payload, fed = ChunkedDecoder(), bytearray(), 0
    for piece in pieces(body, size):
        try:
            found, rest = decoder.feed(piece)
        except Failure as failure:
            expect("a refused body is not complete", kept=not decoder.done)
            # What a refused body held depends on how far it was read.
            return _Outcome(b"", b"", False, failure.reason)
        payload += b"".join(found)
        fed += len(piece)
        expect("there is no more payload than input", kept=len(payload) <= fed)
        expect("no piece is empty", kept=all(found))
        expect("a line that does not end is not kept", kept=len(decoder._line) <= _MOST_KEPT)
        if decoder.done:
            return _Outcome(bytes(payload), rest + body[fed:], True)
        expect("all is taken before the end", kept=not rest)
    return _Outcome(bytes(payload), b"", decoder.done)


def _seeds() -> list[bytes]:
    own = (
        b"5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nX-T: z\r\n\r\nGET /",
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\nab",
        b"1\r\nx\r\n" * 50,
    )
    return [b"\x02" + body for body in (*own, *seeds.bodies())]


TARGET = Target(
    "chunked-body",
    check,
    _seeds,
    (b"0\r\n\r\n", b"5\r\nhello\r\n", b"\r\n", b"\n", b";a=b", b"X-T: z\r\n", b"0x", b"ffffffffffffffff"),
)
