"""Content codings: never over the limit, never much memory on the way, and what the plain decoders make of it."""

import gzip
import resource
import sys
import zlib
from collections.abc import Callable
from typing import Final

import brotli
import zstandard

from aimux.core.reason import Failure
from aimux.wire.decode import decode
from fuzz import seeds
from fuzz.target import Target, expect

_CODINGS: Final = (b"gzip", b"deflate", b"br", b"zstd", b"identity", b"", b" X-GZip ", b"compress")
# Windows of up to 16 MiB, and the block by which zstd can overshoot.
_MOST_KIB: Final = 48 * 1024


def check(data: bytes) -> None:
    """Decode what follows the first two bytes, which choose the coding and the limit."""
    if len(data) < 2:
        return
    coding, limit, body = _CODINGS[data[0] % len(_CODINGS)], data[1] * 64, data[2:]
    before = _peak_kib()
    try:
        found = decode(body, coding, limit)
    except Failure:
        found = None
    expect("a decoder takes little memory", kept=_peak_kib() - before < _MOST_KIB)
    if found is None:
        return
    name = coding.strip().lower()
    expect("an unknown coding is refused", kept=name in _PLAIN)
    expect("nothing over the limit comes out", kept=len(found) <= limit or name in {b"", b"identity"})
    expect("the plain decoder reads the same", kept=_PLAIN[name](body) == found)


def _peak_kib() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def _identity(body: bytes) -> bytes:
    return body


def _gunzip(body: bytes) -> bytes:
    return zlib.decompress(body, 16 + zlib.MAX_WBITS)


def _unbrotli(body: bytes) -> bytes:
    return bytes(brotli.decompress(body))


def _unzstd(body: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=False) as reader:
        return reader.read()


_PLAIN: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"": _identity,
    b"identity": _identity,
    b"gzip": _gunzip,
    b"x-gzip": _gunzip,
    b"deflate": zlib.decompress,
    b"br": _unbrotli,
    b"zstd": _unzstd,
}


def _seeds() -> list[bytes]:
    texts = (b"", b'{"query": "analyse revenue"}', b"a" * 5000, bytes(range(256)))
    encoders: tuple[Callable[[bytes], bytes], ...] = (
        lambda text: gzip.compress(text, mtime=0),
        zlib.compress,
        brotli.compress,
        zstandard.ZstdCompressor().compress,
    )
    own = [bytes([at, 255]) + encode(text) for at, encode in enumerate(encoders) for text in texts]
    frames = [zstandard.ZstdCompressor(write_content_size=False, write_checksum=True).compress(b"ab" * 900)] * 2
    own += [
        b"\x03\xff" + b"".join(frames),
        b"\x00\xff" + gzip.compress(b"a", mtime=0) * 2,
        b"\x02\x01" + brotli.compress(b"a" * 9999),
    ]
    return own + [bytes([at, 64]) + body for body in seeds.bodies() for at in range(4) if not body.isascii()]


TARGET = Target(
    "content-coding", check, _seeds, (b"\x1f\x8b\x08", b"\x78\x9c", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")
)
