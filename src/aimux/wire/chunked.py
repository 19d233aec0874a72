"""The chunked transfer coding of a request, decoded strictly (RFC 9112 section 7.1). Trailers are read and dropped."""

import re
from enum import Enum, auto

from aimux.core.reason import Failure, Reason
from aimux.wire.http1 import bad

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_QUOTED = rb'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*+"'
# Extensions mean nothing here, but what is no extension could mean something to somebody.
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;" + _TOKEN + rb"(?:=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*+")
_TRAILER_LINE = re.compile(_TOKEN + rb":[\t\x20-\x7e\x80-\xff]*")
_LONGEST_LINE = 4096
_MOST_TRAILER_BYTES = 8192
# A body in tiny chunks, or with long extensions, costs more to read than it carries: its framing may be this much, and
# an eighth of the content.
_MOST_OVERHEAD = 24 * 1024
_CONTENT_A_FRAMING = 8


class _State(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    DONE = auto()


class ChunkedDecoder:
    """Feed it bytes, take payload; `done` once the last chunk and its trailers were read."""

    def __init__(self) -> None:
        self._state = _State.SIZE
        self._left = 0
        self._line = bytearray()
        self._overhead = 0
        self._payload = 0
        self._trailer_bytes = 0

    @property
    def done(self) -> bool:
        """Whether the body is complete."""
        return self._state is _State.DONE

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Decode `data`: the pieces of payload in it, and the bytes behind the body's end. Raises Failure."""
        pieces: list[bytes] = []
        at = 0
        while at < len(data) and self._state is not _State.DONE:
            if self._state is _State.DATA:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._payload += len(piece)
                if self._left == 0:
                    self._state = _State.DATA_END
            else:
                at = self._feed_line(data, at)
        return pieces, data[at:]

    def _feed_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end + 1
        self._line += data[at:stop]
        if len(self._line) > _LONGEST_LINE:
            raise bad("a line of the chunked body is too long")
        if end >= 0:
            if not self._line.endswith(b"\r\n"):
                raise bad("a line of the chunked body ends without CRLF")
            line = bytes(self._line[:-2])
            self._line.clear()
            self._take_line(line)
        return stop

    def _take_line(self, line: bytes) -> None:
        if self._state is _State.DATA_END:
            if line:
                raise bad("a chunk is longer than its size says")
            self._state = _State.SIZE
        elif self._state is _State.TRAILER:
            self._take_trailer(line)
        else:
            self._take_size(line)

    def _take_size(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise bad("a chunk's size is malformed")
        self._overhead += len(line) + 4
        if self._overhead > _MOST_OVERHEAD + self._payload // _CONTENT_A_FRAMING:
            raise Failure(Reason.BODY_TOO_LARGE, "the chunked body is more framing than content")
        self._left = int(match.group(1), 16)
        self._state = _State.DATA if self._left else _State.TRAILER

    def _take_trailer(self, line: bytes) -> None:
        if not line:
            self._state = _State.DONE
            return
        self._trailer_bytes += len(line)
        if self._trailer_bytes > _MOST_TRAILER_BYTES:
            raise Failure(Reason.HEADERS_TOO_LARGE, "the chunked body's trailers are too large")
        if not _TRAILER_LINE.fullmatch(line):
            raise bad("a trailer line is malformed")
