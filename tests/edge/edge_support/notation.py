r"""The notation in which the corpus writes bytes, so that a person can review them.

A line break stands for CRLF. `\r \n \t \0 \s \\ \xHH` stand for one byte (`\s` is a space), and a backslash at the end
of a line takes the line break away. Characters beyond ASCII are sent in UTF-8. These are computed:

    {5000 * "X-A: 1\r\n"}    a text, many times
    {gzip "..."}             a text in a content coding: gzip, deflate, br, zstd; codings and repeats may be nested
    {utf-16 "..."}           a text in another character encoding
    {length}                 how many bytes follow the first empty line
    {name}                   a value that the player fills in, such as a port
"""

import gzip
import re
import zlib
from collections.abc import Callable, Mapping

import brotli
import zstandard

_ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "s": b" ", "\\": b"\\", '"': b'"', "\n": b""}
_CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "utf-16": lambda data: data.decode("utf-8").encode("utf-16"),
    "utf-32": lambda data: data.decode("utf-8").encode("utf-32"),
}
_OPENING = re.compile(r"\{(?:(\d+) \* |(" + "|".join(_CODINGS) + r") |([a-z]+)\})")
_LENGTH_MARK = b"\0{length}\0"


class NotationError(ValueError):
    """A text that is not in the notation."""


def to_bytes(text: str, values: Mapping[str, str | bytes]) -> bytes:
    """The bytes that a text stands for. Raises NotationError."""
    data, end = _read(text, 0, values, stop="")
    assert end == len(text)
    if _LENGTH_MARK in data:
        _, empty_line, body = data.partition(b"\r\n\r\n")
        if not empty_line:
            raise NotationError("{length} needs an empty line")
        data = data.replace(_LENGTH_MARK, b"%d" % len(body))
    return data


def _read(text: str, at: int, values: Mapping[str, str | bytes], *, stop: str) -> tuple[bytes, int]:
    data = bytearray()
    while at < len(text) and text[at] != stop:
        if text[at] == "\\":
            piece, at = _escape(text, at + 1)
        elif text[at] == "{" and (opening := _OPENING.match(text, at)):
            piece, at = _computed(opening, text, values)
        else:
            piece, at = (b"\r\n" if text[at] == "\n" else text[at].encode("utf-8")), at + 1
        data += piece
    return bytes(data), at


def _escape(text: str, at: int) -> tuple[bytes, int]:
    kind = text[at : at + 1]
    if kind == "x":
        return bytes.fromhex(text[at + 1 : at + 3]), at + 3
    if kind not in _ESCAPES:
        raise NotationError(f"unknown escape \\{kind}")
    return _ESCAPES[kind], at + 1


def _computed(opening: re.Match[str], text: str, values: Mapping[str, str | bytes]) -> tuple[bytes, int]:
    times, coding, name = opening.groups()
    if name == "length":
        return _LENGTH_MARK, opening.end()
    if name is not None:
        if name not in values:
            raise NotationError(f"nobody fills in {{{name}}}")
        value = values[name]
        return value.encode() if isinstance(value, str) else value, opening.end()
    data, end = _operand(text, opening.end(), values)
    if text[end : end + 1] != "}":
        raise NotationError(f"a computed piece does not end: {text[opening.start() : end + 1]!r}")
    return data * int(times) if times else _CODINGS[coding](data), end + 1


def _operand(text: str, at: int, values: Mapping[str, str | bytes]) -> tuple[bytes, int]:
    if text[at : at + 1] == '"':
        data, end = _read(text, at + 1, values, stop='"')
        return data, end + 1
    opening = _OPENING.match(text, at)
    if opening is None:
        raise NotationError(f"a text in quotes or a computed piece must stand at {text[at : at + 20]!r}")
    return _computed(opening, text, values)
