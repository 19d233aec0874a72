"""Requests that cost the gateway more than others, as a hostile client would send them: functions that build bytes."""

import gzip
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import brotli
import zstandard

from bench.texts import text

AGENT: Final = "admin-bot"
BASED: Final = "based"
"""The route whose upstream has a base path."""
MOST_BODY: Final = 10 * 2**20
"""The default of server.max_body_bytes, decoded or not."""
MOST_HEADERS: Final = 32 * 1024
MOST_TARGET: Final = 8 * 1024
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
# The upstream takes no longer ones.
_BASED_TARGET: Final = 8000
_LONG_TEXT: Final = 8000
_LONGEST_WORD: Final = 100
_LONGEST_TEXT: Final = 16 * 8192
_PIPELINED: Final = 1000
_HALF_WAY: Final = 2 * (2**52 + 12_345) + 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request. `build` gives the bytes of the one with a number, in the pieces that they are sent in.

    `status` is that of every answer, `answers` how many there are; without any, the connection is closed at once.
    `models`: the model reads a text of it. `decoded`: what a coded body decodes to, up to the limit.
    """

    title: str
    build: Callable[[int], Sequence[bytes]]
    status: int
    answers: int = 1
    models: bool = False
    decoded: int = 0


def request(
    method: str = "POST",
    target: str = "/",
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    chunked: bool = False,
) -> bytes:
    """A whole request; a body that is chunked is given as it goes over the wire."""
    lines = [f"{method} {target} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in headers)]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    elif body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def posted(body: bytes, media: str = _JSON, coding: str = "", agent: str = "") -> bytes:
    """A request with a body that the gateway reads."""
    headers = [("Content-Type", media), ("Content-Encoding", coding), ("X-Source-Agent", agent)]
    return request(headers=[(name, value) for name, value in headers if value], body=body)


def asked(words: str) -> bytes:
    """The JSON of a text."""
    return json.dumps({"query": words}).encode()


def filled(start: bytes, unit: bytes, end: bytes, size: int = MOST_BODY) -> bytes:
    """As many times the unit, between start and end, as the size allows."""
    return start + unit * ((size - len(start) - len(end)) // len(unit)) + end


# Heads.


def bare() -> bytes:
    """The smallest request there is; it has no text and is refused."""
    return request("GET")


def many_headers() -> bytes:
    """As many headers as are allowed, in as many bytes."""
    length = MOST_HEADERS // 100 - len("X-Header-00: \r\n")
    return request("GET", headers=[(f"X-Header-{number:02}", "x" * length) for number in range(99)])


def with_header(name: str, start: str, unit: str, route: str) -> bytes:
    """One header that fills the head by itself, on a request to a route by name."""
    value = start + unit * ((MOST_HEADERS - 200 - len(start)) // len(unit))
    return request(headers=[(name, value), ("X-AIMux-Route", route)], body=b"{}")


def nested_escapes() -> bytes:
    """Escapes of escapes, deeper than they are decoded."""
    return _to_based("/" + "%" + "25" * ((MOST_TARGET - 4) // 2))


def wide_escapes() -> bytes:
    """Escapes of percent signs, next to one that has to be decoded as often as is allowed."""
    deep = "%" + "25" * 7 + "41"
    return _to_based("/" + "%25" * ((_BASED_TARGET - len(deep) - 1) // 3) + deep)


def dotted_path() -> bytes:
    """Segments that have to be looked at one by one, and are none that leads upwards."""
    return _to_based("/..a" * (_BASED_TARGET // 4))


def many_fields() -> bytes:
    """A query of as many fields as are allowed."""
    return request("GET", "/?" + "&".join(["a=%41%42"[: MOST_TARGET // 1000 - 1]] * 1000))


def escaped_query() -> bytes:
    """A text of nothing but escapes; it is too long to be remembered and short enough to be read."""
    return request("GET", "/?client_id=" + "%41" * ((MOST_TARGET - 12) // 3))


def byte_by_byte(head: bytes) -> Sequence[bytes]:
    """A request whose every byte is sent alone."""
    return [head[at : at + 1] for at in range(len(head))]


def line_after_line() -> bytes:
    """A head of the shortest lines, which are too many."""
    return request("GET", headers=[("a", "")] * ((MOST_HEADERS - 100) // len("a: \r\n")))


def _to_based(target: str) -> bytes:
    return request("GET", target, [("X-AIMux-Route", BASED), ("X-Source-Agent", AGENT)])


# Bodies.


def one_string(size: int = MOST_BODY) -> bytes:
    """JSON: a text as long as a body may be."""
    return filled(b'{"query":"', b"x", b'"}', size)


def escaped_string(escape: bytes) -> bytes:
    r"""JSON: a text of nothing but one escape."""
    return filled(b'{"query":"', escape, b'"}')


def bracketed_string() -> bytes:
    r"""JSON: a text of escapes whose brackets make the gateway look at its depth."""
    return filled(b'{"query":"' + b"[" * 65, b"\\n", b'"}')


def strings_in_a_row() -> bytes:
    """No JSON, which shows only where strings stand next to each other and their depth has been looked at."""
    return filled(b"[" + b"[]," * 65, b'""', b"]")


def widened_string() -> bytes:
    """JSON: a text of letters and one character that makes each of them take four bytes."""
    return filled('{"query":"\N{GRINNING FACE}'.encode(), b"x", b'"}')


def paired_strings() -> bytes:
    """JSON: as many strings as are allowed, one of them a pair of surrogates, for which all are looked at."""
    return b'{"a":["\\ud83d\\ude00",' + b",".join([b'"a"'] * 99_990) + b"]}"


def values(count: int) -> bytes:
    """JSON: an array of small numbers; with the array itself so many values."""
    return b'{"a":[' + b",".join([b"1"] * (count - 2)) + b"]}"


def small_objects() -> bytes:
    """JSON: the objects that take the most memory for their bytes, as many as are allowed."""
    return b'{"a":[' + b",".join([b'{"a":1}'] * 49_990) + b"]}"


def deep() -> bytes:
    """JSON: as deep as is allowed, as often as is allowed."""
    unit = b"[" * 62 + b"]" * 62
    return b'{"a":[' + b",".join([unit] * 1500) + b"]}"


def duplicate_at_the_end() -> bytes:
    """JSON: an object whose last key stands there twice."""
    keys = b",".join(b'"%06d":1' % number for number in range(95_000))
    return b'{"a":{' + keys + b',"000000":1}}'


@cache
def half_way_number() -> bytes:
    """A number in the middle between two that a float can be: all of its digits count."""
    # Its value is _HALF_WAY / 2**1075, and 2**-1075 is 5**1075 / 10**1075.
    digits = str(_HALF_WAY * 5**1075)
    return f"{digits[0]}.{digits[1:]}e{len(digits) - 1 - 1075}".encode()


def half_way_numbers() -> bytes:
    """JSON: nothing but numbers that are hard to read."""
    return filled(b'{"a":[', half_way_number() + b",", b"1]}")


def escaped_form() -> bytes:
    """A form of as many escapes as are decoded."""
    return b"q=" + b"%41" * 100_000


def mixed_form() -> bytes:
    """A form with one escape, and letters that are ASCII and not in turns."""
    return filled(b"q=%41", "aé".encode(), b"")


def plain_text() -> bytes:
    """A text as long as a body may be."""
    return b"word " * (MOST_BODY // 5)


def long_text(number: int) -> str:
    """A text of 8,000 words, which are about as many tokens; no two numbers share one."""
    words: list[str] = []
    while len(words) < _LONG_TEXT:
        words += text(number * 1000 + len(words) // 8).split()
    return " ".join(words[:_LONG_TEXT])


def repeated_text(number: int) -> str:
    """A text of 8,000 tokens that is next to nothing when it is compressed."""
    return text(number) + " the" * (_LONG_TEXT - 20)


def marks(number: int) -> str:
    """Accents upon accents, which the tokenizer puts in order."""
    return text(number) + " a" + "\u0301\u0316" * ((_LONGEST_TEXT - 200) // 2)


def unknown_words(number: int) -> str:
    """Words as long as the tokenizer tries to split them, and that cannot be split: each of them is one token."""
    unit = " " + "q" * (_LONGEST_WORD - 1) + "\U00010e7e"
    return text(number) + unit * ((_LONGEST_TEXT - 200) // len(unit))


# Codings and chunks.


def coded(body: bytes, coding: str) -> bytes:
    """A body under one of the codings that the gateway undoes."""
    return _CODERS[coding](body)


_CODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda body: gzip.compress(body, mtime=0),
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=5, lgwin=24),
    "zstd": lambda body: zstandard.ZstdCompressor(write_content_size=False).compress(body),
}


@cache
def empty_blocks(size: int = MOST_BODY) -> bytes:
    """Deflate: blocks that define their codes, all fifteen lengths of them, and hold nothing.

    RFC 1951 section 3.2.7. A code of n bits stands with its first bit first, a number with its last one first.
    """
    order = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
    # Seventeen lengths: fifteen codes of four bits, two of five.
    used = (*range(16), 18)
    lengths = {length: 5 if length in {7, 9} else 4 for length in used}
    codes = {length: f"{n:04b}" for n, length in enumerate(length for length in used if lengths[length] == 4)}
    codes |= {7: "11110", 9: "11111"}
    header = "0" + _number(2, 2) + _number(0, 5) + _number(0, 5) + _number(15, 4)
    header += "".join(_number(lengths.get(length, 0), 3) for length in order)
    # Lengths 2 to 15 and 15 again, 241 times none, 1 for the end of the block; no distances; and the end of the block.
    literals = "".join(codes[length] for length in (*range(2, 16), 15))
    nothing = codes[18] + _number(138 - 11, 7) + codes[18] + _number(103 - 11, 7)
    block = (header + literals + nothing + codes[1] + codes[0] + "0") * 8
    unit = int(block[::-1], 2).to_bytes(len(block) // 8, "little")
    return filled(b"\x78\x9c", unit, b"", size)


def _number(value: int, bits: int) -> str:
    return f"{value:0{bits}b}"[::-1]


def in_chunks(body: bytes, size: int, extension: bytes = b"") -> bytes:
    """A body in chunks of this size, each with this extension."""
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces) + b"0\r\n\r\n"


def chunked(body: bytes) -> bytes:
    """A request with a body that is in chunks already."""
    return request(headers=[("Content-Type", "text/plain")], body=body, chunked=True)


# The table.


def _same(build: Callable[[], bytes]) -> Callable[[int], Sequence[bytes]]:
    kept = cache(build)
    return lambda _: [kept()]


def _json(build: Callable[[], bytes], coding: str = "") -> Callable[[int], Sequence[bytes]]:
    return _same(lambda: posted(coded(build(), coding) if coding else build(), _JSON, coding))


def _trickled(build: Callable[[], bytes]) -> Callable[[int], Sequence[bytes]]:
    kept = cache(lambda: byte_by_byte(build()))
    return lambda _: kept()


def _bombs() -> Sequence[Kind]:
    """Zeros that decode to the limit, which is too long a text, and to ten times the limit."""
    return [
        Kind(f"{coding} bomb, {what}", _bomb(coding, size), 413, decoded=MOST_BODY)
        for coding in _CODERS
        for what, size in (("just under the limit", MOST_BODY), ("10 times the limit", 10 * MOST_BODY))
    ]


def _bomb(coding: str, size: int) -> Callable[[int], Sequence[bytes]]:
    return _same(lambda: posted(coded(b"\0" * size, coding), "text/plain", coding))


KINDS: Final[tuple[Kind, ...]] = (
    Kind("bare refused GET", _same(bare), 400),
    Kind("connection on which nothing is sent", lambda _: [], 0, answers=0),
    Kind("pipelined, 1,000 bare GETs", _same(lambda: bare() * _PIPELINED), 400, answers=_PIPELINED),
    Kind("404, unknown route named", _same(lambda: request("GET", headers=[("X-AIMux-Route", "no")])), 404),
    Kind(
        "403, route not for anonymous callers", _same(lambda: request("GET", headers=[("X-AIMux-Route", "admin")])), 403
    ),
    Kind("100 headers in 32 KiB", _same(many_headers), 400),
    Kind("Connection with 16,000 options", _same(lambda: with_header("Connection", "a", ",a", BASED)), 200),
    Kind("Content-Type with 32,000 parameters", _same(lambda: with_header("Content-Type", _JSON, ";", "no")), 404),
    Kind("8 KiB head, byte by byte", _trickled(lambda: request("GET", headers=[("A", "x" * 8150)])), 400),
    Kind("32 KiB head of short lines, byte by byte", _trickled(line_after_line), 431),
    Kind("path of nested escapes", _same(nested_escapes), 400),
    Kind("path of many escapes", _same(wide_escapes), 200),
    Kind("path of dotted segments", _same(dotted_path), 200),
    Kind("query of 1,000 fields", _same(many_fields), 400),
    Kind("query of escapes", _same(escaped_query), 401),
    Kind("JSON, one string of 10 MiB", _json(one_string), 413, models=True),
    Kind("JSON, 100,000 values", _json(lambda: values(100_000)), 400),
    Kind("JSON, too many values", _json(lambda: values(MOST_BODY // 2 - 100)), 413),
    Kind("JSON, 50,000 objects", _json(small_objects), 400),
    Kind("JSON, 64 deep", _json(deep), 400),
    Kind("JSON, a duplicate at the end of 95,000 keys", _json(duplicate_at_the_end), 400),
    Kind("JSON, 10 MiB of \\u escapes", _json(lambda: escaped_string(b"\\u0041")), 413),
    Kind("JSON, 10 MiB of \\n with brackets", _json(bracketed_string), 413),
    Kind("JSON, 10 MiB of strings in a row", _json(strings_in_a_row), 413),
    Kind("JSON, strings in a row in br", _json(strings_in_a_row, "br"), 413, decoded=MOST_BODY),
    Kind("JSON, 10 MiB of wide characters in br", _json(widened_string, "br"), 413, decoded=MOST_BODY),
    Kind("JSON, 100,000 strings and a surrogate pair", _json(paired_strings), 400),
    Kind("JSON, 10 MiB of half-way numbers", _json(half_way_numbers), 400),
    Kind("JSON, half-way numbers in br", _json(half_way_numbers, "br"), 400, decoded=MOST_BODY),
    Kind("form of 100,000 escapes", _same(lambda: posted(escaped_form(), _FORM, agent=AGENT)), 200),
    Kind("form of 10 MiB, ASCII and not in turns", _same(lambda: posted(mixed_form(), _FORM)), 413),
    Kind(
        "form of ASCII and not in turns, in br",
        _same(lambda: posted(coded(mixed_form(), "br"), _FORM, "br")),
        413,
        decoded=MOST_BODY,
    ),
    *_bombs(),
    Kind("deflate, 10 MiB of blocks without content", _same(lambda: posted(empty_blocks(), _JSON, "deflate")), 400),
    Kind("1-byte chunks", _same(lambda: chunked(in_chunks(b"x" * 100_000, 1))), 413),
    Kind("10 MiB in 5-byte chunks", _same(lambda: chunked(in_chunks(b"x" * MOST_BODY, 5))), 413),
    Kind("long chunk extensions", _same(lambda: chunked(in_chunks(b"x" * 4000, 1, b";a" * 2000))), 413),
    Kind("10 MiB of plain text", _same(lambda: posted(plain_text(), "text/plain")), 413),
    Kind("10 MiB and a byte", _same(lambda: posted(plain_text() + b"x", "text/plain")), 413),
    Kind("short new text", lambda number: [posted(asked(text(number)), agent=AGENT)], 200, models=True),
    Kind("8,000 tokens, new", lambda number: [posted(asked(long_text(number)), agent=AGENT)], 200, models=True),
    Kind(
        "8,000 tokens, new, in gzip",
        lambda number: [posted(coded(asked(repeated_text(number)), "gzip"), _JSON, "gzip", AGENT)],
        200,
        models=True,
    ),
    Kind(
        "accents upon accents, in gzip",
        lambda number: [posted(coded(asked(marks(number)), "gzip"), _JSON, "gzip", AGENT)],
        200,
        models=True,
    ),
    Kind(
        "words that no token fits, in gzip",
        lambda number: [posted(coded(asked(unknown_words(number)), "gzip"), _JSON, "gzip", AGENT)],
        200,
        models=True,
    ),
)
