"""Content codings, decoded within a limit, and JSON, read strictly."""

import json
import re
import zlib
from typing import NoReturn

import brotli
import zstandard

from aimux.core.reason import Failure, Reason
from aimux.wire.http1 import bad

_DEEPEST = 64
_LONGEST_NUMBER = 400
# A value can take a hundred times the memory of the two bytes that it is written with.
_MOST_VALUES = 100_000
# Passing over strings cannot be interrupted: so many short ones hold all other requests up.
_MOST_MARKS = 1_000_000
# What stands in front of the next bracket or comma, strings passed over, and that. It matches everywhere, so no byte is
# looked at twice. Possessive, since a match that may be taken back costs a hundred bytes for each one.
_TO_NEXT_MARK = re.compile(rb'(?:[^"\[\]{},]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?)*+([\[\]{},]|\Z)', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_ZSTD_WINDOW = 8 * 1024 * 1024
_ZSTD_STEP = 128


def decode(body: bytes, coding: bytes, limit: int) -> bytes:
    """Undo one content coding. Raises Failure over `limit` bytes, for another coding, and for broken data."""
    name = coding.strip().lower()
    if name in (b"", b"identity"):
        return body
    decoder = _DECODERS.get(name)
    if decoder is None:
        raise Failure(
            Reason.UNSUPPORTED_ENCODING, "the body's Content-Encoding must be one of gzip, deflate, br, zstd, or none"
        )
    try:
        decoded = decoder(body, limit + 1)
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise bad("the body is not what its Content-Encoding says") from error
    if decoded is None:
        raise bad("the encoded body is cut short, or something follows its end")
    if len(decoded) > limit:
        raise Failure(Reason.BODY_TOO_LARGE, f"the decoded body is larger than {limit} bytes")
    return decoded


def _inflate(body: bytes, most: int, wbits: int) -> bytes | None:
    decoder = zlib.decompressobj(wbits)
    decoded = decoder.decompress(body, most)
    if len(decoded) >= most:
        return decoded
    return decoded if decoder.eof and not decoder.unused_data else None


def _gzip(body: bytes, most: int) -> bytes | None:
    return _inflate(body, most, 16 + zlib.MAX_WBITS)


def _deflate(body: bytes, most: int) -> bytes | None:
    return _inflate(body, most, zlib.MAX_WBITS)


def _brotli(body: bytes, most: int) -> bytes | None:
    decoder = brotli.Decompressor()
    decoded = bytearray(decoder.process(body, output_buffer_limit=most))
    while len(decoded) < most and not decoder.is_finished():
        more = decoder.process(b"", output_buffer_limit=most - len(decoded))
        if not more:
            return None
        decoded += more
    return bytes(decoded)


def _zstd(body: bytes, most: int) -> bytes | None:
    decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj(read_across_frames=False)
    decoded = bytearray()
    # This decoder has no output limit. A block of 3 bytes can hold 128 KiB, so a step can overshoot by a few MiB.
    for at in range(0, len(body), _ZSTD_STEP):
        if decoder.eof:
            return None
        decoded += decoder.decompress(body[at : at + _ZSTD_STEP])
        if len(decoded) >= most:
            return bytes(decoded)
    return bytes(decoded) if decoder.eof and not decoder.unused_data else None


_DECODERS = {b"gzip": _gzip, b"x-gzip": _gzip, b"deflate": _deflate, b"br": _brotli, b"zstd": _zstd}


def read_json(body: bytes) -> object:
    """Read UTF-8 JSON in which every key stands once, nested at most 64 deep, without NaN, infinities and surrogates.

    Raises Failure for anything else, and for more values than are worth their memory.
    """
    _check_shape(body)
    try:
        value: object = _JSON.decode(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise bad("the JSON body is not valid UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise bad("the body is not valid JSON") from error
    if _SURROGATE_ESCAPE.search(body):
        _check_surrogates(value)
    return value


def _check_shape(body: bytes) -> None:
    if body.count(b'"') + body.count(b"\\") > _MOST_MARKS:
        raise Failure(
            Reason.BODY_TOO_LARGE,
            f"the JSON body holds more than {_MOST_MARKS} quotes and backslashes: name the route and the agent in "
            "headers, and the body is passed on unread",
        )
    openings = body.count(b"{") + body.count(b"[")
    if openings <= _DEEPEST and openings + body.count(b",") < _MOST_VALUES:
        return
    depth = 0
    values = 1
    for match in _TO_NEXT_MARK.finditer(body):
        mark = match.group(1)
        if mark in (b"[", b"{"):
            depth += 1
            if depth > _DEEPEST:
                raise bad(f"the JSON body is nested more than {_DEEPEST} levels deep")
        elif mark in (b"]", b"}"):
            depth -= 1
            if depth < 0:
                raise bad("the body is not valid JSON")
            continue
        values += 1
        if values > _MOST_VALUES:
            raise Failure(
                Reason.BODY_TOO_LARGE,
                f"the JSON body holds more than {_MOST_VALUES} values: name the route and the agent in headers, "
                "and the body is passed on unread",
            )


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise bad("an object in the JSON body has the same key twice")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise bad("the JSON body holds NaN or an infinity")


def _read_int(digits: str) -> int:
    return int(_short(digits))


def _read_float(digits: str) -> float:
    return float(_short(digits))


def _short(digits: str) -> str:
    if len(digits) > _LONGEST_NUMBER:
        raise bad("the JSON body holds a number that is too long")
    return digits


_JSON = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_read_int, parse_float=_read_float
)


def _check_surrogates(value: object) -> None:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            try:
                item.encode("utf-8")
            except UnicodeEncodeError as error:
                raise bad("the JSON body holds half of a surrogate pair") from error
        elif isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
